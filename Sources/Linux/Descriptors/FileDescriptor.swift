import CLinux
import Glibc

/// Something that holds an open file descriptor.
package protocol Descriptor: ~Copyable {
    /// The number; valid while the holder lives.
    var raw: Int32 { get }
}

/// A file descriptor with one owner: closed at the end of its life, and close-on-exec.
package struct FileDescriptor: ~Copyable, Descriptor, Sendable {
    /// The number.
    package let raw: Int32

    /// Takes ownership of an open descriptor.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        _ = Glibc.close(raw)
    }

    /// Gives up ownership; the caller closes it.
    package consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// Closes now and reports what the file system answers (a late write error, for one).
    package consuming func close() throws(SystemError) {
        let number = release()
        if Glibc.close(number) == -1 {
            let code = Errno.current
            // Linux has freed the number even when it answers EINTR: closing again could hit another file.
            if code != .EINTR { throw SystemError(call: "close", errno: code) }
        }
    }

    /// A second descriptor on the same open file.
    package borrowing func duplicate() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.duplicating(raw)
    }

    /// A second descriptor, not below `minimum`, on the file open at `raw`.
    package static func duplicating(_ raw: Int32, minimum: Int32 = 3) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try system("dup") { linux_fcntl(raw, F_DUPFD_CLOEXEC, Int(minimum)) })
    }

    /// Turns into a reference that several owners can hold.
    package consuming func shared() -> SharedDescriptor {
        SharedDescriptor(self)
    }
}

/// A file descriptor with several owners: closed when the last one is gone.
package final class SharedDescriptor: Descriptor, Sendable {
    private let descriptor: FileDescriptor

    /// The number; valid while this object lives.
    package var raw: Int32 { descriptor.raw }

    /// Takes ownership.
    package init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// A second descriptor on the same open file.
    package func duplicate() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.duplicating(raw)
    }
}
