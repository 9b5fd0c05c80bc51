import CLinux
import Glibc

extension Files {
    /// Makes one directory.
    ///
    /// Throws `EEXIST` when the name is taken.
    package static func makeDirectory(
        _ path: some SystemPath, mode: UInt32 = 0o755, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        _ = try system("mkdir", path: path) { mkdirat(directory, $0, mode) }
    }

    /// Makes a directory and those above it; one that is there already is fine.
    package static func makeDirectories(_ path: some SystemPath, mode: UInt32 = 0o755) throws(SystemError) {
        let bytes = path.pathBytes
        var attempts = 0
        while true {
            do throws(SystemError) {
                try makeDirectory(bytes, mode: mode)
                return
            } catch {
                attempts += 1
                switch error.errno {
                case .EEXIST:
                    if try status(bytes).kind != .directory { throw error }
                    return
                case .ENOENT where attempts < 16:
                    // The one above is missing, or somebody removes empty ones meanwhile.
                    var parent = bytes
                    while parent.last == UInt8(ascii: "/") { parent.removeLast() }
                    guard let slash = parent.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { throw error }
                    try makeDirectories(Array(parent[..<slash]), mode: mode)
                default:
                    throw error
                }
            }
        }
    }

    /// Removes an empty directory.
    package static func removeDirectory(
        _ path: some SystemPath, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        _ = try system("rmdir", path: path) { unlinkat(directory, $0, AT_REMOVEDIR) }
    }

    /// Removes a name that is not a directory.
    package static func unlink(_ path: some SystemPath, at directory: Int32 = AT_FDCWD) throws(SystemError) {
        _ = try system("unlink", path: path) { unlinkat(directory, $0, 0) }
    }

    /// Removes a name that is not a directory; returns false when there was none.
    @discardableResult
    package static func unlinkIfPresent(_ path: some SystemPath) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try unlink(path)
            return true
        } catch let error where error.errno == .ENOENT {
            return false
        }
    }

    /// Renames, replacing what is at the new name unless `replace` is false (`EEXIST`).
    ///
    /// Both names are below `directory`.
    package static func rename(
        _ from: some SystemPath, to target: some SystemPath, replace: Bool = true, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let new = try target.terminated(for: "rename")
        let flags: UInt32 = replace ? 0 : 1  // RENAME_NOREPLACE
        _ = try system("rename", path: from) { linux_renameat2(directory, $0, directory, new, flags) }
    }

    /// Swaps two names in one step.
    package static func exchange(_ first: some SystemPath, _ second: some SystemPath) throws(SystemError) {
        let other = try second.terminated(for: "rename")
        _ = try system("rename", path: first) { linux_renameat2(AT_FDCWD, $0, AT_FDCWD, other, 2) }
    }

    /// Makes a symbolic link at `path` that says `target`.
    package static func symlink(
        _ target: some SystemPath, at path: some SystemPath, in directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let content = try target.terminated(for: "symlink")
        _ = try system("symlink", path: path) { symlinkat(content, directory, $0) }
    }

    /// What a symbolic link says.
    package static func readLink(
        _ path: some SystemPath, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> String {
        String(decoding: try readLinkBytes(path, at: directory), as: UTF8.self)
    }

    /// What a symbolic link says, byte for byte.
    package static func readLinkBytes(
        _ path: some SystemPath, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> [UInt8] {
        let text = try path.terminated(for: "readlink")
        return try naming(path) { () throws(SystemError) in
            try Transfer.collect("readlink", upTo: 4_096) { buffer, count in
                guard let buffer else { return 0 }
                return readlinkat(directory, text, buffer.assumingMemoryBound(to: CChar.self), count)
            }
        }
    }

    /// Gives a file a second name.
    package static func link(_ existing: some SystemPath, at path: some SystemPath) throws(SystemError) {
        let new = try path.terminated(for: "link")
        _ = try system("link", path: existing) { linkat(AT_FDCWD, $0, AT_FDCWD, new, 0) }
    }

    /// Gives an open file, by its descriptor, a further name (linkat(2) by its path under /proc).
    package static func link(descriptor: Int32, at path: some SystemPath) throws(SystemError) {
        let existing = try "/proc/self/fd/\(descriptor)".terminated(for: "link")
        _ = try system("link", path: path) { linkat(AT_FDCWD, existing, AT_FDCWD, $0, AT_SYMLINK_FOLLOW) }
    }

    /// Makes a device node.
    ///
    /// Needs privilege.
    package static func makeDevice(
        _ path: some SystemPath, kind: FileKind, mode: UInt32, device: DeviceNumber, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        let type: UInt32 = kind == .blockDevice ? 0o060000 : 0o020000
        _ = try system("mknod", path: path) {
            linux_mknod(directory, $0, type | (mode & 0o7777), device.major, device.minor)
        }
    }

    /// Makes a named pipe.
    package static func makeFIFO(
        _ path: some SystemPath, mode: UInt32 = 0o644, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) {
        _ = try system("mkfifo", path: path) { mkfifoat(directory, $0, mode) }
    }

    /// The path with every link resolved.
    package static func realPath(_ path: some SystemPath) throws(SystemError) -> String {
        let text = try path.terminated(for: "realpath")
        guard let answer = realpath(text, nil) else {
            let code = Errno.current
            throw SystemError(call: "realpath", errno: code, subject: path.displayText)
        }
        defer { free(answer) }
        return String(cString: answer)
    }
}
