import Linux

/// The files of one layer as a tree in memory.
///
/// Only their metadata: contents are in the image file already.
package struct LayerTree {
    /// One inode.
    package struct Node {
        /// What it is; never a hard link, which is a second name of a node.
        package var kind: EntryKind
        package var mode: UInt16
        package var userID: UInt32
        package var groupID: UInt32
        package var modified: Timestamp
        /// Bytes of a regular file.
        package var size: UInt64 = 0
        /// The first block of its contents in the image.
        package var startBlock: UInt32 = 0
        package var device = DeviceNumber(major: 0, minor: 0)
        /// A symbolic link's text.
        package var target: [UInt8] = []
        package var attributes: [ExtendedAttribute] = []
        /// A directory's entries.
        package var children: [[UInt8]: Int] = [:]
        /// The directory it is in; a directory has one only.
        package var parent: Int
        /// Names it has, directories apart.
        package var linkCount: UInt32 = 1
        /// Whether an entry said so; a parent that no entry names is made with defaults.
        var isExplicit: Bool

        var isWhiteout: Bool { kind == .characterDevice && device == DeviceNumber(major: 0, minor: 0) }
    }

    /// The number of the root.
    package static let root = 0

    /// All nodes, the root first.
    package private(set) var nodes: [Node]

    // Most entries are in the same directory as the one before.
    private var lastParentPath: [UInt8] = []
    private var lastParent = LayerTree.root

    private let limits: TarLimits
    private var metadataBytes = 0

    package init(limits: TarLimits = .init()) {
        self.limits = limits
        nodes = [Self.impliedDirectory(parent: Self.root)]
    }

    /// What a directory is that no entry describes.
    private static func impliedDirectory(parent: Int) -> Node {
        Node(
            kind: .directory, mode: 0o755, userID: 0, groupID: 0, modified: Timestamp(seconds: 0), parent: parent,
            isExplicit: false)
    }

    /// Adds an entry.
    ///
    /// Gives the number of the node that wants the entry's contents; nil when there is none.
    ///
    /// - Throws: `ArchiveError.malformed` or `.limit`, naming the entry.
    package mutating func insert(_ entry: TarEntry) throws(ArchiveError) -> Int? {
        try count(entry)
        if entry.path.isEmpty {
            guard entry.kind == .directory else { throw refused(entry, "the root must be a directory") }
            describe(Self.root, as: entry)
            return nil
        }
        if Whiteout.isInsideReserved(entry.path) { return nil }
        let (directory, name) = try parent(of: entry)
        switch Whiteout.meaning(of: name, kind: entry.kind) {
        case .ignored: return nil
        case .opaque:
            makeOpaque(directory)
            return nil
        case .removes(let hidden):
            guard !hidden.isEmpty, hidden != [UInt8(ascii: ".")], hidden != [UInt8(ascii: "."), UInt8(ascii: ".")]
            else {
                throw refused(entry, "the whiteout names nothing")
            }
            addWhiteout(hidden, in: directory, entry)
            return nil
        case .ordinary:
            return try add(entry, name: Array(name), in: directory)
        }
    }

    /// Refuses what would take too much memory: a few bytes of a compressed archive can ask for very much of it.
    private mutating func count(_ entry: TarEntry) throws(ArchiveError) {
        metadataBytes += entry.path.count + entry.linkTarget.count
        for attribute in entry.attributes { metadataBytes += attribute.name.utf8.count + attribute.value.count }
        guard metadataBytes <= limits.metadataBytes else {
            throw .limit(
                entry: entry.name, offset: entry.offset,
                reason: "names, link targets and extended attributes have more than \(limits.metadataBytes) bytes "
                    + "together")
        }
    }

    /// Sets where a file's contents are.
    mutating func setContents(of node: Int, startBlock: UInt32) {
        nodes[node].startBlock = startBlock
    }

    /// A directory's entries in the order of their bytes, which is the order on the disk.
    package func sortedChildren(of node: Int) -> [(name: [UInt8], node: Int)] {
        nodes[node].children.map { (name: $0.key, node: $0.value) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    private func refused(_ entry: TarEntry, _ reason: String) -> ArchiveError {
        .malformed(entry: entry.name, offset: entry.offset, reason: reason)
    }
}

extension LayerTree {
    private mutating func add(_ entry: TarEntry, name: [UInt8], in directory: Int) throws(ArchiveError) -> Int? {
        if entry.kind == .hardLink { return try addHardLink(entry, name: name, in: directory) }
        let existing = nodes[directory].children[name]
        if let existing, nodes[existing].kind == .directory, entry.kind == .directory {
            describe(existing, as: entry)
            return nil
        }
        let number = append(entry, parent: directory)
        if let existing {
            // A directory that replaces one of a lower layer shows nothing of it.
            if nodes[existing].isWhiteout, entry.kind == .directory { makeOpaque(number) }
            drop(existing)
        }
        nodes[directory].children[name] = number
        return entry.kind == .regular ? number : nil
    }

    /// Takes a name away from a node, and everything in it where it was a directory.
    ///
    /// Of an archive that has a name twice the last entry counts, as when tar unpacks it.
    private mutating func drop(_ number: Int) {
        lastParentPath = []
        var dropped = [number]
        while let next = dropped.popLast() {
            dropped.append(contentsOf: nodes[next].children.values)
            nodes[next].children = [:]
            if nodes[next].linkCount > 0 { nodes[next].linkCount -= 1 }
        }
    }

    private mutating func addHardLink(_ entry: TarEntry, name: [UInt8], in directory: Int) throws(ArchiveError) -> Int?
    {
        let shown = String(decoding: entry.linkTarget, as: UTF8.self)
        // A name that is only removed here is none that a link can share.
        guard let target = find(entry.linkTarget), nodes[target].isExplicit || !nodes[target].isWhiteout else {
            throw refused(entry, "it is a hard link to `\(shown)`, which is not in the archive before it")
        }
        guard nodes[target].kind != .directory else {
            throw refused(entry, "it is a hard link to the directory `\(shown)`")
        }
        if let existing = nodes[directory].children[name] {
            // A link to itself changes nothing.
            if existing == target { return nil }
            drop(existing)
        }
        nodes[target].linkCount += 1
        nodes[directory].children[name] = target
        return nil
    }

    private mutating func addWhiteout(_ name: [UInt8], in directory: Int, _ entry: TarEntry) {
        if let existing = nodes[directory].children[name] {
            // The name is in this layer too, so that only what lies below it is hidden.
            if nodes[existing].kind == .directory { makeOpaque(existing) }
            return
        }
        var node = Self.impliedDirectory(parent: directory)
        node.kind = .characterDevice
        node.mode = 0
        node.modified = entry.modified
        nodes.append(node)
        nodes[directory].children[name] = nodes.count - 1
    }

    private mutating func makeOpaque(_ directory: Int) {
        guard !nodes[directory].attributes.contains(Whiteout.opaqueAttribute) else { return }
        nodes[directory].attributes.append(Whiteout.opaqueAttribute)
    }

    private mutating func append(_ entry: TarEntry, parent: Int) -> Int {
        var node = Node(
            kind: entry.kind, mode: entry.mode, userID: entry.userID, groupID: entry.groupID,
            modified: entry.modified, parent: parent, isExplicit: true)
        node.size = entry.size
        node.device = entry.device
        if entry.kind == .symbolicLink { node.target = entry.linkTarget }
        node.attributes = Self.kept(entry.attributes)
        nodes.append(node)
        return nodes.count - 1
    }

    /// Gives a directory that is there already the entry's metadata.
    private mutating func describe(_ number: Int, as entry: TarEntry) {
        let isOpaque = nodes[number].attributes.contains(Whiteout.opaqueAttribute)
        nodes[number].mode = entry.mode
        nodes[number].userID = entry.userID
        nodes[number].groupID = entry.groupID
        nodes[number].modified = entry.modified
        nodes[number].attributes = Self.kept(entry.attributes)
        nodes[number].isExplicit = true
        if isOpaque { makeOpaque(number) }
    }

    /// Attributes of overlayfs itself are ours to give: an archive's could redirect a lookup.
    private static func kept(_ attributes: [ExtendedAttribute]) -> [ExtendedAttribute] {
        guard !attributes.isEmpty else { return [] }
        return attributes.filter { !$0.name.hasPrefix("trusted.overlay.") && !$0.name.hasPrefix("user.overlay.") }
            .sorted { $0.name < $1.name }
    }

    /// The directory an entry goes to, made where no entry named it, and the entry's last component.
    private mutating func parent(of entry: TarEntry) throws(ArchiveError) -> (directory: Int, name: ArraySlice<UInt8>) {
        let path = entry.path
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return (Self.root, path[...]) }
        let name = path[(slash + 1)...]
        let parentPath = path[..<slash]
        if parentPath.elementsEqual(lastParentPath) { return (lastParent, name) }
        var directory = Self.root
        for component in parentPath.split(separator: UInt8(ascii: "/")) {
            let key = Array(component)
            if let child = nodes[directory].children[key] {
                guard nodes[child].kind == .directory else {
                    let shown = String(decoding: component, as: UTF8.self)
                    throw refused(entry, "`\(shown)` in its name is no directory in this archive")
                }
                directory = child
            } else {
                // One long name can have two thousand directories in it.
                guard nodes.count < limits.entries else {
                    throw .limit(
                        entry: entry.name, offset: entry.offset,
                        reason: "the layer has more than \(limits.entries) files and directories")
                }
                nodes.append(Self.impliedDirectory(parent: directory))
                nodes[directory].children[key] = nodes.count - 1
                directory = nodes.count - 1
            }
        }
        lastParentPath = Array(parentPath)
        lastParent = directory
        return (directory, name)
    }

    /// The node of a normalised path.
    package func find(_ path: [UInt8]) -> Int? {
        var number = Self.root
        for component in path.split(separator: UInt8(ascii: "/")) {
            guard let child = nodes[number].children[Array(component)] else { return nil }
            number = child
        }
        return number
    }
}
