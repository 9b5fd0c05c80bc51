import Archives
import Linux

/// The files that a transfer puts over a root, all known before anything is written.
///
/// Follows what BuildKit's copying does name by name: directories are merged, a file takes no directory's place, nor a
/// directory a file's.
struct TransferPlan {
    /// Where a file's content is.
    enum Content {
        case file(TreeReader, path: [UInt8])
        case bytes([UInt8])
        /// A part of an open file, from this offset on.
        ///
        /// - Parameter extents: where in the file its parts go that are stored there one after the other; nil is all.
        case part(SharedDescriptor, offset: Int64, extents: [SparseExtent]?)
    }

    /// A file by what tells it from others, so that its second name is known.
    struct Identity: Hashable {
        var tree: ObjectIdentifier
        var device: DeviceNumber
        var inode: UInt64
    }

    struct Node {
        enum Role {
            /// A directory of a lower layer that is only repeated.
            case inherited
            /// A directory that leads to something that is copied.
            case implied
            case copied
        }

        /// Its path is where it goes.
        var entry: TarEntry
        var role: Role
        var content: Content?
        var identity: Identity?
        /// Whether a directory shows nothing of one in lower layers.
        var isOpaque = false
    }

    /// What is at a path.
    enum Presence {
        case directory
        case link([UInt8])
        case other
    }

    /// The root file system; nil where the transfer must not depend on it.
    let lower: TreeReader?
    let owner: FileOwner?
    let mode: TransferMode?
    /// What is put there, by path.
    private(set) var nodes: [[UInt8]: Node] = [:]
    /// The newest time of a file that is copied.
    private(set) var newest: Timestamp?
    private var hidden: Set<[UInt8]> = []
    private var numbers = 0
    /// Their addresses name them, so that none may be freed while the plan is made.
    var archives: [SharedDescriptor] = []
    private var seen: [[UInt8]: Presence?] = [:]

    init(over lower: TreeReader?, owner: FileOwner?, mode: TransferMode?) {
        self.lower = lower
        self.owner = owner
        self.mode = mode
    }

    /// Another number each time.
    mutating func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    /// Whether something is there that a lower layer does not have.
    var hasChanges: Bool { nodes.values.contains { $0.role != .inherited } }

    // MARK: What is there

    /// What is at a path without links on the way; nil where nothing is.
    mutating func presence(_ path: [UInt8]) throws -> Presence? {
        if path.isEmpty { return .directory }
        if let node = nodes[path] {
            switch node.entry.kind {
            case .directory: return .directory
            case .symbolicLink: return .link(node.entry.linkTarget)
            default: return .other
            }
        }
        guard let lower, !isHidden(path) else { return nil }
        if let known = seen[path] { return known }
        if case .some(nil) = seen[TreePath.parent(path)] {
            // Below what is not there nothing is, and the layers need not be asked.
            seen[path] = .some(nil)
            return nil
        }
        var found: Presence?
        if let status = try lower.status(path) {
            switch status.kind {
            case .directory: found = .directory
            case .symbolicLink: found = .link(try lower.link(path) ?? [])
            default: found = .other
            }
        }
        seen[path] = .some(found)
        return found
    }

    private func isHidden(_ path: [UInt8]) -> Bool {
        guard !hidden.isEmpty else { return false }
        var above = path
        while !above.isEmpty {
            if hidden.contains(above) { return true }
            above = TreePath.parent(above)
        }
        return false
    }

    /// Resolves links of a path inside the root.
    mutating func resolve(_ path: [UInt8], in base: [UInt8] = []) throws -> [UInt8] {
        try TreePath.resolve(path, in: base) { candidate in
            guard case .link(let target)? = try presence(candidate) else { return nil }
            return target
        }
    }

    // MARK: Directories

    /// Makes a directory and those above it where they are not there, for the owner of what is copied.
    ///
    /// - Parameter path: without links.
    mutating func makeDirectories(_ path: [UInt8]) throws {
        var current: [UInt8] = []
        for component in TreePath.components(path) {
            current = TreePath.join(current, component)
            switch try presence(current) {
            case .directory?: continue
            case nil:
                nodes[current] = impliedDirectory(current)
            case .link?, .other?:
                throw BuildFailure.badTransfer("mkdir \(TreePath.shown(current)): not a directory")
            }
        }
    }

    private func impliedDirectory(_ path: [UInt8]) -> Node {
        var entry = TarEntry(path: path, kind: .directory)
        entry.mode = 0o755
        entry.userID = owner?.uid ?? 0
        entry.groupID = owner?.gid ?? 0
        return Node(entry: entry, role: .implied, isOpaque: hidden.contains(path))
    }

    /// A lower layer's directory as it is there.
    private func inheritedDirectory(_ path: [UInt8]) throws -> Node? {
        guard let lower, let status = try lower.status(path), status.kind == .directory else { return nil }
        var entry = TarEntry(path: path, kind: .directory)
        entry.mode = UInt16(truncatingIfNeeded: status.mode)
        entry.userID = status.uid
        entry.groupID = status.gid
        entry.modified = status.modified
        entry.attributes = try lower.attributes(path)
        return Node(entry: entry, role: .inherited)
    }

    /// Puts a directory of a source at a path, or keeps the one that is there.
    ///
    /// - Parameter overwrites: whether one that is there gets the source's owner and mode.
    mutating func place(directory node: Node, overwrites: Bool) throws {
        let path = node.entry.path
        switch try presence(path) {
        case .directory?:
            guard overwrites, !path.isEmpty else { return }
            var node = node
            node.isOpaque = nodes[path]?.isOpaque ?? false
            nodes[path] = node
        case nil:
            var node = node
            node.isOpaque = hidden.contains(path)
            nodes[path] = node
        case .link?, .other?:
            throw BuildFailure.badTransfer(
                "cannot copy to non-directory: \(TreePath.shown(path))",
                hint: "the source has a directory where the image has something else; copy what is in it to where it "
                    + "belongs")
        }
    }

    // MARK: Files

    /// Puts something that is no directory at a path.
    ///
    /// - Parameter counts: whether its time is one of its own.
    mutating func place(file node: Node, counts: Bool = true) throws {
        let path = node.entry.path
        if case .directory? = try presence(path) {
            throw BuildFailure.badTransfer(
                "cannot replace to directory \(TreePath.shown(path)) with file",
                hint: "end the destination in `/` to copy into the directory")
        }
        if path.isEmpty { throw BuildFailure.badTransfer("cannot replace to directory / with file") }
        nodes[path] = node
        if counts, node.entry.kind == .regular || node.entry.kind == .symbolicLink {
            newest = max(newest ?? node.entry.modified, node.entry.modified)
        }
    }

    /// Takes away what is at a path, for an archive's entry that takes its place.
    mutating func remove(_ path: [UInt8]) throws {
        guard let presence = try presence(path), !path.isEmpty else { return }
        if case .directory = presence {
            let prefix = path + [UInt8(ascii: "/")]
            for key in nodes.keys where key.starts(with: prefix) { nodes[key] = nil }
            seen = [:]
        }
        nodes[path] = nil
        if let lower, !isHidden(path), try lower.status(path)?.kind == .directory { hidden.insert(path) }
    }

    // MARK: The layer

    /// Everything in the order of a layer: each directory before what is in it, the root first, lower layers'
    /// directories repeated as they are, second names of a file as hard links to the first.
    ///
    /// - Parameter epoch: what no time is later than; nil keeps times.
    mutating func ordered(epoch: Timestamp?) throws -> [Node] {
        var all = nodes
        for path in nodes.keys {
            var above = path
            while !above.isEmpty {
                above = TreePath.parent(above)
                if all[above] != nil { break }
                var node = isHidden(above) ? nil : try inheritedDirectory(above)
                if node == nil {
                    node = impliedDirectory(above)
                    node?.entry.userID = 0
                    node?.entry.groupID = 0
                }
                all[above] = node
            }
        }
        // What is made on the way has no time of its own.
        let time = epoch ?? newest ?? Timestamp(seconds: 0)
        var first: [Identity: [UInt8]] = [:]
        return all.values.sorted { $0.entry.path.lexicographicallyPrecedes($1.entry.path) }.map { node in
            var node = node
            if node.role == .implied { node.entry.modified = time }
            if let epoch { node.entry.modified = min(node.entry.modified, epoch) }
            guard let identity = node.identity else { return node }
            if let target = first[identity] {
                node.entry.kind = .hardLink
                node.entry.linkTarget = target
                node.entry.size = 0
                node.content = nil
            } else {
                first[identity] = node.entry.path
            }
            return node
        }
    }
}
