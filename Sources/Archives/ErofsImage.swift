import Linux

/// Writes one EROFS image in a single pass: contents as they arrive, metadata at the end.
package final class ErofsImage {
    /// A finished image.
    package struct Summary: Sendable, Hashable {
        /// Bytes of the file.
        package var size: UInt64
        /// Inodes in it.
        package var inodes: Int
        /// What `checksum(of:)` gives as long as nothing of the file has changed.
        package var checksum: String
    }

    private let file: BlockFile
    /// The files so far.
    package private(set) var tree: LayerTree

    /// - Parameter descriptor: an empty file, open for writing.
    package init(_ descriptor: SharedDescriptor, limits: TarLimits = .init()) throws(ArchiveError) {
        file = try BlockFile(descriptor)
        tree = LayerTree(limits: limits)
    }

    /// Adds an entry.
    ///
    /// The contents of a regular file follow with `append`.
    ///
    /// - Returns: whether contents are wanted.
    package func add(_ entry: TarEntry) throws(ArchiveError) -> Bool {
        guard let node = try tree.insert(entry) else { return false }
        guard entry.size > 0 else { return false }
        let blocks = entry.size / UInt64(BlockFile.blockSize) + 1
        guard blocks <= UInt64(UInt32.max), file.block <= UInt64(UInt32.max) - blocks else {
            throw .limit(entry: entry.name, offset: entry.offset, reason: "the layer is over 16 TiB")
        }
        tree.setContents(of: node, startBlock: UInt32(file.block))
        return true
    }

    /// Where in the file the next contents go, in bytes.
    var position: UInt64 { file.position }

    /// Adds contents to the file whose entry was added last.
    package func append(_ data: TarData) throws(ArchiveError) {
        switch data {
        case .bytes(let bytes): try file.append(bytes)
        case .hole(let count): try file.skip(count)
        }
    }

    /// Ends the contents of the file whose entry was added last.
    package func endContents() throws(ArchiveError) {
        try file.align()
    }

    /// Writes the metadata.
    ///
    /// The descriptor is complete after this, but not yet synchronised.
    package func finish() throws(ArchiveError) -> Summary {
        try file.align()
        let metadata = ErofsMetadata(tree)
        let metadataBlock = file.block
        try metadata.write(to: file)
        guard let blocks = UInt32(exactly: file.block) else {
            throw .limit(entry: nil, offset: 0, reason: "the layer is over 16 TiB")
        }
        let first = ErofsFormat.firstBlock(
            rootNumber: metadata.rootNumber, inodes: UInt64(metadata.inodeCount), blocks: blocks,
            metadataBlock: UInt32(metadataBlock))
        // The superblock comes last, when all it says is known.
        try file.finish(firstBlock: first)
        return Summary(size: file.position, inodes: metadata.inodeCount, checksum: file.checksum.hex)
    }

    /// The checksum of a finished image, 16 hexadecimal digits: XXH64 of all blocks but the first, and then that.
    package static func checksum(of descriptor: SharedDescriptor) throws(ArchiveError) -> String {
        do {
            return try BlockFile.checksum(of: descriptor).hex
        } catch {
            throw .system(error)
        }
    }
}
