import CLinux

/// Resolution of paths inside the new root.
///
/// A path is resolved once; what follows acts on the descriptor.
extension Interpreter {
    /// Follows links, but never out of the root, and never through procfs's magic links.
    private static let insideRoot = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    /// Follows no link at all.
    private static let withoutLinks = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)

    /// The root's descriptor; `/` when no new root was made.
    mutating func rootDescriptor() throws(Fault) -> Int32 {
        if root < 0 {
            root = try check(linux_openat(INIT_AT_FDCWD, "/", O_DIRECTORY | O_CLOEXEC | INIT_O_PATH, 0), "open /")
        }
        return root
    }

    /// Opens what is there; -1 and errno otherwise.
    mutating func find(_ path: KernelString, flags: Int32, followLinks: Bool = true) throws(Fault) -> Int32 {
        let root = try rootDescriptor()
        let resolve = followLinks ? Self.insideRoot : Self.withoutLinks
        return withCString(path) { linux_openat2(root, $0, UInt64(flags | O_CLOEXEC), 0, resolve) }
    }

    /// Opens a directory that no link leads to: where the kernel's own file systems are mounted.
    mutating func locateRealDirectory(_ path: KernelString) throws(Fault) -> Int32 {
        var found = try find(path, flags: INIT_O_PATH | O_DIRECTORY, followLinks: false)
        if found < 0 && linux_errno() == ENOENT {
            closeDescriptor(try locate(path, makingMode: 0o755, directory: true))
            found = try find(path, flags: INIT_O_PATH | O_DIRECTORY, followLinks: false)
        }
        return try check(found, "open without following links:", path)
    }

    /// Opens a path (`O_PATH`), making it, and the directories above it, where missing.
    mutating func locate(
        _ path: KernelString, makingMode mode: UInt32, directory: Bool, depth: Int = 0
    ) throws(Fault) -> Int32 {
        let found = try find(path, flags: INIT_O_PATH)
        if found >= 0 { return found }
        guard linux_errno() == ENOENT else { throw Fault.last("openat2", path) }
        guard depth < 16, path.bytes.count < 4096 else { throw Fault(ELOOP, path) }
        let components = path.bytes.split(separator: 0x2F)
        guard components.count <= 128 else { throw Fault(ENAMETOOLONG, path) }
        var parent = try check(find("/", flags: INIT_O_PATH), "openat2 /")
        var prefix: [UInt8] = []
        for (index, component) in components.enumerated() {
            let parentPath = prefix
            prefix.append(0x2F)
            prefix.append(contentsOf: component)
            let isLast = index == components.count - 1
            var next = try find(KernelString(bytes: prefix), flags: INIT_O_PATH)
            if next < 0 {
                guard linux_errno() == ENOENT else { throw Fault.last("openat2", KernelString(bytes: prefix)) }
                let name = KernelString(bytes: Array(component))
                let made = make(name, in: parent, mode: isLast ? mode : 0o755, directory: !isLast || directory)
                if made < 0 && linux_errno() == EEXIST {
                    // A link to nowhere: what it names is made, inside the root as everything else.
                    var rest = try linkTarget(name, in: parent, parentPath: parentPath)
                    for following in components[(index + 1)...] {
                        rest.append(0x2F)
                        rest.append(contentsOf: following)
                    }
                    closeDescriptor(parent)
                    return try locate(
                        KernelString(bytes: rest), makingMode: mode, directory: directory, depth: depth + 1)
                }
                guard made >= 0 else { throw Fault.last("make", KernelString(bytes: prefix)) }
                next = try check(
                    find(KernelString(bytes: prefix), flags: INIT_O_PATH), "openat2", KernelString(bytes: prefix))
            }
            closeDescriptor(parent)
            parent = next
        }
        return parent
    }

    private func make(_ name: KernelString, in parent: Int32, mode: UInt32, directory: Bool) -> Int32 {
        withCString(name) { name in
            if directory { return init_mkdirat(parent, name, mode) }
            let file = linux_openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode)
            if file >= 0 { closeDescriptor(file) }
            return file
        }
    }

    private func linkTarget(
        _ name: KernelString, in parent: Int32, parentPath: [UInt8]
    ) throws(Fault) -> [UInt8] {
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 4096)
        defer { buffer.deallocate() }
        let count = withCString(name) { readlinkat(parent, $0, buffer, 4095) }
        guard count > 0 else { throw Fault.last("readlink", name) }
        var target: [UInt8] = buffer[0] == 0x2F ? [] : parentPath + [0x2F]
        for index in 0..<count { target.append(UInt8(bitPattern: buffer[index])) }
        return target
    }

    /// The parent directory of a path, made where missing, and the last component.
    mutating func locateParent(of path: KernelString) throws(Fault) -> (directory: Int32, name: KernelString) {
        var components = path.bytes.split(separator: 0x2F)
        guard let last = components.popLast() else { throw Fault(EINVAL, path) }
        var parent: [UInt8] = []
        for component in components {
            parent.append(0x2F)
            parent.append(contentsOf: component)
        }
        if parent.isEmpty { parent = [0x2F] }
        let directory = try locate(KernelString(bytes: parent), makingMode: 0o755, directory: true)
        return (directory, KernelString(bytes: Array(last)))
    }

    /// Reads a file of the root, if it is an ordinary one and not larger than the limit; nil when it is missing.
    mutating func readFile(_ path: KernelString, limit: Int) throws(Fault) -> [UInt8]? {
        let file = try find(path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
        if file < 0 {
            if linux_errno() == ENOENT { return nil }
            throw Fault.last("open", path)
        }
        defer { closeDescriptor(file) }
        var kind = init_file_kind()
        try check(init_file_kind(file, &kind), "fstat", path)
        guard kind.mode & FileType.mask == FileType.regular else { throw Fault(EINVAL, path + " is not a file") }
        guard let bytes = readAll(file, limit: limit) else { throw Fault(EFBIG, path + " is too large") }
        return bytes
    }
}
