import LaunchProgram

/// A memory file system's options in the words of mount(8), as the kernel takes them.
///
/// The later of two that contradict each other counts. Docker's own come first: no programs, no set-user-ID bits, no
/// devices.
struct TmpfsSettings {
    /// `MOUNT_ATTR_*`.
    var attributes: UInt32
    /// What tmpfs(5) knows.
    var options: [MountOption] = []

    private static let valued: Set<String> = ["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"]

    private static let attributeWords: [String: (set: UInt32, clear: UInt32)] = [
        "ro": (MountAttribute.readOnly, 0), "rw": (0, MountAttribute.readOnly),
        "nosuid": (MountAttribute.noSetUserID, 0), "suid": (0, MountAttribute.noSetUserID),
        "nodev": (MountAttribute.noDevices, 0), "dev": (0, MountAttribute.noDevices),
        "noexec": (MountAttribute.noExec, 0), "exec": (0, MountAttribute.noExec),
        "noatime": (MountAttribute.noAccessTime, MountAttribute.strictAccessTime),
        "atime": (0, MountAttribute.noAccessTime),
        "strictatime": (MountAttribute.strictAccessTime, MountAttribute.noAccessTime),
        "nostrictatime": (0, MountAttribute.strictAccessTime),
        "relatime": (0, MountAttribute.noAccessTime | MountAttribute.strictAccessTime), "norelatime": (0, 0),
        "nodiratime": (MountAttribute.noDirectoryAccessTime, 0), "diratime": (0, MountAttribute.noDirectoryAccessTime),
    ]

    /// What the kernel has no use for here: nobody outside sees this mount.
    private static let idle: Set<String> = [
        "defaults", "async", "nomand", "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable",
        "runbindable", "remount", "bind", "rbind",
    ]

    /// - Throws: `Invalid tmpfs option`, for words nobody knows and for numbers that are none.
    init(_ words: [String]) throws(EngineError) {
        attributes = MountAttribute.noExec | MountAttribute.noSetUserID | MountAttribute.noDevices
        var values: [String: String] = [:]
        var flags: [String] = []
        for word in words where !word.isEmpty {
            let refusal = EngineError(.invalid, "Invalid tmpfs option [\"\(word)\"]")
            if let change = Self.attributeWords[word] {
                attributes = attributes & ~change.clear | change.set
            } else if ["sync", "dirsync", "mand"].contains(word) {
                flags.append(word)
            } else if !Self.idle.contains(word) {
                let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard sides.count == 2, Self.valued.contains(sides[0]), Self.isValid(sides[0], sides[1]) else {
                    throw refusal
                }
                values[sides[0]] = sides[1]
            }
        }
        options = values.sorted { $0.key < $1.key }.map { MountOption(KernelString($0.key), KernelString($0.value)) }
        options += flags.map { MountOption(KernelString($0)) }
    }

    private static func isValid(_ name: String, _ value: String) -> Bool {
        switch name {
        case "mode": UInt32(value, radix: 8).map { $0 <= 0o7777 } ?? false
        case "uid", "gid": UInt32(value).map { $0 != .max } ?? false
        case "size":
            value.hasSuffix("%") ? UInt32(value.dropLast()).map { $0 > 0 } ?? false : HostEngine.bytes(value) != nil
        case "nr_inodes", "nr_blocks": HostEngine.bytes(value) != nil
        default: !value.isEmpty
        }
    }
}
