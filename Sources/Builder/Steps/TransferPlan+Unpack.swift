import Archives
import ImageStore
import Linux

/// An archive that ADD unpacks, as a plain tar on the disk.
struct UnpackedArchive {
    /// From its start.
    let tar: SharedDescriptor

    /// Opens a file as an archive; nil where it is none.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - file: from its start.
    ///   - directory: where what is compressed is kept meanwhile, without a name.
    init?(_ file: SharedDescriptor, spool directory: String) throws {
        let source = PeekingSource(try Self.rewound(file))
        let compression = Compression.detect(try source.peek(Compression.magicLength))
        let decoded: any ByteSource
        do {
            decoded = try compression.decoding(source, limits: InflateLimits(ratio: 1100))
        } catch {
            if case .missingLibrary = error { throw error }
            return nil
        }
        try Files.makeDirectories(directory, mode: 0o700)
        let plain = PeekingSource(SpareRoom(decoded, root: directory))
        // What only looks compressed is a file like any other.
        guard let head = try? plain.peek(TarLayout.blockSize), TarLayout.isTar(head), head.contains(where: { $0 != 0 })
        else { return nil }
        if compression == .none {
            tar = file
            return
        }
        let spool = try Files.open(directory, [.temporary, .readWrite], mode: 0o600).shared()
        try plain.forEachPiece { piece throws(ArchiveError) in
            do throws(SystemError) { try spool.writeAll(piece) } catch { throw .system(error) }
        }
        tar = spool
    }

    private static func rewound(_ file: SharedDescriptor) throws(SystemError) -> DescriptorSource {
        try file.seek(0)
        return DescriptorSource(file)
    }

    func reader() throws(SystemError) -> TarReader {
        var limits = TarLimits()
        limits.isConfined = true
        limits.requiresEndMarker = false
        return TarReader(try Self.rewound(tar), limits: limits)
    }
}

extension TransferPlan {
    /// Puts what is in an archive below a directory, as tar(1) whose root that is would: links on the way are followed,
    /// what is in an entry's place goes.
    ///
    /// - Parameter base: without links; made where it is not there.
    mutating func unpack(_ archive: UnpackedArchive, to base: [UInt8]) throws {
        archives.append(archive.tar)
        try makeDirectories(base)
        let reader = try archive.reader()
        while let entry = try reader.next() {
            // The directory itself stays as it is.
            if entry.path.isEmpty { continue }
            if TreePath.name(entry.path).starts(with: Array(".wh.".utf8)) {
                throw BuildFailure.badTransfer(
                    "the archive's \(TreePath.shown(entry.path)) cannot be in an image",
                    detail: "names that start with `.wh.` mean removals in a layer")
            }
            let parent = try resolve(TreePath.parent(entry.path), in: base)
            try makeDirectories(parent)
            try place(entry, at: TreePath.join(parent, TreePath.name(entry.path)), in: base, archive, reader)
        }
    }

    private mutating func place(
        _ entry: TarEntry, at path: [UInt8], in base: [UInt8], _ archive: UnpackedArchive, _ reader: TarReader
    ) throws {
        let node =
            entry.kind == .hardLink
            ? try linked(entry, at: path, in: base) : node(entry, at: path, archive, offset: reader.dataOffset)
        if entry.kind == .directory {
            if case .directory? = try presence(path) {} else { try remove(path) }
            try place(directory: node, overwrites: true)
        } else {
            try remove(path)
            try place(file: node)
        }
    }

    private func node(_ entry: TarEntry, at path: [UInt8], _ archive: UnpackedArchive, offset: UInt64) -> Node {
        var placed = entry
        placed.path = path
        placed.extents = nil
        if let owner { (placed.userID, placed.groupID) = (owner.uid, owner.gid) }
        var node = Node(entry: placed, role: .copied)
        if entry.kind == .regular {
            node.content = .part(archive.tar, offset: Int64(clamping: offset), extents: entry.extents)
        }
        if entry.kind != .directory {
            node.identity = Identity(
                tree: ObjectIdentifier(archive.tar), device: DeviceNumber(major: 0, minor: 0), inode: entry.offset)
        }
        return node
    }

    /// A second name of what is there already.
    private mutating func linked(_ entry: TarEntry, at path: [UInt8], in base: [UInt8]) throws -> Node {
        let parent = try resolve(TreePath.parent(entry.linkTarget), in: base)
        let target = TreePath.join(parent, TreePath.name(entry.linkTarget))
        if var node = nodes[target], node.entry.kind != .directory {
            node.entry.path = path
            return node
        }
        guard case .other? = try presence(target), let lower, let status = try lower.status(target) else {
            throw BuildFailure.badTransfer(
                "the archive's \(TreePath.shown(entry.path)) is a hard link to \(TreePath.shown(entry.linkTarget)), "
                    + "which is not there")
        }
        // The other name is in a layer below, so that the file comes up whole.
        let directory = try lower.open(TreePath.parent(target), [.path, .directory])
        return try node(status, TreePath.name(target), in: directory, at: target, of: lower, destination: path)
    }
}
