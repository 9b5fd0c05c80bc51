import CLinux
import Glibc

extension Files {
    /// Replaces a file's content in one step: readers see the old or the new, also after a crash.
    ///
    /// - Parameter fsync: whether to wait until the content and the name are on the disk.
    package static func writeAtomically(
        _ path: some SystemPath, _ bytes: [UInt8], mode: UInt32 = 0o644, fsync: Bool = true
    ) throws(SystemError) {
        let target = path.pathBytes
        let temporary = target + Array(".\(try Random.hex(bytes: 6)).tmp".utf8)
        do throws(SystemError) {
            let file = try open(temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: mode)
            // The mode asked for, whatever the process's umask takes away.
            let number = file.raw
            _ = try system("fchmod", path.displayText) { fchmod(number, mode) }
            try file.writeAll(bytes)
            if fsync { try file.synchronize() }
            try file.close()
            try rename(temporary, to: target)
        } catch {
            _ = try? unlinkIfPresent(temporary)
            throw SystemError(call: error.call, errno: error.errno, subject: path.displayText)
        }
        if fsync { try synchronizeDirectory(of: target) }
    }

    /// Waits until the names in the directory that holds `path` are on the disk.
    package static func synchronizeDirectory(of path: some SystemPath) throws(SystemError) {
        let bytes = path.pathBytes
        let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
        let parent = slash.map { $0 == 0 ? [UInt8(ascii: "/")] : Array(bytes[..<$0]) } ?? [UInt8(ascii: ".")]
        let directory = try open(parent, [.readOnly, .directory])
        do throws(SystemError) {
            try directory.synchronize()
        } catch let error where error.errno == .EINVAL {
            // Some file systems cannot synchronise a directory.
            return
        }
    }

    /// Makes a directory of one's own, mode 0700, under `TMPDIR` or `/tmp`; returns its path.
    package static func temporaryDirectory(prefix: String = "stackctl-") throws(SystemError) -> String {
        let parent = Environment.get("TMPDIR") ?? "/tmp"
        let path = "\(parent)/\(prefix)\(try Random.hex(bytes: 8))"
        try makeDirectory(path, mode: 0o700)
        return path
    }

    /// Copies a regular file's content and permission bits.
    package static func copy(
        _ source: some SystemPath, to target: some SystemPath, mode: UInt32? = nil
    ) throws(SystemError) {
        let input = try open(source)
        let status = try input.status()
        let output = try open(target, [.writeOnly, .create, .truncate], mode: mode ?? status.mode)
        _ = try naming(target) { () throws(SystemError) in
            try copyRange(from: input.raw, to: output.raw, count: .max)
        }
    }

    /// Copies up to `count` bytes between open files from their positions, inside the kernel; returns how many.
    package static func copyRange(from source: Int32, to target: Int32, count: Int64) throws(SystemError) -> Int64 {
        var copied: Int64 = 0
        var useSendfile = false
        while copied < count {
            let part = Int(min(count - copied, 1 << 30))
            let step: Int
            if useSendfile {
                step = try system("sendfile") { sendfile(target, source, nil, part) }
            } else {
                do throws(SystemError) {
                    step = try system("copy_file_range") { linux_copy_file_range(source, target, part) }
                } catch let error where [.EXDEV, .EINVAL, .EOPNOTSUPP, .ENOSYS, .EBADF].contains(error.errno) {
                    useSendfile = true
                    continue
                }
                // Files of /proc and the like claim to be empty to copy_file_range.
                if step == 0 && copied == 0 {
                    useSendfile = true
                    continue
                }
            }
            if step == 0 { break }
            copied += Int64(step)
        }
        return copied
    }
}

/// A lock on a file (`flock`), held until the end of its life or of the process.
package struct FileLock: ~Copyable, Sendable {
    private let file: FileDescriptor

    private init(_ file: consuming FileDescriptor) {
        self.file = file
    }

    deinit {
        // Closing alone would leave the lock to a process that was just cloned, until its exec(2).
        _ = flock(file.raw, LOCK_UN)
    }

    /// Locks a file, making it when missing.
    ///
    /// Returns nil when another holds it and `wait` is false.
    package static func acquire(
        _ path: some SystemPath, exclusive: Bool = true, wait: Bool = false
    ) throws(SystemError) -> FileLock? {
        let file = try Files.open(path, [.readWrite, .create], mode: 0o600)
        let operation = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)
        let number = file.raw
        do throws(SystemError) {
            _ = try system("flock", path.displayText) { flock(number, operation) }
        } catch let error where error.errno == .EAGAIN {
            return nil
        }
        return FileLock(file)
    }

    /// Locks a directory, waiting for whoever has it: for files in it that are replaced as a whole, so that their own
    /// locks would be those of files that are gone.
    package static func directory(_ path: some SystemPath) throws(SystemError) -> FileLock {
        let file = try Files.open(path, [.readOnly, .directory])
        let number = file.raw
        _ = try system("flock", path.displayText) { flock(number, LOCK_EX) }
        return FileLock(file)
    }

    /// Whether another open file has the whole-file record lock (`F_OFD_SETLK`) of a path; no lock is taken.
    package static func isRecordLocked(_ path: some SystemPath) throws(SystemError) -> Bool {
        let file = try Files.open(path, [.readOnly, .noFollow])
        let number = file.raw
        return try system("fcntl", path.displayText) { linux_file_is_locked(number) } == 1
    }

    /// The locked file, to read or write what it says.
    package var descriptor: Int32 { file.raw }
}
