/// The blocks of one directory: in each, entries of fixed size, then their names.
///
/// Names ascend by their bytes over the whole directory, `.` and `..` among them, so that the kernel can search by
/// halves.
struct ErofsDirectory {
    /// One name in the directory.
    struct Entry {
        var name: [UInt8]
        var node: Int
        var kind: EntryKind
    }

    let entries: [Entry]
    /// How many entries each block has.
    private let blockCounts: [Int]
    /// Bytes of the directory; the last block counts as far as it is filled.
    let size: Int

    init(children: [(name: [UInt8], node: Int)], own: Int, parent: Int, nodes: [LayerTree.Node]) {
        var entries = children.map { Entry(name: $0.name, node: $0.node, kind: nodes[$0.node].kind) }
        let dot = UInt8(ascii: ".")
        for special in [
            Entry(name: [dot], node: own, kind: .directory), Entry(name: [dot, dot], node: parent, kind: .directory),
        ] {
            let place = entries.firstIndex { special.name.lexicographicallyPrecedes($0.name) } ?? entries.endIndex
            entries.insert(special, at: place)
        }
        var counts: [Int] = []
        var used = 0
        var count = 0
        for entry in entries {
            let cost = ErofsFormat.direntSize + entry.name.count
            if used + cost > ErofsFormat.blockSize {
                counts.append(count)
                used = 0
                count = 0
            }
            used += cost
            count += 1
        }
        size = counts.count * ErofsFormat.blockSize + used
        blockCounts = counts + [count]
        self.entries = entries
    }

    /// The directory's bytes, once inode numbers are known.
    func serialized(number: (Int) -> UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        var rest = entries[...]
        for count in blockCounts {
            bytes.pad(to: ErofsFormat.blockSize)
            let block = rest.prefix(count)
            rest = rest.dropFirst(count)
            var nameOffset = count * ErofsFormat.direntSize
            for entry in block {
                bytes.append(little: number(entry.node))
                bytes.append(little: UInt16(truncatingIfNeeded: nameOffset))
                bytes.append(ErofsFormat.direntType(entry.kind))
                bytes.append(0)
                nameOffset += entry.name.count
            }
            for entry in block { bytes.append(contentsOf: entry.name) }
        }
        return bytes
    }
}
