import CLinux

/// Nodes made in the new root, and paths hidden or made read-only there.
extension Interpreter {
    mutating func makeSymbolicLink(at target: KernelString, content: KernelString) throws(Fault) {
        let (directory, name) = try locateParent(of: target)
        defer { closeDescriptor(directory) }
        let result = withCString(name) { name in withCString(content) { symlinkat($0, directory, name) } }
        guard result >= 0 || linux_errno() == EEXIST else { throw Fault.last("symlink", target) }
    }

    mutating func makeDevice(
        at target: KernelString, mode: UInt32, major: UInt32, minor: UInt32
    ) throws(Fault) {
        let (directory, name) = try locateParent(of: target)
        defer { closeDescriptor(directory) }
        if withCString(name, { linux_mknod(directory, $0, mode, major, minor) }) >= 0 { return }
        let fault = Fault.last("mknod", target)
        // Outside /dev the node of an earlier start is still there.
        guard fault.code == EEXIST else { throw fault }
        let found = withCString(name) { linux_openat(directory, $0, INIT_O_PATH | O_NOFOLLOW | O_CLOEXEC, 0) }
        defer { closeDescriptor(found) }
        var kind = init_file_kind()
        let isSame =
            found >= 0 && init_file_kind(found, &kind) >= 0 && kind.mode & FileType.mask == mode & FileType.mask
            && kind.major_number == major && kind.minor_number == minor
        guard isSame else { throw fault }
    }

    mutating func setOwner(of target: KernelString, user: UInt32, group: UInt32) throws(Fault) {
        let (directory, name) = try locateParent(of: target)
        defer { closeDescriptor(directory) }
        try check(withCString(name) { fchownat(directory, $0, user, group, 0x100) }, "chown", target)
    }

    mutating func writeFile(at target: KernelString, content: KernelString, mode: UInt32) throws(Fault) {
        let (directory, name) = try locateParent(of: target)
        defer { closeDescriptor(directory) }
        let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC
        let file = try check(withCString(name) { linux_openat(directory, $0, flags, mode) }, "create", target)
        defer { closeDescriptor(file) }
        guard writeAll(file, content.bytes) else { throw Fault.last("write", target) }
    }

    mutating func mask(_ path: KernelString) throws(Fault) {
        guard let place = try locateIfPresent(path) else { return }
        defer { closeDescriptor(place) }
        var kind = init_file_kind()
        try check(init_file_kind(place, &kind), "fstat", path)
        if kind.mode & FileType.mask == FileType.directory {
            try maskDirectory(place, path)
        } else {
            try maskFile(place, path)
        }
    }

    private mutating func maskDirectory(_ place: Int32, _ path: KernelString) throws(Fault) {
        if emptyDirectory < 0 {
            // What is first attached is then copied: a detached mount cannot be, on older kernels.
            let options = [MountOption("size", "4096"), MountOption("nr_inodes", "2"), MountOption("mode", "0555")]
            let attributes =
                MountAttribute.readOnly | MountAttribute.noSetUserID | MountAttribute.noDevices
                | MountAttribute.noExec
            emptyDirectory = try newMount("tmpfs", options, attributes: attributes)
            try attach(emptyDirectory, to: place, path)
            return
        }
        try attachCopy(of: emptyDirectory, to: place, path)
    }

    private mutating func maskFile(_ place: Int32, _ path: KernelString) throws(Fault) {
        if nullDevice < 0 {
            let null = try check(
                linux_openat(INIT_AT_FDCWD, "/dev/null", INIT_O_PATH | O_CLOEXEC | O_NOFOLLOW, 0),
                "open /dev/null")
            var kind = init_file_kind()
            try check(init_file_kind(null, &kind), "fstat /dev/null")
            let isNull =
                kind.mode & FileType.mask == FileType.characterDevice && kind.major_number == 1
                && kind.minor_number == 3
            guard isNull else { throw Fault(ENODEV, "/dev/null of the host is not the null device") }
            nullDevice = null
        }
        try attachCopy(of: nullDevice, to: place, path)
    }

    private func attachCopy(of source: Int32, to place: Int32, _ path: KernelString) throws(Fault) {
        let flags = UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | UInt32(INIT_AT_EMPTY_PATH)
        let tree = try check(linux_open_tree(source, "", flags), "open_tree for", path)
        defer { closeDescriptor(tree) }
        try attach(tree, to: place, path)
    }

    mutating func makeReadOnly(_ path: KernelString) throws(Fault) {
        guard let place = try locateIfPresent(path) else { return }
        defer { closeDescriptor(place) }
        let flags =
            UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | UInt32(INIT_AT_EMPTY_PATH)
            | UInt32(LINUX_AT_RECURSIVE)
        let tree = try check(linux_open_tree(place, "", flags), "open_tree", path)
        defer { closeDescriptor(tree) }
        try setAttributes(
            of: tree, UInt32(INIT_MOUNT_ATTR_RDONLY), propagation: 0, recursive: true, path)
        try attach(tree, to: place, path)
    }

    private mutating func locateIfPresent(_ path: KernelString) throws(Fault) -> Int32? {
        let place = try find(path, flags: INIT_O_PATH)
        if place >= 0 { return place }
        let code = linux_errno()
        if code == ENOENT || code == ENOTDIR { return nil }
        throw Fault.last("openat2", path)
    }

    func setKernelParameter(_ name: KernelString, _ value: KernelString) throws(Fault) {
        guard procfs >= 0 else { throw Fault(EINVAL, "no procfs of its own") }
        // Only what this very procfs holds: nothing mounted over it, no link, nothing above it.
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
        let path = KernelString("sys/") + name
        let file = try check(
            withCString(path) { linux_openat2(procfs, $0, UInt64(O_WRONLY | O_CLOEXEC), 0, resolve) },
            "open /proc/sys/", name)
        defer { closeDescriptor(file) }
        guard writeAll(file, value.bytes) else { throw Fault.last("write /proc/sys/", name) }
    }

    /// Opens a terminal on the container's own devpts.
    ///
    /// The other end goes to the supervisor.
    mutating func openTerminal(rows: UInt32, columns: UInt32) throws(Fault) {
        let master: Int32
        if devpts >= 0 {
            master = linux_openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0)
        } else {
            master = try find("/dev/pts/ptmx", flags: O_RDWR | O_NOCTTY, followLinks: false)
        }
        try check(master, "open /dev/pts/ptmx")
        defer { closeDescriptor(master) }
        guard init_file_system_magic(master) == 0x1cd1 else { throw Fault(ENODEV, "/dev/pts is not a devpts") }
        let terminal = try check(init_terminal_peer(master), "open the terminal")
        _ = init_set_terminal_size(
            master, UInt16(truncatingIfNeeded: rows), UInt16(truncatingIfNeeded: columns))
        if devpts >= 0 {
            let place = try locate("/dev/console", makingMode: 0o600, directory: false)
            defer { closeDescriptor(place) }
            try attachCopy(of: terminal, to: place, "/dev/console")
        }
        try check(init_set_controlling_terminal(terminal), "set the controlling terminal")
        for stream in [Int32(0), 1, 2] { try check(dup2(terminal, stream), "dup2 the terminal") }
        closeDescriptor(terminal)
        var descriptor = master
        var mark = UInt8(0x54)
        guard linux_send_descriptors(channel, &mark, 1, &descriptor, 1) == 1 else {
            throw Fault.last("send the terminal")
        }
    }
}
