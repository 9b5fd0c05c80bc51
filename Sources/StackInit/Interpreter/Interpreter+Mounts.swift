import CLinux

/// Mounting, always by descriptor.
extension Interpreter {
    func setPropagation(_ flags: UInt32) throws(Fault) {
        try check(init_mount(nil, "/", nil, UInt(flags) | UInt(INIT_MS_REC), nil), "mount propagation of /")
    }

    /// Layers are named by descriptors, so that the one page of options suffices for any number of them, no character of
    /// a path needs escaping, and the container's mount table does not show the host's paths.
    mutating func overlayRoot(
        lower: [KernelString], upper: KernelString, work: KernelString, mountPoint: KernelString
    ) throws(Fault) {
        var opened: [Int32] = []
        defer { for descriptor in opened { closeDescriptor(descriptor) } }
        var options = try Self.lowerDirectories(lower, &opened)
        options += KernelString(",upperdir=").bytes
        options += try Self.descriptorPath(of: upper, &opened)
        options += KernelString(",workdir=").bytes
        options += try Self.descriptorPath(of: work, &opened)
        // The upper directory becomes a layer as it is: it must hold files and nothing that only overlayfs understands.
        options += KernelString(",redirect_dir=off,metacopy=off,index=off").bytes
        guard options.count < 4095 else { throw Fault(E2BIG, "too many layers for one overlay") }
        let result = withCString(KernelString(bytes: options)) { options in
            withCString(mountPoint) { init_mount("overlay", $0, "overlay", 0, options) }
        }
        try check(result, "mount overlay on", mountPoint)
        try adoptRoot(mountPoint)
    }
    /// The option of overlayfs that names the layers below, top first.
    static func lowerDirectories(_ lower: [KernelString], _ opened: inout [Int32]) throws(Fault) -> [UInt8] {
        var options = KernelString("lowerdir=").bytes
        for (index, path) in lower.enumerated() {
            if index > 0 { options.append(0x3A) }
            options += try descriptorPath(of: path, &opened)
        }
        return options
    }

    static func descriptorPath(of path: KernelString, _ opened: inout [Int32]) throws(Fault) -> [UInt8] {
        let flags = INIT_O_PATH | O_DIRECTORY | O_CLOEXEC
        let descriptor = try check(withCString(path) { linux_openat(INIT_AT_FDCWD, $0, flags, 0) }, "open", path)
        opened.append(descriptor)
        return KernelString(descriptorPath: descriptor).bytes
    }

    mutating func bindRoot(source: KernelString, mountPoint: KernelString) throws(Fault) {
        let flags = UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC)
        let tree = try check(
            withCString(source) { linux_open_tree(INIT_AT_FDCWD, $0, flags) }, "open_tree", source)
        try attachRoot(tree, mountPoint)
    }

    mutating func temporaryRoot(size: UInt64, mountPoint: KernelString) throws(Fault) {
        let bytes = KernelString(bytes: decimalDigits(Int64(clamping: size)))
        let tree = try newMount("tmpfs", [MountOption("mode", "0755"), MountOption("size", bytes)], attributes: 0)
        try attachRoot(tree, mountPoint)
    }

    private mutating func attachRoot(_ tree: Int32, _ mountPoint: KernelString) throws(Fault) {
        defer { closeDescriptor(tree) }
        let flags = UInt32(LINUX_MOVE_MOUNT_F_EMPTY_PATH)
        let result = withCString(mountPoint) { linux_move_mount(tree, "", INIT_AT_FDCWD, $0, flags) }
        try check(result, "move_mount to", mountPoint)
        try adoptRoot(mountPoint)
    }

    private mutating func adoptRoot(_ mountPoint: KernelString) throws(Fault) {
        let flags = INIT_O_PATH | O_DIRECTORY | O_CLOEXEC
        root = try check(withCString(mountPoint) { linux_openat(INIT_AT_FDCWD, $0, flags, 0) }, "open", mountPoint)
    }

    mutating func mount(
        type: KernelString, options: [MountOption], attributes: UInt32, target: KernelString, followLinks: Bool
    ) throws(Fault) {
        let inheritedMode = followLinks ? try mode(forNew: type, options, at: target) : []
        let place =
            followLinks
            ? try locate(target, makingMode: 0o755, directory: true) : try locateRealDirectory(target)
        defer { closeDescriptor(place) }
        let tree = try newMount(type, options + inheritedMode, attributes: attributes)
        try attach(tree, to: place, target)
        if type.bytes == KernelString("proc").bytes {
            procfs = tree
        } else if type.bytes == KernelString("devpts").bytes {
            devpts = tree
        } else {
            closeDescriptor(tree)
        }
    }

    /// A memory file system without a mode takes that of the directory it hides.
    private mutating func mode(
        forNew type: KernelString, _ options: [MountOption], at target: KernelString
    ) throws(Fault) -> [MountOption] {
        guard type.bytes == KernelString("tmpfs").bytes else { return [] }
        for option in options where option.key.bytes == KernelString("mode").bytes { return [] }
        let hidden = try find(target, flags: INIT_O_PATH)
        guard hidden >= 0 else { return [] }
        defer { closeDescriptor(hidden) }
        var kind = init_file_kind()
        try check(init_file_kind(hidden, &kind), "fstat", target)
        return [MountOption("mode", KernelString(bytes: octalDigits(kind.mode & 0o7777)))]
    }

    /// A detached mount of a new file system.
    func newMount(_ type: KernelString, _ options: [MountOption], attributes: UInt32) throws(Fault) -> Int32 {
        let context = try check(withCString(type) { linux_fsopen($0, 1) }, "fsopen", type)
        defer { closeDescriptor(context) }
        for option in options {
            let result = withCString(option.key) { key in
                guard let value = option.value else {
                    return linux_fsconfig(context, UInt32(LINUX_FSCONFIG_SET_FLAG), key, nil, 0)
                }
                return withCString(value) {
                    linux_fsconfig(context, UInt32(LINUX_FSCONFIG_SET_STRING), key, $0, 0)
                }
            }
            try check(result, "fsconfig", type + " " + option.key)
        }
        try check(linux_fsconfig(context, UInt32(LINUX_FSCONFIG_CMD_CREATE), nil, nil, 0), "fsconfig create", type)
        return try check(linux_fsmount(context, 1, attributes), "fsmount", type)
    }

    func attach(_ tree: Int32, to place: Int32, _ target: KernelString) throws(Fault) {
        let flags = UInt32(LINUX_MOVE_MOUNT_F_EMPTY_PATH) | UInt32(LINUX_MOVE_MOUNT_T_EMPTY_PATH)
        try check(linux_move_mount(tree, "", place, "", flags), "move_mount to", target)
    }

    mutating func bind(
        source: KernelString, target: KernelString, recursive: Bool, attributes: UInt32, propagation: UInt32
    ) throws(Fault) {
        var flags = UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC)
        if recursive { flags |= UInt32(LINUX_AT_RECURSIVE) }
        let tree = try check(
            withCString(source) { linux_open_tree(INIT_AT_FDCWD, $0, flags) }, "open_tree", source)
        defer { closeDescriptor(tree) }
        try setAttributes(of: tree, attributes, propagation: propagation, recursive: recursive, source)
        var kind = init_file_kind()
        try check(init_file_kind(tree, &kind), "fstat", source)
        let directory = kind.mode & FileType.mask == FileType.directory
        let place = try locate(target, makingMode: directory ? 0o755 : 0o644, directory: directory)
        defer { closeDescriptor(place) }
        try attach(tree, to: place, target)
    }

    /// A mount can be copied only in the mount namespace it is in: this process goes there and comes back.
    mutating func bindFromDonor(_ path: KernelString) throws(Fault) {
        guard donor >= 0 else { return }
        let place = try locate(path, makingMode: 0o755, directory: true)
        defer { closeDescriptor(place) }
        let own = try check(linux_openat(INIT_AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0), "open own mnt")
        defer { closeDescriptor(own) }
        try check(linux_setns(donor, Int32(NamespaceFlag.mount)), "setns to the other mount namespace")
        let tree = Self.copyMount(at: path)
        let code = linux_errno()
        try check(linux_setns(own, Int32(NamespaceFlag.mount)), "setns back to the own mount namespace")
        if tree < 0 && code == ENOENT { return }
        guard tree >= 0 else { throw Fault(code, KernelString("open_tree ") + path) }
        defer { closeDescriptor(tree) }
        try attach(tree, to: place, path)
    }

    /// A copy of the mount at a path of the present mount namespace, where no link leads; negative, and errno, otherwise.
    private static func copyMount(at path: KernelString) -> Int32 {
        let root = linux_openat(INIT_AT_FDCWD, "/", INIT_O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
        guard root >= 0 else { return -1 }
        defer { closeDescriptor(root) }
        let flags = UInt64(INIT_O_PATH | O_DIRECTORY | O_CLOEXEC)
        let resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)
        let found = withCString(path) { linux_openat2(root, $0, flags, 0, resolve) }
        guard found >= 0 else { return -1 }
        defer { closeDescriptor(found) }
        return linux_open_tree(
            found, "", UInt32(LINUX_OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | UInt32(INIT_AT_EMPTY_PATH))
    }

    func setAttributes(
        of tree: Int32, _ attributes: UInt32, propagation: UInt32, recursive: Bool, _ subject: KernelString
    ) throws(Fault) {
        guard attributes != 0 || propagation != 0 else { return }
        var change = linux_mount_attr(
            attr_set: UInt64(attributes), attr_clr: 0, propagation: UInt64(propagation), userns_fd: 0)
        let flags = UInt32(INIT_AT_EMPTY_PATH) | (recursive ? UInt32(LINUX_AT_RECURSIVE) : 0)
        try check(linux_mount_setattr(tree, "", flags, &change), "mount_setattr", subject)
    }

    mutating func setMountReadOnly(_ path: KernelString) throws(Fault) {
        let place = try check(find(path, flags: INIT_O_PATH), "openat2", path)
        defer { closeDescriptor(place) }
        try setAttributes(of: place, MountAttribute.readOnly, propagation: 0, recursive: false, path)
    }

    mutating func pivotRoot() throws(Fault) {
        try check(fchdir(root), "fchdir to the new root")
        try check(linux_pivot_root(".", "."), "pivot_root")
        // The old root is now mounted over the new one at the same place; it goes, and with it every host mount.
        try check(umount2(".", INIT_MNT_DETACH), "umount the old root")
        try check(chdir("/"), "chdir /")
        closeDescriptor(root)
        root = -1
        for kept in [nullDevice, emptyDirectory] { closeDescriptor(kept) }
        nullDevice = -1
        emptyDirectory = -1
    }
}
