import CLinux

/// Mounts of the host that are taken before the new root is made, and attached in it later.
extension Interpreter {
    mutating func openTree(_ source: KernelString, subpath: KernelString, recursive: Bool) throws(Fault) {
        guard !subpath.isEmpty else {
            let flags = Self.cloneFlags(recursive: recursive)
            trees.append(
                try check(withCString(source) { linux_open_tree(INIT_AT_FDCWD, $0, flags) }, "open_tree", source))
            return
        }
        let flags = INIT_O_PATH | O_DIRECTORY | O_CLOEXEC
        let whole = try check(withCString(source) { linux_openat(INIT_AT_FDCWD, $0, flags, 0) }, "open", source)
        defer { closeDescriptor(whole) }
        trees.append(try takePart(subpath, of: whole, recursive: recursive))
    }

    /// An old kernel takes the layers of an overlay by mount(2) only, so that it is attached for a moment.
    mutating func openOverlay(
        _ lower: [KernelString], subpath: KernelString, scratch: KernelString
    ) throws(Fault) {
        var opened: [Int32] = []
        defer { for descriptor in opened { closeDescriptor(descriptor) } }
        let options = try Self.lowerDirectories(lower, &opened)
        guard options.count < 4095 else { throw Fault(E2BIG, "too many layers for one overlay") }
        let flags: UInt = 0x7  // MS_RDONLY | MS_NOSUID | MS_NODEV
        let result = withCString(KernelString(bytes: options)) { options in
            withCString(scratch) { init_mount("overlay", $0, "overlay", flags, options) }
        }
        try check(result, "mount overlay on", scratch)
        defer { withCString(scratch) { _ = umount2($0, INIT_MNT_DETACH) } }
        let opening = INIT_O_PATH | O_DIRECTORY | O_CLOEXEC
        let whole = try check(withCString(scratch) { linux_openat(INIT_AT_FDCWD, $0, opening, 0) }, "open", scratch)
        defer { closeDescriptor(whole) }
        trees.append(try takePart(subpath.isEmpty ? "." : subpath, of: whole, recursive: false))
    }

    /// Links in the part's path cannot leave the whole.
    func takePart(_ subpath: KernelString, of whole: Int32, recursive: Bool) throws(Fault) -> Int32 {
        let resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        let part = try check(
            withCString(subpath) { linux_openat2(whole, $0, UInt64(INIT_O_PATH | O_CLOEXEC), 0, resolve) },
            "open the subpath", subpath)
        defer { closeDescriptor(part) }
        let flags = Self.cloneFlags(recursive: recursive) | UInt32(INIT_AT_EMPTY_PATH)
        return try check(linux_open_tree(part, "", flags), "open_tree", subpath)
    }

    private static func cloneFlags(recursive: Bool) -> UInt32 {
        UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | (recursive ? UInt32(LINUX_AT_RECURSIVE) : 0)
    }

    mutating func attach(_ attachment: TreeAttachment) throws(Fault) {
        let number = Int(attachment.tree)
        guard number < trees.count, trees[number] >= 0 else { throw Fault(EINVAL, "no such tree was taken") }
        let tree = trees[number]
        trees[number] = -1
        defer { closeDescriptor(tree) }
        try setAttributes(
            of: tree, 0, propagation: attachment.propagation, recursive: true, attachment.source)
        try setAttributes(
            of: tree, attachment.attributes, propagation: 0, recursive: attachment.attributesBelow,
            attachment.source)
        if !attachment.userMap.isEmpty { try mapOwners(of: tree, attachment) }
        var kind = init_file_kind()
        try check(init_file_kind(tree, &kind), "fstat", attachment.source)
        let directory = kind.mode & FileType.mask == FileType.directory
        let place = try locate(attachment.target, makingMode: directory ? 0o755 : 0o644, directory: directory)
        defer { closeDescriptor(place) }
        try check(init_file_kind(place, &kind), "fstat", attachment.target)
        guard directory == (kind.mode & FileType.mask == FileType.directory) else {
            // Docker's clients know these words.
            throw Fault(
                ENOTDIR,
                attachment.target
                    + ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type"
            )
        }
        try refuseProc(place, tree, attachment.target)
        try attach(tree, to: place, attachment.target)
    }

    /// What masks and protects /proc is by path: nothing may come over it, whatever links lead there.
    ///
    /// As with Docker, files that report the container's own limits may.
    private func refuseProc(_ place: Int32, _ tree: Int32, _ target: KernelString) throws(Fault) {
        guard init_file_system_magic(place) == Int64(INIT_PROC_MAGIC) else { return }
        let bytes = target.bytes
        for allowed in Self.replaceableProcFiles where bytes == allowed.bytes { return }
        let root: [UInt8] = KernelString("/proc").bytes
        if bytes == root, init_file_system_magic(tree) == Int64(INIT_PROC_MAGIC) { return }
        throw Fault(EPERM, target + " cannot be mounted because it is inside /proc")
    }

    private static var replaceableProcFiles: [KernelString] {
        [
            "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
            "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
        ]
    }

    /// Shows files under other owners (mount_setattr(2), `MOUNT_ATTR_IDMAP`).
    private func mapOwners(of tree: Int32, _ attachment: TreeAttachment) throws(Fault) {
        let namespace = try userNamespace(attachment.userMap, attachment.groupMap)
        defer { closeDescriptor(namespace) }
        var change = linux_mount_attr(
            attr_set: MountAttribute.mappedOwners, attr_clr: 0, propagation: 0, userns_fd: UInt64(namespace))
        let flags = UInt32(INIT_AT_EMPTY_PATH) | UInt32(LINUX_AT_RECURSIVE)
        guard linux_mount_setattr(tree, "", flags, &change) < 0 else { return }
        let code = linux_errno()
        guard code == EINVAL else { throw Fault.last("map the owners of", attachment.source) }
        throw Fault(code, "map the owners of " + attachment.source + ", whose file system cannot do that")
    }

    /// A user namespace with these maps; its only process has ended.
    private func userNamespace(_ userMap: KernelString, _ groupMap: KernelString) throws(Fault) -> Int32 {
        guard procfs >= 0 else { throw Fault(EINVAL, "no procfs of its own") }
        let child = try check(init_fork_user_namespace(), "make a user namespace")
        if child == 0 { init_sleep_for_ever() }
        defer {
            _ = init_kill(child, SIGKILL)
            _ = init_wait(child, nil, 0, nil)
        }
        let folder = KernelString(bytes: decimalDigits(Int64(child)))
        try writeMap(folder + "/uid_map", userMap)
        try writeMap(folder + "/gid_map", groupMap)
        return try check(
            withCString(folder + "/ns/user") { linux_openat(procfs, $0, O_RDONLY | O_CLOEXEC, 0) },
            "open the user namespace")
    }

    private func writeMap(_ path: KernelString, _ map: KernelString) throws(Fault) {
        let file = try check(withCString(path) { linux_openat(procfs, $0, O_WRONLY | O_CLOEXEC, 0) }, "open", path)
        defer { closeDescriptor(file) }
        guard writeAll(file, map.bytes) else { throw Fault.last("write", path) }
    }
}
