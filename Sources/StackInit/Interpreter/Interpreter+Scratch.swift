import CLinux

/// What is made beside the root before it, and thrown away with it.
extension Interpreter {
    /// The places are a layer of their own afterwards: nothing has to be removed from what the program writes.
    mutating func makePlaces(_ places: MountPlaces) throws(Fault) {
        try overlayRoot(
            lower: places.lower, upper: places.upper, work: places.work, mountPoint: places.mountPoint)
        for path in places.directories {
            closeDescriptor(try locate(path, makingMode: 0o755, directory: true))
        }
        for path in places.files {
            closeDescriptor(try locate(path, makingMode: 0o644, directory: false))
        }
        for (number, target) in zip(places.trees, places.targets) {
            let index = Int(number)
            guard index < trees.count, trees[index] >= 0 else { throw Fault(EINVAL, "no such tree was taken") }
            var kind = init_file_kind()
            try check(init_file_kind(trees[index], &kind), "fstat", target)
            let isDirectory = kind.mode & FileType.mask == FileType.directory
            closeDescriptor(
                try locate(target, makingMode: isDirectory ? 0o755 : 0o644, directory: isDirectory))
        }
        closeDescriptor(root)
        root = -1
        // Not detached: what is mounted next has these directories below, and must be their only user.
        try check(withCString(places.mountPoint) { umount2($0, 0) }, "umount", places.mountPoint)
    }

    /// A mount that is nowhere yet cannot be copied on older kernels, so that it is attached for a moment.
    mutating func openFiles(_ files: [LaunchFile], scratch: KernelString) throws(Fault) {
        let attributes = MountAttribute.noSetUserID | MountAttribute.noDevices
        let memory = try newMount("tmpfs", [MountOption("mode", "0700")], attributes: attributes)
        defer { closeDescriptor(memory) }
        try attachScratch(memory, scratch)
        defer { withCString(scratch) { _ = umount2($0, INIT_MNT_DETACH) } }
        for (index, file) in files.enumerated() {
            let name = KernelString(bytes: decimalDigits(Int64(index)))
            let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC
            let opened = try check(
                withCString(name) { linux_openat(memory, $0, flags, file.mode) }, "create a file in memory")
            defer { closeDescriptor(opened) }
            guard writeAll(opened, file.content) else { throw Fault.last("write a file in memory") }
            if file.user != 0 || file.group != 0 {
                try check(fchown(opened, file.user, file.group), "chown a file in memory")
            }
            let clone = UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC)
            trees.append(try check(withCString(name) { linux_open_tree(memory, $0, clone) }, "open_tree"))
        }
    }

    mutating func openScratch(_ wanted: ScratchTree) throws(Fault) {
        var opened: [Int32] = []
        defer { for descriptor in opened { closeDescriptor(descriptor) } }
        var options: [UInt8]
        var isAttached = false
        defer { if isAttached { withCString(wanted.scratch) { _ = umount2($0, INIT_MNT_DETACH) } } }
        if let number = wanted.tree.map({ Int($0) }) {
            guard number < trees.count, trees[number] >= 0 else { throw Fault(EINVAL, "no such tree was taken") }
            let tree = trees[number]
            trees[number] = -1
            defer { closeDescriptor(tree) }
            // The kernel lays only what is mounted in this namespace over each other.
            try attachScratch(tree, wanted.scratch)
            isAttached = true
            options = try Self.lowerDirectories([wanted.scratch], &opened)
        } else {
            options = try Self.lowerDirectories(wanted.lower, &opened)
        }
        options += KernelString(",upperdir=").bytes
        options += try Self.descriptorPath(of: wanted.upper, &opened)
        options += KernelString(",workdir=").bytes
        options += try Self.descriptorPath(of: wanted.work, &opened)
        options += KernelString(",redirect_dir=off,metacopy=off,index=off").bytes
        guard options.count < 4095 else { throw Fault(E2BIG, "too many layers for one overlay") }
        let flags: UInt = 0x6  // MS_NOSUID | MS_NODEV
        let result = withCString(KernelString(bytes: options)) { options in
            withCString(wanted.scratch) { init_mount("overlay", $0, "overlay", flags, options) }
        }
        try check(result, "mount overlay on", wanted.scratch)
        defer { withCString(wanted.scratch) { _ = umount2($0, INIT_MNT_DETACH) } }
        let opening = INIT_O_PATH | O_DIRECTORY | O_CLOEXEC
        let whole = try check(
            withCString(wanted.scratch) { linux_openat(INIT_AT_FDCWD, $0, opening, 0) }, "open", wanted.scratch)
        defer { closeDescriptor(whole) }
        trees.append(
            try takePart(wanted.subpath.isEmpty ? "." : wanted.subpath, of: whole, recursive: false))
    }

    private func attachScratch(_ tree: Int32, _ scratch: KernelString) throws(Fault) {
        let flags = UInt32(LINUX_MOVE_MOUNT_F_EMPTY_PATH)
        let result = withCString(scratch) { linux_move_mount(tree, "", INIT_AT_FDCWD, $0, flags) }
        try check(result, "move_mount to", scratch)
    }
}
