import CLinux
import Glibc

/// Mounts in this process's mount namespace.
package enum Mounts {
    /// Calls `mount(2)`.
    package static func mount(
        source: String?, target: some SystemPath, type: String? = nil, flags: MountFlags = [], data: String? = nil
    ) throws(SystemError) {
        let origin = try (source ?? "none").terminated(for: "mount")
        let kind = try (type ?? "").terminated(for: "mount")
        let options = try (data ?? "").terminated(for: "mount")
        _ = try system("mount", path: target) { path in
            Glibc.mount(origin, path, type == nil ? nil : kind, flags.rawValue, data == nil ? nil : options)
        }
    }

    /// Mounts a file or directory a second time.
    ///
    /// With `readOnly`, in a second step the kernel wants.
    package static func bind(
        _ source: String, to target: String, recursive: Bool = false, readOnly: Bool = false
    ) throws(SystemError) {
        try mount(source: source, target: target, flags: recursive ? [.bind, .recursive] : .bind)
        guard readOnly else { return }
        do throws(SystemError) {
            try setAttributes(target, set: .readOnly, recursive: recursive)
        } catch {
            try? unmount(target, .detach)
            throw error
        }
    }

    /// Unmounts.
    ///
    /// Throws `EBUSY` while something is open below, unless detached.
    package static func unmount(_ target: some SystemPath, _ flags: UnmountFlags = []) throws(SystemError) {
        _ = try system("umount", path: target) { umount2($0, flags.rawValue) }
    }

    /// Unmounts; returns false when nothing is mounted there or nothing is there.
    @discardableResult
    package static func unmountIfMounted(
        _ target: some SystemPath, _ flags: UnmountFlags = []
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try unmount(target, flags)
            return true
        } catch let error where error.errno == .EINVAL || error.errno == .ENOENT {
            return false
        }
    }

    /// Whether something is mounted exactly at a path.
    ///
    /// False when nothing is there.
    package static func isMountPoint(_ path: some SystemPath) throws(SystemError) -> Bool {
        try Files.statusIfPresent(path, followLinks: false)?.isMountRoot ?? false
    }

    /// All mounts a process sees; nil is this one.
    package static func table(of pid: Int32? = nil) throws(SystemError) -> [MountEntry] {
        let path = "/proc/\(pid.map(String.init) ?? "self")/mountinfo"
        return MountEntry.parse(try Files.readText(path))
    }

    /// A handle on a mounted tree.
    ///
    /// With `clone`, on a new mount of it that is nowhere yet.
    package static func openTree(
        _ path: some SystemPath, clone: Bool = false, recursive: Bool = false, noFollow: Bool = false,
        at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> FileDescriptor {
        var flags = UInt32(O_CLOEXEC)
        if clone { flags |= 1 }  // OPEN_TREE_CLONE
        if recursive { flags |= 0x8000 }  // AT_RECURSIVE
        if noFollow { flags |= 0x100 }  // AT_SYMLINK_NOFOLLOW
        if path.pathBytes.isEmpty { flags |= 0x1000 }  // AT_EMPTY_PATH
        return FileDescriptor(owning: try system("open_tree", path: path) { linux_open_tree(directory, $0, flags) })
    }

    /// Attaches what `openTree` or `create` gave at a path below an open directory.
    package static func moveMount(
        _ mount: Int32, to path: some SystemPath, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let empty = path.pathBytes.isEmpty
        let flags: UInt32 = 0x04 | (empty ? 0x40 : 0)  // MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
        _ = try system("move_mount", path: path) { linux_move_mount(mount, "", directory, $0, flags) }
    }

    /// Changes a mount, or with `recursive` all below it, in one step.
    package static func setAttributes(
        _ path: some SystemPath, set: MountAttributes = [], clear: MountAttributes = [],
        propagation: MountPropagation? = nil, recursive: Bool = false, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        var attributes = linux_mount_attr(
            attr_set: set.rawValue, attr_clr: clear.rawValue, propagation: propagation?.rawValue ?? 0, userns_fd: 0)
        let flags: UInt32 = (recursive ? 0x8000 : 0) | (path.pathBytes.isEmpty ? 0x1000 : 0)
        _ = try system("mount_setattr", path: path) { linux_mount_setattr(directory, $0, flags, &attributes) }
    }

    /// Makes a mount of a file system that is nowhere yet (`fsopen`, `fsconfig`, `fsmount`).
    ///
    /// A refusal carries the kernel's own words as the error's subject, where it gives any.
    package static func create(
        type: String, options: [MountOption], attributes: MountAttributes = []
    ) throws(SystemError) -> FileDescriptor {
        let kind = try type.terminated(for: "fsopen")
        let context = FileDescriptor(owning: try system("fsopen", type) { linux_fsopen(kind, 1) })
        let number = context.raw
        for option in options { try configure(number, option) }
        do throws(SystemError) {
            _ = try system("fsconfig", type) {
                linux_fsconfig(number, UInt32(LINUX_FSCONFIG_CMD_CREATE), nil, nil, 0)
            }
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: explanation(number) ?? type)
        }
        let mount = try system("fsmount", type) { linux_fsmount(number, 1, UInt32(attributes.rawValue)) }
        return FileDescriptor(owning: mount)
    }

    private static func configure(_ context: Int32, _ option: MountOption) throws(SystemError) {
        let command: UInt32
        let key: String
        var value: [CChar] = []
        var extra: Int32 = 0
        switch option {
        case .flag(let name):
            (command, key) = (0, name)
        case .string(let name, let text):
            (command, key) = (1, name)
            value = try text.terminated(for: "fsconfig")
        case .descriptor(let name, let number):
            (command, key) = (5, name)
            extra = number
        }
        let name = try key.terminated(for: "fsconfig")
        let subject = explanation
        do throws(SystemError) {
            _ = try system("fsconfig", key) {
                // The kernel refuses a value, were it empty, of what has none.
                value.withUnsafeBufferPointer {
                    linux_fsconfig(context, command, name, $0.isEmpty ? nil : $0.baseAddress, extra)
                }
            }
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: subject(context) ?? key)
        }
    }

    /// What the kernel wrote to the context's log, without its level ("e ").
    private static func explanation(_ context: Int32) -> String? {
        guard let bytes = try? Transfer.collect("read", upTo: 1_024, { Glibc.read(context, $0, $1) }) else {
            return nil
        }
        return String(decoding: bytes.drop { $0 != 32 }.dropFirst().prefix { $0 != 10 }, as: UTF8.self)
    }
}
