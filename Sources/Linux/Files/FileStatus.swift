import CLinux
import Glibc

/// What kind of thing a directory entry is.
package enum FileKind: String, Sendable, Hashable {
    case regular, directory, symbolicLink, characterDevice, blockDevice, fifo, socket, unknown

    /// From the type bits of a mode (`S_IFMT`).
    package init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = .regular
        case 0o040000: self = .directory
        case 0o120000: self = .symbolicLink
        case 0o020000: self = .characterDevice
        case 0o060000: self = .blockDevice
        case 0o010000: self = .fifo
        case 0o140000: self = .socket
        default: self = .unknown
        }
    }

    /// From the type of a directory entry (`DT_REG`…).
    init(entryType: UInt8) {
        self.init(mode: UInt32(entryType) << 12)
    }
}

/// A device number.
package struct DeviceNumber: Sendable, Hashable {
    package var major: UInt32
    package var minor: UInt32

    /// A device number from its parts.
    package init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }
}

/// What `statx` tells about a file.
package struct FileStatus: Sendable, Hashable {
    package var kind: FileKind
    /// Permission bits with set-user-id, set-group-id and sticky: `mode & 0o7777`.
    package var mode: UInt32
    package var uid: UInt32
    package var gid: UInt32
    /// Bytes.
    package var size: Int64
    /// Units of 512 bytes on the disk.
    package var blocks: Int64
    package var inode: UInt64
    /// The device the file is on.
    package var device: DeviceNumber
    /// The device the file is, for device nodes.
    package var deviceID: DeviceNumber
    package var linkCount: UInt32
    package var accessed: Timestamp
    package var modified: Timestamp
    package var changed: Timestamp
    /// The mount it is on (Linux 5.8), as in `/proc/self/mountinfo`.
    package var mountID: UInt64
    /// Whether it is the root of a mount.
    package var isMountRoot: Bool

    static func read(
        directory: Int32, path: some SystemPath, flags: Int32, subject: @autoclosure () -> String
    ) throws(SystemError) -> FileStatus {
        let text = try path.terminated(for: "statx")
        var buffer = statx()
        let mask: UInt32 = 0x0000_07ff | 0x0000_1000  // STATX_BASIC_STATS, STATX_MNT_ID
        _ = try system("statx", subject()) { linux_statx(directory, text, flags, mask, &buffer) }
        return FileStatus(buffer)
    }

    static func read(descriptor: Int32, subject: @autoclosure () -> String) throws(SystemError) -> FileStatus {
        let emptyPath: Int32 = 0x1000  // AT_EMPTY_PATH
        return try read(directory: descriptor, path: "", flags: emptyPath, subject: subject())
    }

    private init(_ raw: statx) {
        kind = FileKind(mode: UInt32(raw.stx_mode))
        mode = UInt32(raw.stx_mode) & 0o7777
        uid = raw.stx_uid
        gid = raw.stx_gid
        size = Int64(clamping: raw.stx_size)
        blocks = Int64(clamping: raw.stx_blocks)
        inode = raw.stx_ino
        device = DeviceNumber(major: raw.stx_dev_major, minor: raw.stx_dev_minor)
        deviceID = DeviceNumber(major: raw.stx_rdev_major, minor: raw.stx_rdev_minor)
        linkCount = raw.stx_nlink
        accessed = Timestamp(seconds: raw.stx_atime.tv_sec, nanoseconds: Int32(clamping: raw.stx_atime.tv_nsec))
        modified = Timestamp(seconds: raw.stx_mtime.tv_sec, nanoseconds: Int32(clamping: raw.stx_mtime.tv_nsec))
        changed = Timestamp(seconds: raw.stx_ctime.tv_sec, nanoseconds: Int32(clamping: raw.stx_ctime.tv_nsec))
        mountID = raw.stx_mnt_id
        isMountRoot = raw.stx_attributes & 0x2000 != 0  // STATX_ATTR_MOUNT_ROOT
    }
}
