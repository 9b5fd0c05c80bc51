import CLinux
import Glibc

/// Where a seek counts from.
package enum SeekOrigin: Int32, Sendable {
    case start = 0
    case current = 1
    case end = 2
    /// The next byte that is not in a hole.
    case data = 3
    /// The next hole.
    case hole = 4
}

extension Descriptor where Self: ~Copyable {
    /// Reads once, at most the buffer's size.
    ///
    /// 0 is the end of the file.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        let number = raw
        return try system("read") { Glibc.read(number, buffer.baseAddress, buffer.count) }
    }

    /// Reads once, at most `count` bytes.
    ///
    /// Empty is the end of the file.
    package borrowing func read(upTo count: Int) throws(SystemError) -> [UInt8] {
        let number = raw
        return try Transfer.collect("read", upTo: count) { Glibc.read(number, $0, $1) }
    }

    /// Reads once at an offset, leaving the file position alone.
    ///
    /// 0 is the end of the file.
    package borrowing func pread(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(SystemError) -> Int {
        let number = raw
        return try system("pread") { Glibc.pread(number, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Reads once at an offset, at most `count` bytes.
    ///
    /// Empty is the end of the file.
    package borrowing func pread(upTo count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        let number = raw
        return try Transfer.collect("pread", upTo: count) { Glibc.pread(number, $0, $1, off_t(offset)) }
    }

    /// Reads to the end of the file.
    ///
    /// Throws `EFBIG` when there are more than `limit` bytes.
    package borrowing func readAll(limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        while true {
            let chunk = try read(upTo: min(64 << 10, limit - result.count + 1))
            if chunk.isEmpty { return result }
            result.append(contentsOf: chunk)
            if result.count > limit { throw SystemError(call: "read", errno: .EFBIG) }
        }
    }

    /// Writes every byte, in as many calls as it takes.
    package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        let number = raw
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let written = try system("write") { Glibc.write(number, part.baseAddress, part.count) }
            rest = rest.dropFirst(written)
        }
    }

    /// Writes every byte, in as many calls as it takes.
    package borrowing func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        let number = raw
        try Transfer.drain("write", bytes) { pointer, count, _ in Glibc.write(number, pointer, count) }
    }

    /// Writes every byte at an offset, leaving the file position alone.
    package borrowing func pwriteAll(_ bytes: [UInt8], at offset: Int64) throws(SystemError) {
        let number = raw
        try Transfer.drain("pwrite", bytes) { pointer, count, done in
            Glibc.pwrite(number, pointer, count, off_t(offset) + off_t(done))
        }
    }

    /// Moves the file position; returns it, in bytes from the start.
    @discardableResult
    package borrowing func seek(_ offset: Int64, from origin: SeekOrigin = .start) throws(SystemError) -> Int64 {
        let number = raw
        return Int64(try system("lseek") { Glibc.lseek(number, off_t(offset), origin.rawValue) })
    }

    /// Cuts or extends the file to `size` bytes.
    package borrowing func truncate(to size: Int64) throws(SystemError) {
        let number = raw
        _ = try system("ftruncate") { Glibc.ftruncate(number, off_t(size)) }
    }

    /// Waits until the file's content is on the disk.
    package borrowing func synchronize() throws(SystemError) {
        let number = raw
        _ = try system("fsync") { Glibc.fsync(number) }
    }

    /// Starts writing a part of the file to the disk, so that `synchronize` has less to wait for.
    ///
    /// A file system that cannot is no error: whether the bytes are there is what `synchronize` tells.
    package borrowing func startWriteback(from offset: Int64, count: Int64) {
        _ = linux_start_writeback(raw, offset, count)
    }

    /// Waits until everything on the file system it is on is on the disk (syncfs(2)).
    package borrowing func synchronizeFileSystem() throws(SystemError) {
        let number = raw
        _ = try system("syncfs") { linux_syncfs(number) }
    }

    /// Chooses whether reads and writes answer `EAGAIN` instead of waiting.
    package borrowing func setNonBlocking(_ enabled: Bool) throws(SystemError) {
        let number = raw
        let flags = try system("fcntl") { linux_fcntl(number, F_GETFL, 0) }
        let wanted = enabled ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        if wanted != flags { _ = try system("fcntl") { linux_fcntl(number, F_SETFL, Int(wanted)) } }
    }

    /// Chooses whether a program started from here inherits it.
    package borrowing func setCloseOnExec(_ enabled: Bool) throws(SystemError) {
        let number = raw
        _ = try system("fcntl") { linux_fcntl(number, F_SETFD, enabled ? Int(FD_CLOEXEC) : 0) }
    }

    /// What the open file is.
    package borrowing func status() throws(SystemError) -> FileStatus {
        try FileStatus.read(descriptor: raw, subject: "fd \(raw)")
    }
}

/// The loops behind partial reads and writes.
enum Transfer {
    static func collect(
        _ call: StaticString, upTo count: Int, _ body: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let result = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, filled in
            do throws(SystemError) {
                filled = try system(call) { body(UnsafeMutableRawPointer(buffer.baseAddress), max(count, 0)) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    static func drain(
        _ call: StaticString, _ bytes: [UInt8], _ body: (UnsafeRawPointer?, Int, Int) -> Int
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let offset = done
            done += try system(call) {
                bytes.withUnsafeBytes { buffer in
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                    return body(rest.baseAddress, rest.count, offset)
                }
            }
        }
    }
}
