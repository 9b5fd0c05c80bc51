import Archives
import Dockerfile
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
        package var changed: Int64
        package var inode: UInt64
        /// A link's text.
        package var target: [UInt8]

        package init(path: [UInt8], kind: Kind) {
            self.path = path
            self.kind = kind
            mode = 0o644
            size = 0
            modified = 0
            changed = 0
            inode = 0
            target = []
        }
    }

    package var files: [File]

    package init(_ files: [File]) { self.files = files }
}
