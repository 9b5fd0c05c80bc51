import Archives
import Linux

/// Reads an EROFS image again, as a kernel does, and compares it with the tree it was made of.
///
/// Written from the kernel's Documentation/filesystems/erofs.rst and not from the writer, so that both can be wrong
/// only where the format was misread.
struct ErofsCheck {
    private let image: SharedDescriptor
    private let size: UInt64
    private let blockSize: UInt64 = 4096

    init(image: SharedDescriptor, size: UInt64) {
        self.image = image
        self.size = size
    }

    private struct Inode {
        var number: UInt64
        var kind: UInt16
        var permissions: UInt16
        var size: UInt64
        var block: UInt32
        var userID: UInt32
        var groupID: UInt32
        var seconds: Int64
        var nanoseconds: UInt32
        var links: UInt32
        /// Where what follows the inode and its attributes is.
        var tail: UInt64
        var isInline: Bool
    }

    func compare(with tree: LayerTree) throws {
        let superblock = try read(1024, 128)
        try require(superblock.number(0, 4) == 0xE0F5_E1E2, "the superblock's mark is wrong")
        try require(superblock.number(36, 4) * blockSize == size, "the image has other blocks than it says")
        let metadata = superblock.number(40, 4) * blockSize
        var places: [Int: UInt64] = [:]
        var pending: [(node: Int, number: UInt64, path: [UInt8])] = [(LayerTree.root, superblock.number(14, 2), [])]
        while let (node, number, path) = pending.popLast() {
            // Names of one file lead to one inode.
            if let known = places[node] {
                try require(known == number, "the links of `\(path.text)` lead to two inodes")
                continue
            }
            places[node] = number
            let inode = try self.inode(number, at: metadata)
            try compare(inode, with: tree.nodes[node], at: path)
            guard tree.nodes[node].kind == .directory else { continue }
            let expected = tree.sortedChildren(of: node)
            var found = try entries(of: inode)
            let names = found.map(\.name)
            try require(
                zip(names, names.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) },
                "the names in `\(path.text)` do not ascend")
            let own = found.first { $0.name.elementsEqual(".".utf8) }
            let parent = found.first { $0.name.elementsEqual("..".utf8) }
            try require(
                own?.number == number && parent?.number == places[tree.nodes[node].parent],
                "`.` or `..` of `\(path.text)` leads elsewhere")
            found.removeAll { $0.name.elementsEqual(".".utf8) || $0.name.elementsEqual("..".utf8) }
            try require(found.map(\.name) == expected.map(\.name), "`\(path.text)` has other names")
            for (entry, child) in zip(found, expected) {
                pending.append((child.node, entry.number, path + [UInt8(ascii: "/")] + entry.name))
            }
        }
        try require(UInt64(places.count) == superblock.number(16, 8), "the image has other inodes than it says")
    }

    private func compare(_ inode: Inode, with node: LayerTree.Node, at path: [UInt8]) throws {
        let kinds: [EntryKind: UInt16] = [
            .fifo: 1, .characterDevice: 2, .directory: 4, .blockDevice: 6, .regular: 8, .symbolicLink: 10,
        ]
        let isSame =
            inode.kind == kinds[node.kind] && inode.permissions == node.mode && inode.userID == node.userID
            && inode.groupID == node.groupID && inode.seconds == node.modified.seconds
            && inode.nanoseconds == UInt32(node.modified.nanoseconds)
        try require(isSame, "`\(path.text)` is \(inode), and was \(node)")
        switch node.kind {
        case .directory: break
        case .symbolicLink:
            try require(try contents(of: inode) == node.target, "the link `\(path.text)` leads elsewhere")
            fallthrough
        default:
            try require(inode.links == node.linkCount, "`\(path.text)` has \(inode.links) links")
        }
        if node.kind == .regular {
            let end = UInt64(inode.block) * blockSize + inode.size
            try require(inode.size == node.size && (inode.size == 0 || end <= size), "the size of `\(path.text)`")
        }
    }

    private func inode(_ number: UInt64, at metadata: UInt64) throws -> Inode {
        let place = metadata + number * 32
        let bytes = try read(place, 64)
        let format = bytes.number(0, 2)
        try require(format & 1 == 1, "inode \(number) is no 64-byte inode")
        let attributes = bytes.number(2, 2)
        let tail = place + 64 + (attributes == 0 ? 0 : 12 + 4 * (attributes - 1))
        let isInline = format >> 1 == 2
        let inode = Inode(
            number: number, kind: UInt16(bytes.number(4, 2) >> 12), permissions: UInt16(bytes.number(4, 2) & 0xFFF),
            size: bytes.number(8, 8), block: UInt32(bytes.number(16, 4)), userID: UInt32(bytes.number(24, 4)),
            groupID: UInt32(bytes.number(28, 4)), seconds: Int64(bitPattern: bytes.number(32, 8)),
            nanoseconds: UInt32(bytes.number(40, 4)), links: UInt32(bytes.number(44, 4)), tail: tail,
            isInline: isInline)
        if isInline {
            let end = tail + inode.size % blockSize
            try require(tail / blockSize == (end - 1) / blockSize, "the tail of inode \(number) crosses a block")
        }
        return inode
    }

    private func contents(of inode: Inode) throws -> [UInt8] {
        let whole = inode.isInline ? inode.size / blockSize * blockSize : inode.size
        let bytes = try read(UInt64(inode.block) * blockSize, whole)
        return inode.isInline ? bytes + (try read(inode.tail, inode.size - whole)) : bytes
    }

    private func entries(of directory: Inode) throws -> [(name: [UInt8], number: UInt64)] {
        let bytes = try contents(of: directory)
        var found: [([UInt8], UInt64)] = []
        var start = 0
        while start < bytes.count {
            let block = Array(bytes[start..<min(bytes.count, start + Int(blockSize))])
            start += Int(blockSize)
            let count = Int(block.number(8, 2)) / 12
            try require(count > 0 && count * 12 <= block.count, "a block of a directory has \(count) entries")
            for index in 0..<count {
                let from = Int(block.number(index * 12 + 8, 2))
                let to = index + 1 < count ? Int(block.number(index * 12 + 20, 2)) : block.count
                try require(from < to && to <= block.count, "a name of a directory is outside its block")
                // What is left of a block behind its last name is zeros.
                found.append((Array(block[from..<to].prefix { $0 != 0 }), block.number(index * 12, 8)))
            }
        }
        return found
    }

    private func read(_ offset: UInt64, _ count: UInt64) throws -> [UInt8] {
        guard count > 0 else { return [] }
        try require(offset <= size && count <= size - offset, "\(count) bytes at \(offset) are outside the image")
        var bytes = [UInt8](repeating: 0, count: Int(count))
        var done = 0
        while done < bytes.count {
            let got = try bytes.withUnsafeMutableBytes { raw in
                try image.pread(
                    into: UnsafeMutableRawBufferPointer(rebasing: raw[done...]), at: Int64(offset) + Int64(done))
            }
            try require(got > 0, "the image ends early")
            done += got
        }
        return bytes
    }
}

extension [UInt8] {
    /// The little-endian number of `size` bytes at `offset`.
    fileprivate func number(_ offset: Int, _ size: Int) -> UInt64 {
        self[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
