import CLinux
import Glibc

extension Files {
    /// Sets permission bits, following a link.
    package static func chmod(
        _ path: some SystemPath, mode: UInt32, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        _ = try system("chmod", path: path) { fchmodat(directory, $0, mode, 0) }
    }

    /// Sets the owner; -1 (`UInt32.max`) leaves one as it is.
    package static func chown(
        _ path: some SystemPath, uid: UInt32, gid: UInt32, followLinks: Bool = false, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let flags = followLinks ? 0 : AT_SYMLINK_NOFOLLOW
        _ = try system("chown", path: path) { fchownat(directory, $0, uid, gid, flags) }
    }

    /// Sets the times of access and modification, not following a link.
    package static func setTimes(
        _ path: some SystemPath, accessed: Timestamp? = nil, modified: Timestamp, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let first = accessed ?? modified
        let times = [
            timespec(tv_sec: Int(first.seconds), tv_nsec: Int(first.nanoseconds)),
            timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds)),
        ]
        _ = try system("utimensat", path: path) { utimensat(directory, $0, times, AT_SYMLINK_NOFOLLOW) }
    }

    /// Sets the times of access and modification of an open file.
    package static func setTimes(
        of descriptor: Int32, accessed: Timestamp? = nil, modified: Timestamp
    ) throws(SystemError) {
        let first = accessed ?? modified
        let times = [
            timespec(tv_sec: Int(first.seconds), tv_nsec: Int(first.nanoseconds)),
            timespec(tv_sec: Int(modified.seconds), tv_nsec: Int(modified.nanoseconds)),
        ]
        _ = try system("futimens") { futimens(descriptor, times) }
    }

    /// How much room the file system of a path has.
    package static func diskSpace(_ path: some SystemPath) throws(SystemError) -> DiskSpace {
        var buffer = statvfs()
        _ = try system("statvfs", path: path) { linux_statvfs($0, &buffer) }
        let unit = Int64(clamping: buffer.f_frsize)
        return DiskSpace(
            total: Int64(clamping: buffer.f_blocks).multipliedReportingOverflow(by: unit).partialValue,
            available: Int64(clamping: buffer.f_bavail).multipliedReportingOverflow(by: unit).partialValue,
            totalInodes: Int64(clamping: buffer.f_files), availableInodes: Int64(clamping: buffer.f_favail))
    }
}

extension Files {
    /// Whether nothing can be written at a path, because of its file system or of how that is mounted.
    package static func isReadOnly(_ path: some SystemPath) throws(SystemError) -> Bool {
        var buffer = statvfs()
        _ = try system("statvfs", path: path) { linux_statvfs($0, &buffer) }
        return buffer.f_flag & 1 != 0  // ST_RDONLY
    }
}

/// The room on a file system.
package struct DiskSpace: Sendable, Hashable {
    /// Bytes in all.
    package var total: Int64
    /// Bytes an ordinary user can still write.
    package var available: Int64
    package var totalInodes: Int64
    package var availableInodes: Int64
}

/// Extended attributes; links are never followed.
package enum ExtendedAttributes {
    /// The value of an attribute; nil when the file has none of that name or the file system has no attributes.
    package static func get(_ path: some SystemPath, _ name: String) throws(SystemError) -> [UInt8]? {
        let text = try path.terminated(for: "lgetxattr")
        let key = try name.terminated(for: "lgetxattr")
        return try value { buffer, size in lgetxattr(text, key, buffer, size) }
    }

    /// The value of an attribute of an open file.
    package static func get(_ descriptor: Int32, _ name: String) throws(SystemError) -> [UInt8]? {
        let key = try name.terminated(for: "fgetxattr")
        return try value { buffer, size in fgetxattr(descriptor, key, buffer, size) }
    }

    /// Sets an attribute, making or replacing it.
    package static func set(_ path: some SystemPath, _ name: String, _ value: [UInt8]) throws(SystemError) {
        let key = try name.terminated(for: "lsetxattr")
        _ = try system("lsetxattr", path: path) { lsetxattr($0, key, value, value.count, 0) }
    }

    /// Sets an attribute of an open file.
    package static func set(_ descriptor: Int32, _ name: String, _ value: [UInt8]) throws(SystemError) {
        let key = try name.terminated(for: "fsetxattr")
        _ = try system("fsetxattr", name) { fsetxattr(descriptor, key, value, value.count, 0) }
    }

    /// Removes an attribute; one that is not there is fine.
    package static func remove(_ path: some SystemPath, _ name: String) throws(SystemError) {
        let key = try name.terminated(for: "lremovexattr")
        do throws(SystemError) {
            _ = try system("lremovexattr", path: path) { lremovexattr($0, key) }
        } catch let error where error.errno == .ENODATA {
            return
        }
    }

    /// The names of a file's attributes, sorted.
    ///
    /// Empty where the file system has none.
    package static func list(_ path: some SystemPath) throws(SystemError) -> [String] {
        let text = try path.terminated(for: "llistxattr")
        return names(in: try value { buffer, size in llistxattr(text, bound(buffer), size) })
    }

    /// The names of an open file's attributes, sorted.
    package static func list(_ descriptor: Int32) throws(SystemError) -> [String] {
        names(in: try value { buffer, size in flistxattr(descriptor, bound(buffer), size) })
    }

    private static func bound(_ buffer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<CChar>? {
        buffer?.assumingMemoryBound(to: CChar.self)
    }

    private static func names(in bytes: [UInt8]?) -> [String] {
        (bytes ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    /// 64 KiB is the kernel's limit for one value and for a list of names.
    private static func value(
        _ body: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try Transfer.collect("getxattr", upTo: 64 << 10, body)
        } catch let error where error.errno == .ENODATA || error.errno == .EOPNOTSUPP {
            return nil
        }
    }
}
