import CLinux
import Glibc

/// How a file is opened; close-on-exec is always added.
package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    package static var readOnly: OpenFlags { OpenFlags(rawValue: O_RDONLY) }
    package static var writeOnly: OpenFlags { OpenFlags(rawValue: O_WRONLY) }
    package static var readWrite: OpenFlags { OpenFlags(rawValue: O_RDWR) }
    package static var create: OpenFlags { OpenFlags(rawValue: O_CREAT) }
    /// Fail with `EEXIST` when the file is there.
    package static var exclusive: OpenFlags { OpenFlags(rawValue: O_EXCL) }
    package static var truncate: OpenFlags { OpenFlags(rawValue: O_TRUNC) }
    package static var append: OpenFlags { OpenFlags(rawValue: O_APPEND) }
    package static var nonBlocking: OpenFlags { OpenFlags(rawValue: O_NONBLOCK) }
    /// Fail with `ENOTDIR` when it is not a directory.
    package static var directory: OpenFlags { OpenFlags(rawValue: O_DIRECTORY) }
    /// Fail with `ELOOP` when the last component is a symbolic link.
    package static var noFollow: OpenFlags { OpenFlags(rawValue: O_NOFOLLOW) }
    /// A handle only: nothing is read, no permission of the file is needed.
    package static var path: OpenFlags { OpenFlags(rawValue: 0o10000000) }
    package static var noControllingTerminal: OpenFlags { OpenFlags(rawValue: O_NOCTTY) }
    /// A file without a name in the given directory.
    package static var temporary: OpenFlags { OpenFlags(rawValue: 0o20200000) }
}

/// How `openat2` walks a path.
package struct ResolveFlags: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Refuse `/proc/…/fd/N` and its like.
    package static var noMagicLinks: ResolveFlags { ResolveFlags(rawValue: 0x02) }
    package static var noSymbolicLinks: ResolveFlags { ResolveFlags(rawValue: 0x04) }
    /// Fail with `EXDEV` when the path leaves the directory.
    package static var beneath: ResolveFlags { ResolveFlags(rawValue: 0x08) }
    /// The directory is `/` for absolute paths, links and `..`.
    package static var inRoot: ResolveFlags { ResolveFlags(rawValue: 0x10) }
}
