import CLinux

/// An error number of the kernel, such as `ENOENT`.
package struct Errno: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number as the system call gave it.
    package let rawValue: Int32

    /// Wraps a number.
    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Wraps a number.
    package init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// What the calling thread's last failed call left.
    ///
    /// Read it before anything else can run.
    package static var current: Errno { Errno(linux_errno()) }

    /// The symbolic name (`ENOENT`); the number as text when the C library knows no name.
    package var name: String {
        guard let name = linux_errno_name(rawValue) else { return "E\(rawValue)" }
        return String(cString: name)
    }

    /// What it means, in English ("No such file or directory").
    package var text: String {
        guard let text = linux_errno_text(rawValue) else { return "unknown error \(rawValue)" }
        return String(cString: text)
    }

    package var description: String { name }
}

extension Errno {
    package static var E2BIG: Errno { Errno(7) }
    package static var EACCES: Errno { Errno(13) }
    package static var EADDRINUSE: Errno { Errno(98) }
    package static var ENOBUFS: Errno { Errno(105) }
    package static var EADDRNOTAVAIL: Errno { Errno(99) }
    package static var EAGAIN: Errno { Errno(11) }
    package static var EBADF: Errno { Errno(9) }
    package static var EBADMSG: Errno { Errno(74) }
    package static var EBUSY: Errno { Errno(16) }
    package static var ECANCELED: Errno { Errno(125) }
    package static var ECHILD: Errno { Errno(10) }
    package static var ECONNREFUSED: Errno { Errno(111) }
    package static var ECONNRESET: Errno { Errno(104) }
    package static var EDQUOT: Errno { Errno(122) }
    package static var EEXIST: Errno { Errno(17) }
    package static var EFAULT: Errno { Errno(14) }
    package static var EFBIG: Errno { Errno(27) }
    package static var EINPROGRESS: Errno { Errno(115) }
    package static var EINTR: Errno { Errno(4) }
    package static var EINVAL: Errno { Errno(22) }
    package static var EIO: Errno { Errno(5) }
    package static var EISDIR: Errno { Errno(21) }
    package static var ELOOP: Errno { Errno(40) }
    package static var EMFILE: Errno { Errno(24) }
    package static var EMSGSIZE: Errno { Errno(90) }
    package static var ENAMETOOLONG: Errno { Errno(36) }
    package static var ENODATA: Errno { Errno(61) }
    package static var ENODEV: Errno { Errno(19) }
    package static var ENOENT: Errno { Errno(2) }
    package static var ENOEXEC: Errno { Errno(8) }
    package static var ENOMEM: Errno { Errno(12) }
    package static var ENOSPC: Errno { Errno(28) }
    package static var ENOSYS: Errno { Errno(38) }
    package static var ENOTBLK: Errno { Errno(15) }
    package static var ENOTCONN: Errno { Errno(107) }
    package static var ENOTDIR: Errno { Errno(20) }
    package static var ENOTEMPTY: Errno { Errno(39) }
    package static var ENOTTY: Errno { Errno(25) }
    package static var ENXIO: Errno { Errno(6) }
    package static var EOPNOTSUPP: Errno { Errno(95) }
    package static var EPERM: Errno { Errno(1) }
    package static var EPIPE: Errno { Errno(32) }
    package static var EPROTO: Errno { Errno(71) }
    package static var EROFS: Errno { Errno(30) }
    package static var ESRCH: Errno { Errno(3) }
    package static var ESTALE: Errno { Errno(116) }
    package static var ETIMEDOUT: Errno { Errno(110) }
    package static var EXDEV: Errno { Errno(18) }
}
