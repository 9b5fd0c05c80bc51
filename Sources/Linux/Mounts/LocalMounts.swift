/// The mounts whose files are read without waiting for what a program or another host answers.
///
/// Of a file that somebody else sent nothing else may be asked before: one on FUSE or NFS lets even fstat(2) wait for
/// as long as its server likes, without a way to be ended. What is asked here, the kernel tells by itself.
package struct LocalMounts: Sendable {
    /// File systems of this kernel over its own disks and memory.
    ///
    /// Not overlayfs, whose layers may be of any kind.
    private static let types: Set<String> = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs"]

    private let identities: Set<UInt64>

    /// Those that this thread's mount namespace shows.
    package init() throws(SystemError) {
        self.init(MountEntry.parse(try Files.readText("/proc/thread-self/mountinfo")))
    }

    init(_ mounts: [MountEntry]) {
        identities = Set(mounts.filter { Self.types.contains($0.type) }.map(\.id))
    }

    /// Whether a file is on one of them, and was opened so that it can be read at any offset.
    ///
    /// Source: proc_pid_fdinfo(5).
    package func canRead(_ file: SharedDescriptor) -> Bool {
        guard let text = try? Files.readText("/proc/thread-self/fdinfo/\(file.raw)") else { return false }
        return canRead(fdinfo: text)
    }

    func canRead(fdinfo text: String) -> Bool {
        // No other mount gets the identity, in any namespace, while somebody has a file of this one open.
        guard let flags = Self.value("flags", in: text, radix: 8), let mount = Self.value("mnt_id", in: text, radix: 10)
        else { return false }
        return flags & Self.refused == 0 && flags & 3 != 1 && flags & 3 != 3 && identities.contains(mount)
    }

    /// `O_PATH`, and what are `O_DIRECT` and `O_DIRECTORY`, which have each other's value on arm64.
    private static let refused: UInt64 = 0o10_240_000

    private static func value(_ name: String, in text: String, radix: Int) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
            return UInt64(line.dropFirst(name.count + 1).filter { !$0.isWhitespace }, radix: radix)
        }
        return nil
    }
}
