import Archives
import Linux

extension TransferPlan {
    /// A directory of a source that is being copied.
    private struct Level {
        let directory: SharedDescriptor
        let status: FileStatus
        /// The path in the source's tree, below what is copied, and where it goes.
        let source: [UInt8]
        let relative: [UInt8]
        let destination: [UInt8]
        var names: ArraySlice<DirectoryEntry>
        /// Whether it is there in the destination; else it comes with the first thing in it.
        var isPlaced: Bool
    }

    /// What of a source is copied.
    struct Selection {
        /// Patterns below the source that are left out.
        var excluded: PathRules
        /// Patterns below the source of which one has to match; nil takes all.
        var included: PathRules?
    }

    /// Copies a source's file, or the content of its directory.
    ///
    /// - Parameters:
    ///   - source: a path without links.
    ///   - destination: where the file itself, or what is in the directory, goes; without links.
    mutating func copy(
        _ source: [UInt8], of reader: TreeReader, to destination: [UInt8], _ selection: Selection
    ) throws {
        guard let status = try reader.status(source) else { throw BuildFailure.missingSource(source) }
        let parent = try reader.open(TreePath.parent(source), [.path, .directory])
        if status.kind != .directory {
            try place(
                file: try node(
                    status, TreePath.name(source), in: parent, at: source, of: reader, destination: destination))
            return
        }
        var levels = [
            try enter(
                source, of: reader, relative: [], destination: destination, status: status, isIncluded: true,
                overwrites: false)
        ]
        while let level = levels.last {
            guard let name = level.names.first else {
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].names.removeFirst()
            try visit(name.nameBytes, in: &levels, of: reader, selection)
        }
    }

    private mutating func visit(
        _ name: [UInt8], in levels: inout [Level], of reader: TreeReader, _ selection: Selection
    ) throws {
        guard let level = levels.last else { return }
        let source = TreePath.join(level.source, name)
        let relative = TreePath.join(level.relative, name)
        let (isIgnored, isExcluded) = (reader.ignored.match(source), selection.excluded.match(relative))
        if isIgnored, !reader.ignored.mayTakeBack(below: source) { return }
        if isExcluded, !selection.excluded.mayTakeBack(below: relative) { return }
        let status = try Files.status(name, followLinks: false, at: level.directory.raw)
        let isIncluded = !isIgnored && !isExcluded && selection.included?.match(relative) ?? true
        let destination = TreePath.join(level.destination, name)
        if isIncluded { try placeAbove(&levels, of: reader) }
        switch status.kind {
        case .directory:
            levels.append(
                try enter(
                    source, of: reader, relative: relative, destination: destination, status: status,
                    isIncluded: isIncluded, overwrites: true))
        case .socket, .unknown: return
        default:
            guard isIncluded else { return }
            try place(
                file: try node(status, name, in: level.directory, at: source, of: reader, destination: destination))
        }
    }

    /// Places the directories above something that is included.
    private mutating func placeAbove(_ levels: inout [Level], of reader: TreeReader) throws {
        for index in levels.indices where !levels[index].isPlaced {
            let level = levels[index]
            try placeDirectory(level.source, of: reader, level.status, at: level.destination, overwrites: true)
            levels[index].isPlaced = true
        }
    }

    private mutating func enter(
        _ source: [UInt8], of reader: TreeReader, relative: [UInt8], destination: [UInt8], status: FileStatus,
        isIncluded: Bool, overwrites: Bool
    ) throws -> Level {
        if isIncluded {
            try placeDirectory(source, of: reader, status, at: destination, overwrites: overwrites)
        }
        let (directory, names) = try reader.list(source)
        return Level(
            directory: directory, status: status, source: source, relative: relative, destination: destination,
            names: names[...], isPlaced: isIncluded)
    }

    private mutating func placeDirectory(
        _ source: [UInt8], of reader: TreeReader, _ status: FileStatus, at destination: [UInt8], overwrites: Bool
    ) throws {
        if case .directory? = try presence(destination), !overwrites { return }
        let parent = try reader.open(TreePath.parent(source), [.path, .directory])
        let name = source.isEmpty ? [UInt8(ascii: ".")] : TreePath.name(source)
        try place(
            directory: try node(status, name, in: parent, at: source, of: reader, destination: destination),
            overwrites: overwrites)
    }

    /// What a source's file becomes.
    func node(
        _ status: FileStatus, _ name: [UInt8], in directory: SharedDescriptor, at source: [UInt8],
        of reader: TreeReader, destination: [UInt8]
    ) throws -> Node {
        let kinds: [FileKind: EntryKind] = [
            .regular: .regular, .directory: .directory, .symbolicLink: .symbolicLink,
            .characterDevice: .characterDevice, .blockDevice: .blockDevice, .fifo: .fifo,
        ]
        guard let kind = kinds[status.kind] else {
            throw BuildFailure.badTransfer("\(TreePath.shown(source)) is a socket, which no image can hold")
        }
        if TreePath.name(destination).starts(with: Array(".wh.".utf8)) {
            throw BuildFailure.badTransfer(
                "\(TreePath.shown(destination)) cannot be in an image",
                detail: "names that start with `.wh.` mean removals in a layer", hint: "give the file another name")
        }
        var entry = TarEntry(path: destination, kind: kind)
        describe(&entry, status, isOwned: !reader.tree.belongsToRoot)
        entry.attributes = try reader.attributes(name, in: directory)
        var node = Node(entry: entry, role: .copied)
        switch kind {
        case .regular:
            node.entry.size = UInt64(clamping: status.size)
            node.content = .file(reader, path: source)
        case .symbolicLink: node.entry.linkTarget = try Files.readLinkBytes(name, at: directory.raw)
        case .characterDevice, .blockDevice: node.entry.device = status.deviceID
        default: break
        }
        if kind != .directory, status.linkCount > 1 {
            node.identity = Identity(
                tree: ObjectIdentifier(reader.tree.root), device: status.device, inode: status.inode)
        }
        return node
    }

    private func describe(_ entry: inout TarEntry, _ status: FileStatus, isOwned: Bool) {
        entry.mode = UInt16(truncatingIfNeeded: status.mode)
        entry.userID = owner?.uid ?? (isOwned ? status.uid : 0)
        entry.groupID = owner?.gid ?? (isOwned ? status.gid : 0)
        entry.modified = status.modified
        if let mode, entry.kind != .symbolicLink {
            entry.mode = mode.applied(to: entry.mode, isDirectory: entry.kind == .directory)
        }
    }

    /// Puts a file whose content is in memory at a path.
    mutating func place(bytes: [UInt8], at path: [UInt8], modified: Timestamp) throws {
        let entry = made(at: path, mode: 0o644, size: UInt64(bytes.count), modified)
        try place(file: Node(entry: entry, role: .copied, content: .bytes(bytes)), counts: false)
    }

    /// Puts a file of the web at a path.
    mutating func place(_ file: WebFile, at path: [UInt8]) throws {
        let entry = made(at: path, mode: 0o600, size: file.size, file.modified ?? Timestamp(seconds: 0))
        try place(
            file: Node(entry: entry, role: .copied, content: .part(file.file, offset: 0, extents: nil)),
            counts: file.modified != nil)
    }

    private func made(at path: [UInt8], mode wanted: UInt16, size: UInt64, _ modified: Timestamp) -> TarEntry {
        var entry = TarEntry(path: path, kind: .regular)
        entry.mode = mode?.applied(to: wanted, isDirectory: false) ?? wanted
        entry.userID = owner?.uid ?? 0
        entry.groupID = owner?.gid ?? 0
        entry.size = size
        entry.modified = modified
        return entry
    }
}
