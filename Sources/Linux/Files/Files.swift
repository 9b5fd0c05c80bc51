import CLinux
import Glibc

/// Files and directories by path, or by a path below an open directory.
package enum Files {
    /// The working directory, where a function takes `at:`.
    package static var workingDirectory: Int32 { AT_FDCWD }

    /// Opens a file.
    ///
    /// Throws what `open(2)` answers.
    package static func open(
        _ path: some SystemPath, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0o644, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> FileDescriptor {
        let bits = flags.rawValue | O_CLOEXEC
        return FileDescriptor(
            owning: try system("open", path: path) { linux_openat(directory, $0, bits, mode) })
    }

    /// Opens a path inside a directory that may be hostile: links and `..` cannot leave it.
    ///
    /// Throws `EXDEV` or `ELOOP` when the path tries to.
    package static func openInRoot(
        _ root: Int32, _ path: some SystemPath, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0,
        resolve: ResolveFlags = [.inRoot, .noMagicLinks]
    ) throws(SystemError) -> FileDescriptor {
        let bits = UInt64(UInt32(bitPattern: flags.rawValue | O_CLOEXEC))
        let text = try path.terminated(for: "openat2")
        let number = try system("openat2", path.displayText) {
            linux_openat2(root, text, bits, UInt64(mode), resolve.rawValue)
        }
        return FileDescriptor(owning: number)
    }

    /// The whole file.
    ///
    /// Throws `EFBIG` when it has more than `limit` bytes.
    package static func readAll(
        _ path: some SystemPath, limit: Int = 64 << 20, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> [UInt8] {
        let file = try open(path, at: directory)
        return try naming(path) { () throws(SystemError) in try file.readAll(limit: limit) }
    }

    /// The whole file as text; bytes that are not UTF-8 are replaced.
    package static func readText(_ path: some SystemPath, limit: Int = 64 << 20) throws(SystemError) -> String {
        String(decoding: try readAll(path, limit: limit), as: UTF8.self)
    }

    /// Writes a file in place, making or cutting it.
    ///
    /// For a file others read, use `writeAtomically`.
    package static func write(
        _ path: some SystemPath, _ bytes: [UInt8], mode: UInt32 = 0o644
    ) throws(SystemError) {
        let file = try open(path, [.writeOnly, .create, .truncate], mode: mode)
        try naming(path) { () throws(SystemError) in try file.writeAll(bytes) }
    }

    /// Writes to a kernel file that must be there already (`/proc`, `/sys`, cgroups), in one call.
    package static func writeExisting(_ path: some SystemPath, _ text: String) throws(SystemError) {
        let file = try open(path, .writeOnly)
        try naming(path) { () throws(SystemError) in try file.writeAll(Array(text.utf8)) }
    }

    /// What is at a path.
    package static func status(
        _ path: some SystemPath, followLinks: Bool = true, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> FileStatus {
        let flags = followLinks ? 0 : AT_SYMLINK_NOFOLLOW
        return try FileStatus.read(directory: directory, path: path, flags: flags, subject: path.displayText)
    }

    /// What is at a path; nil when there is nothing.
    package static func statusIfPresent(
        _ path: some SystemPath, followLinks: Bool = true, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try status(path, followLinks: followLinks, at: directory)
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return nil
        }
    }

    /// Whether something can be reached at a path; a dangling link counts as nothing.
    package static func exists(_ path: some SystemPath) -> Bool {
        (try? status(path)) != nil
    }

    /// Gives errors of a body without a path the path.
    static func naming<Result: ~Copyable>(
        _ path: some SystemPath, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: path.displayText)
        }
    }
}
