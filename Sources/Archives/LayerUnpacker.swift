import Linux

/// Makes a directory tree of a written layer, for kernels that cannot mount it.
///
/// The tree's names were checked when it was built and the target is ours alone, so that no name can lead elsewhere.
package struct LayerUnpacker {
    private let tree: LayerTree
    private let image: SharedDescriptor
    private let root: SharedDescriptor
    private let buffer: UnsafeMutableRawBufferPointer

    /// Unpacks into an empty directory.
    ///
    /// - Parameters:
    ///   - image: the EROFS image, open for reading.
    ///   - root: the empty directory.
    package static func unpack(
        _ tree: LayerTree, image: SharedDescriptor, into root: SharedDescriptor
    ) throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        let unpacker = LayerUnpacker(tree: tree, image: image, root: root, buffer: buffer)
        try unpacker.run()
    }

    private func run() throws(SystemError) {
        var made: [Int: [UInt8]] = [LayerTree.root: [UInt8(ascii: ".")]]
        var directories: [(node: Int, path: [UInt8])] = [(LayerTree.root, [UInt8(ascii: ".")])]
        var next = 0
        while next < directories.count {
            let directory = directories[next]
            next += 1
            for child in tree.sortedChildren(of: directory.node) {
                let path = directory.path + [UInt8(ascii: "/")] + child.name
                if let first = made[child.node] {
                    try Files.link(absolute(first), at: absolute(path))
                    continue
                }
                made[child.node] = path
                let node = tree.nodes[child.node]
                try make(node, at: path)
                if node.kind == .directory {
                    directories.append((child.node, path))
                } else {
                    try describe(node, at: path)
                }
            }
        }
        // Making an entry changes its directory's time, so that directories come last, deepest first.
        for directory in directories.reversed() { try describe(tree.nodes[directory.node], at: directory.path) }
    }

    private func make(_ node: LayerTree.Node, at path: [UInt8]) throws(SystemError) {
        switch node.kind {
        case .directory: try Files.makeDirectory(path, mode: 0o700, at: root.raw)
        case .symbolicLink: try Files.symlink(node.target, at: path, in: root.raw)
        case .fifo: try Files.makeFIFO(path, mode: 0o600, at: root.raw)
        case .characterDevice, .blockDevice:
            let kind: FileKind = node.kind == .blockDevice ? .blockDevice : .characterDevice
            try Files.makeDevice(path, kind: kind, mode: 0o600, device: node.device, at: root.raw)
        case .regular, .hardLink: try copyContents(node, to: path)
        }
    }

    private func copyContents(_ node: LayerTree.Node, to path: [UInt8]) throws(SystemError) {
        let file = try Files.open(path, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, at: root.raw)
        var offset = Int64(node.startBlock) * Int64(BlockFile.blockSize)
        var left = node.size
        while left > 0 {
            let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
            let count = try image.pread(into: window, at: offset)
            guard count > 0 else { throw SystemError(call: "pread", errno: .EIO, subject: "the layer's image") }
            try file.writeAll(UnsafeRawBufferPointer(rebasing: window.prefix(count)))
            offset += Int64(count)
            left -= UInt64(count)
        }
    }

    /// Owner first, since changing it clears set-id bits and capabilities.
    private func describe(_ node: LayerTree.Node, at path: [UInt8]) throws(SystemError) {
        try Files.chown(path, uid: node.userID, gid: node.groupID, at: root.raw)
        if node.kind != .symbolicLink { try Files.chmod(path, mode: UInt32(node.mode), at: root.raw) }
        for attribute in node.attributes {
            try ExtendedAttributes.set(absolute(path), attribute.name, attribute.value)
        }
        try Files.setTimes(path, modified: node.modified, at: root.raw)
    }

    /// A path for calls that take no directory descriptor.
    private func absolute(_ path: [UInt8]) -> [UInt8] {
        Array("/proc/self/fd/\(root.raw)/".utf8) + path
    }
}
