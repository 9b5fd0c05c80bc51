import CLinux
import Glibc

/// The two ends of a pipe.
package struct Pipe: ~Copyable {
    /// Where bytes come out.
    package var reading: FileDescriptor
    /// Where bytes go in.
    package var writing: FileDescriptor

    /// Makes a pipe; both ends block and are close-on-exec.
    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        _ = try system("pipe2") { linux_pipe(&ends, O_CLOEXEC) }
        reading = FileDescriptor(owning: ends[0])
        writing = FileDescriptor(owning: ends[1])
    }

    /// Makes a pipe that holds so many bytes which nobody has read yet; 64 KiB is what others have.
    ///
    /// The kernel may refuse it to a user with many pipes; the pipe is only slower then.
    package init(size: Int) throws(SystemError) {
        try self.init()
        let setPipeSize: Int32 = 1031
        _ = linux_fcntl(writing.raw, setPipeSize, size)
    }

    /// Both ends, each with its own owner.
    package consuming func separate() -> (reading: SharedDescriptor, writing: SharedDescriptor) {
        (reading.shared(), writing.shared())
    }
}

/// Two connected unix stream sockets.
package struct SocketPair: ~Copyable {
    /// One end.
    package var first: FileDescriptor
    /// The other end.
    package var second: FileDescriptor

    /// Makes the pair; both ends block and are close-on-exec.
    package init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        _ = try system("socketpair") { Glibc.socketpair(AF_UNIX, type, 0, &ends) }
        first = FileDescriptor(owning: ends[0])
        second = FileDescriptor(owning: ends[1])
    }

    /// Both ends, each with its own owner.
    package consuming func separate() -> (first: SharedDescriptor, second: SharedDescriptor) {
        (first.shared(), second.shared())
    }
}

/// Files that live in memory only (`memfd_create`).
package enum MemoryFile {
    /// An empty file.
    ///
    /// It can be sealed later.
    package static func make(name: String) throws(SystemError) -> FileDescriptor {
        let flags = UInt32(MFD_CLOEXEC) | UInt32(MFD_ALLOW_SEALING)
        return FileDescriptor(owning: try system("memfd_create", path: name) { linux_memfd_create($0, flags) })
    }

    /// A file with this content that nobody, not even root, can change any more.
    package static func sealed(name: String, content: [UInt8]) throws(SystemError) -> FileDescriptor {
        let file = try make(name: name)
        try file.writeAll(content)
        try seal(file.raw)
        return file
    }

    /// A sealed copy of the program open at `source`.
    package static func sealedCopy(name: String, of source: Int32) throws(SystemError) -> FileDescriptor {
        let file = try make(name: name)
        let size = try FileStatus.read(descriptor: source, subject: name).size
        var offset: off_t = 0
        while offset < size {
            let number = file.raw
            let count = try system("sendfile", name) { sendfile(number, source, &offset, Int(size) - Int(offset)) }
            if count == 0 { break }
        }
        try seal(file.raw)
        return file
    }

    /// Forbids every later write, shrink and growth.
    package static func seal(_ descriptor: Int32) throws(SystemError) {
        _ = try system("fcntl", "F_ADD_SEALS") { linux_seal(descriptor) }
    }
}
