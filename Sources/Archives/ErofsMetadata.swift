/// Lays a tree out as the metadata of an EROFS image and writes it behind the files' contents.
///
/// Behind the contents come the inodes, each with its attributes and a short directory or link text, then whole
/// blocks of long directories. Everything follows the tree in the order of names, so that equal trees give equal
/// bytes.
struct ErofsMetadata {
    /// Where a node goes.
    private struct Place {
        /// From the start of the metadata, in bytes.
        var offset: Int
        var layout: ErofsFormat.Layout
        /// Bytes behind the inode.
        var tail: Int
        /// Bytes of contents, where they are metadata: a directory or a link's text.
        var size: Int
        /// The first of its whole blocks, counted from the end of the inodes.
        var firstBlock: Int
        var isPlaced = false
    }

    private let tree: LayerTree
    private var places: [Place]
    private var order: [Int] = []
    private var directories: [Int: ErofsDirectory] = [:]
    private var inodeBytes = 2 * ErofsFormat.slotSize
    private var contentBlocks = 0

    /// The root's number, which must fit 16 bits.
    ///
    /// So the root comes first: in the first block, or at the start of the second where what is behind it needs a block
    /// of its own. Number 0 is left free, because directory listings treat it as no file.
    var rootNumber: UInt16 { UInt16(truncatingIfNeeded: inodeNumber(LayerTree.root)) }

    init(_ tree: LayerTree) {
        self.tree = tree
        places = Array(
            repeating: Place(offset: 0, layout: .plain, tail: 0, size: 0, firstBlock: 0), count: tree.nodes.count)
        var pending = [LayerTree.root]
        while let number = pending.popLast() {
            guard !places[number].isPlaced else { continue }
            var children: [(name: [UInt8], node: Int)] = []
            if tree.nodes[number].kind == .directory {
                children = tree.sortedChildren(of: number)
                directories[number] = ErofsDirectory(
                    children: children, own: number, parent: tree.nodes[number].parent, nodes: tree.nodes)
            }
            place(number)
            // Last in, first out: the first child comes next.
            for child in children.reversed() { pending.append(child.node) }
        }
    }

    /// Inodes in the image.
    var inodeCount: Int { order.count }

    private mutating func place(_ number: Int) {
        let node = tree.nodes[number]
        let size = directories[number]?.size ?? node.target.count
        let head = ErofsFormat.inodeSize + ErofsFormat.attributesSize(node.attributes)
        let blockSize = ErofsFormat.blockSize
        let tail = size % blockSize
        // Data behind an inode must be in one block with it.
        let isInline = tail > 0 && head + tail <= blockSize
        let length = head + (isInline ? tail : 0)
        let room = blockSize - inodeBytes % blockSize
        if length > room, length <= blockSize || room < ErofsFormat.inodeSize { inodeBytes += room }
        let blocks = isInline ? size / blockSize : (size + blockSize - 1) / blockSize
        places[number] = Place(
            offset: inodeBytes, layout: isInline ? .inline : .plain, tail: isInline ? tail : 0, size: size,
            firstBlock: contentBlocks, isPlaced: true)
        contentBlocks += blocks
        inodeBytes += (length + ErofsFormat.slotSize - 1) / ErofsFormat.slotSize * ErofsFormat.slotSize
        order.append(number)
    }

    private func inodeNumber(_ node: Int) -> UInt64 {
        UInt64(places[node].offset / ErofsFormat.slotSize)
    }

    /// Writes the metadata at the file's current block.
    func write(to file: BlockFile) throws(ArchiveError) {
        let blockSize = ErofsFormat.blockSize
        let contentsStart = file.block + UInt64((inodeBytes + blockSize - 1) / blockSize)
        var inodes: [UInt8] = []
        inodes.reserveCapacity(inodeBytes)
        var contents: [UInt8] = []
        for (index, number) in order.enumerated() {
            let place = places[number]
            inodes.append(contentsOf: repeatElement(0, count: place.offset - inodes.count))
            let node = tree.nodes[number]
            let isMetadata = place.size > 0
            let startBlock = isMetadata ? UInt32(contentsStart) + UInt32(place.firstBlock) : node.startBlock
            ErofsFormat.append(
                ErofsFormat.Inode(
                    node: node, number: UInt32(index + 1), layout: place.layout,
                    size: isMetadata ? UInt64(place.size) : node.size, startBlock: startBlock,
                    linkCount: linkCount(number)),
                to: &inodes)
            guard isMetadata else { continue }
            let bytes = directories[number]?.serialized(number: inodeNumber) ?? node.target
            inodes.append(contentsOf: bytes.suffix(place.tail))
            contents.append(contentsOf: bytes.dropLast(place.tail))
            contents.pad(to: blockSize)
        }
        inodes.pad(to: blockSize)
        try file.append(inodes)
        try file.append(contents)
    }

    /// A directory's own `.`, its name, and a `..` in each directory below it.
    private func linkCount(_ number: Int) -> UInt32 {
        guard let directory = directories[number] else { return tree.nodes[number].linkCount }
        return UInt32(directory.entries.count { $0.kind == .directory })
    }
}
