import Linux

/// A file that is written from its start to its end, in large pieces, with holes.
final class BlockFile {
    /// Bytes of a block; EROFS images here always have the page size of common machines.
    static let blockSize = 4096

    private let descriptor: SharedDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    private var filled = 0
    /// Where the next byte goes.
    private(set) var position: UInt64 = 0

    init(_ descriptor: SharedDescriptor) {
        self.descriptor = descriptor
    }

    deinit {
        buffer.deallocate()
    }

    /// The number of the block at `position`, which must be at a block's start.
    var block: UInt64 { position / UInt64(Self.blockSize) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        position += UInt64(bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(rest.count, buffer.count - filled)
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: piece)
            filled += count
            rest = rest.dropFirst(count)
            if filled == buffer.count { try flush() }
        }
    }

    func append(_ bytes: [UInt8]) throws(ArchiveError) {
        var failure: ArchiveError?
        bytes.withUnsafeBytes { raw in
            do throws(ArchiveError) { try append(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Fills the block up with zeros.
    func align() throws(ArchiveError) {
        let over = Int(position % UInt64(Self.blockSize))
        guard over > 0 else { return }
        try append([UInt8](repeating: 0, count: Self.blockSize - over))
    }

    /// Leaves zeros that take no room on the disk.
    func skip(_ count: UInt64) throws(ArchiveError) {
        let small = UInt64(64 << 10)
        if count <= small {
            try append([UInt8](repeating: 0, count: Int(count)))
            return
        }
        try flush()
        position += count
        do {
            try descriptor.seek(Int64(position))
        } catch {
            throw .system(error)
        }
    }

    /// Hands everything to the kernel.
    func flush() throws(ArchiveError) {
        guard filled > 0 else { return }
        do {
            try descriptor.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
        } catch {
            throw .system(error)
        }
        filled = 0
    }

    /// Ends the file at the position, and writes over a place that was left out before.
    func finish(overwriting bytes: [UInt8], at offset: Int64) throws(ArchiveError) {
        try flush()
        do {
            try descriptor.truncate(to: Int64(position))
            try descriptor.pwriteAll(bytes, at: offset)
        } catch {
            throw .system(error)
        }
    }
}
