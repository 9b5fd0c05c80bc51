import ImageStore
import Linux

/// A tree of files that steps copy from or mount: a context, a stage's files, a repository.
package struct FileTree: Sendable {
    /// Its root directory; nothing outside of it is ever opened.
    package let root: SharedDescriptor
    /// What is left out of it, in `.dockerignore`'s form; empty leaves out nothing.
    package var ignored: [String]
    /// Digests of contents that are known already, by path relative to the root, where whoever made the tree knows
    /// them.
    package var known: (any ContentDigests)?
    /// Whether its files are root's, whoever has them on the disk: a context's are.
    package let belongsToRoot: Bool
    /// Where digests of what is copied from it are kept, if the tree stays as it is.
    let memo: DigestMemo?
    /// Contents that are not in the tree but with the client, by path; in the tree are files without content then.
    let held: [[UInt8]: HeldContent]
    /// Keeps what the tree is made of for as long as somebody has it.
    private let lifetime: (any Sendable)?

    package init(
        root: SharedDescriptor, ignored: [String] = [], known: (any ContentDigests)? = nil,
        belongsToRoot: Bool = false, lifetime: (any Sendable)? = nil
    ) {
        self.root = root
        self.ignored = ignored
        self.known = known
        self.belongsToRoot = belongsToRoot
        self.lifetime = lifetime
        memo = nil
        held = [:]
    }

    /// A tree that never changes.
    init(
        root: SharedDescriptor, known: (any ContentDigests)?, belongsToRoot: Bool, memo: DigestMemo,
        held: [[UInt8]: HeldContent] = [:], lifetime: any Sendable
    ) {
        self.root = root
        ignored = []
        self.known = known
        self.belongsToRoot = belongsToRoot
        // What is held is this tree's only, and may be other bytes the next time.
        self.memo = held.isEmpty ? memo : nil
        self.held = held
        self.lifetime = lifetime
    }
}

extension FileTree {
    /// Whether it has contents that nobody has read so far.
    var hasUntold: Bool { held.values.contains { $0.digest == nil } }

    /// Puts the held contents at and below a path in the tree, for those who read it by themselves; blocks.
    func storeContents(below path: [UInt8], _ cancellation: CancellationFlag) throws {
        guard !held.isEmpty else { return }
        let reader = try TreeReader(self)
        let top = try TreePath.resolve(path) { try reader.link($0) }
        let below = top.isEmpty ? [] : top + [UInt8(ascii: "/")]
        for (path, content) in held where path == top || path.starts(with: below) {
            try content.store(in: root, cancellation)
        }
    }
}

/// Tells digests of contents without reading them.
package protocol ContentDigests: Sendable {
    /// The SHA-256 of a regular file's content, 64 hexadecimal digits; nil where it is not known.
    func digest(of path: [UInt8]) -> String?
}
