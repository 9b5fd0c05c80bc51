import Archives
import Linux

/// The files of a build context without their contents, as a client tells them to the host of the build.
///
/// In the order of a walk: each directory before what is in it, names in the order of their bytes.
package struct ContextListing: Sendable, Hashable {
    /// One file.
    package struct File: Sendable, Hashable {
        /// What it is; hard links are files of their own here.
        package enum Kind: UInt8, Sendable, Hashable { case regular, directory, link }

        /// From the context's root, without a slash in front or at the end; never empty.
        package var path: [UInt8]
        package var kind: Kind
        /// Permissions with set-id and sticky bits.
        package var mode: UInt16
        /// Bytes of a regular file.
        package var size: UInt64
        /// Nanoseconds since 1970.
        package var modified: Int64
        /// When anything of a regular file was changed last, in nanoseconds since 1970.
        ///
        /// Tells a client of a change that the time of modification does not tell, as its number does.
        package var changed: Int64
        package var inode: UInt64
        /// A link's text.
        package var target: [UInt8]

        package init(path: [UInt8], kind: Kind) {
            self.path = path
            self.kind = kind
            mode = kind == .directory ? 0o755 : kind == .link ? 0o777 : 0o644
            size = 0
            modified = 0
            changed = 0
            inode = 0
            target = []
        }

        /// Whether a regular file's content is that of another listing's file of this path.
        func hasContent(of other: File) -> Bool {
            kind == .regular && other.kind == .regular && size == other.size && modified == other.modified
                && changed == other.changed && inode == other.inode && mode == other.mode
        }

        /// Whether a regular file is still the one that was listed, as it was.
        func isAsListed(_ status: FileStatus) -> Bool {
            UInt64(clamping: status.size) == size && status.modified.nanosecondsSinceEpoch == modified
                && status.changed.nanosecondsSinceEpoch == changed && status.inode == inode
        }
    }

    /// The files, ascending as `precedes` says.
    package var files: [File]

    package init(_ files: [File]) { self.files = files }

    /// Whether a path comes before another in a walk: a slash is lower than any other byte.
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let count = min(left.count, right.count)
        for index in 0..<count where left[index] != right[index] {
            if left[index] == UInt8(ascii: "/") { return true }
            if right[index] == UInt8(ascii: "/") { return false }
            return left[index] < right[index]
        }
        return left.count < right.count
    }
}
