import Linux

/// The parts of the EROFS on-disk format that are written here.
///
/// Source: the kernel's Documentation/filesystems/erofs.rst. Inodes are always the 64-byte form, which has nanosecond
/// times and 32-bit owners. Nothing is compressed, so that every kernel since 5.4 reads the image.
enum ErofsFormat {
    static let blockSize = BlockFile.blockSize
    /// Inode numbers count these from the start of the metadata area.
    static let slotSize = 32
    static let inodeSize = 64
    static let superblockOffset = 1024
    static let direntSize = 12

    /// Where an inode's contents are.
    enum Layout: UInt16 {
        /// In blocks of their own.
        case plain = 0
        /// Whole blocks apart, the rest behind the inode.
        case inline = 2
    }

    /// Bytes of an inode's extended attributes, header included; nil when they do not fit the format.
    static func attributesSize(_ attributes: [ExtendedAttribute]) -> Int {
        let bytes = attributes.reduce(0) { sum, attribute in
            guard let place = attributePlace(attribute.name) else { return sum }
            return sum + (4 + place.suffix.utf8.count + attribute.value.count + 3) / 4 * 4
        }
        return bytes == 0 ? 0 : 12 + bytes
    }

    /// The number of a name's prefix, and the rest of the name; nil for a prefix the format does not know.
    private static func attributePlace(_ name: String) -> (index: UInt8, suffix: String)? {
        if name == "system.posix_acl_access" { return (2, "") }
        if name == "system.posix_acl_default" { return (3, "") }
        for (prefix, index) in [("user.", 1), ("trusted.", 4), ("security.", 6)] as [(String, UInt8)]
        where name.hasPrefix(prefix) {
            return (index, String(name.dropFirst(prefix.count)))
        }
        return nil
    }

    static func appendAttributes(_ attributes: [ExtendedAttribute], to bytes: inout [UInt8]) {
        guard attributesSize(attributes) > 0 else { return }
        bytes.append(contentsOf: repeatElement(0, count: 12))
        for attribute in attributes {
            guard let place = attributePlace(attribute.name) else { continue }
            let start = bytes.count
            bytes.append(UInt8(truncatingIfNeeded: place.suffix.utf8.count))
            bytes.append(place.index)
            bytes.append(little: UInt16(truncatingIfNeeded: attribute.value.count))
            bytes.append(contentsOf: place.suffix.utf8)
            bytes.append(contentsOf: attribute.value)
            bytes.append(contentsOf: repeatElement(0, count: (4 - (bytes.count - start) % 4) % 4))
        }
    }

    /// What the node's inode records.
    struct Inode {
        var node: LayerTree.Node
        var number: UInt32
        var layout: Layout
        var size: UInt64
        var startBlock: UInt32
        var linkCount: UInt32
    }

    static func append(_ inode: Inode, to bytes: inout [UInt8]) {
        let node = inode.node
        let attributes = attributesSize(node.attributes)
        bytes.append(little: 1 | inode.layout.rawValue << 1)
        bytes.append(little: attributes == 0 ? UInt16(0) : UInt16(truncatingIfNeeded: (attributes - 12) / 4 + 1))
        bytes.append(little: fileType(node.kind) << 12 | node.mode)
        bytes.append(little: UInt16(0))
        bytes.append(little: inode.size)
        switch node.kind {
        case .characterDevice, .blockDevice: bytes.append(little: encoded(node.device))
        default: bytes.append(little: inode.startBlock)
        }
        bytes.append(little: inode.number)
        bytes.append(little: node.userID)
        bytes.append(little: node.groupID)
        bytes.append(little: node.modified.seconds)
        bytes.append(little: node.modified.nanoseconds)
        bytes.append(little: inode.linkCount)
        bytes.append(contentsOf: repeatElement(0, count: 16))
        appendAttributes(node.attributes, to: &bytes)
    }

    /// The kernel's encoding of device numbers with 12 bits of major and 20 of minor.
    private static func encoded(_ device: DeviceNumber) -> UInt32 {
        device.minor & 0xff | device.major << 8 | (device.minor & ~0xff) << 12
    }

    /// The top four bits of `st_mode`.
    private static func fileType(_ kind: EntryKind) -> UInt16 {
        switch kind {
        case .fifo: 1
        case .characterDevice: 2
        case .directory: 4
        case .blockDevice: 6
        case .regular, .hardLink: 8
        case .symbolicLink: 10
        }
    }

    /// The type of a directory entry.
    static func direntType(_ kind: EntryKind) -> UInt8 {
        switch kind {
        case .regular, .hardLink: 1
        case .directory: 2
        case .characterDevice: 3
        case .blockDevice: 4
        case .fifo: 5
        case .symbolicLink: 7
        }
    }

    /// The first block: 1,024 bytes for a boot loader, then the superblock with its checksum.
    static func firstBlock(rootNumber: UInt16, inodes: UInt64, blocks: UInt32, metadataBlock: UInt32) -> [UInt8] {
        let hasChecksum: UInt32 = 1
        let hasModificationTimes: UInt32 = 2
        var block: [UInt8] = []
        block.append(little: UInt32(0xE0F5_E1E2))
        block.append(little: UInt32(0))
        block.append(little: hasChecksum | hasModificationTimes)
        block.append(12)
        block.append(0)
        block.append(little: rootNumber)
        block.append(little: inodes)
        // Build time: fixed, since equal input gives an equal image.
        block.append(little: UInt64(0))
        block.append(little: UInt32(0))
        block.append(little: blocks)
        block.append(little: metadataBlock)
        block.append(little: UInt32(0))
        block.append(contentsOf: repeatElement(0, count: blockSize - superblockOffset - block.count))
        let checksum = CRC32C.checksum(block)
        withUnsafeBytes(of: checksum.littleEndian) { block.replaceSubrange(4..<8, with: $0) }
        return [UInt8](repeating: 0, count: superblockOffset) + block
    }
}
