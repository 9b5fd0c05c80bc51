import Linux

/// A file that is written from its second block to its end, in large pieces, with holes; its first block comes last.
final class BlockFile {
    /// Bytes of a block; EROFS images here always have the page size of common machines.
    static let blockSize = 4096

    /// Bytes from which a piece is written as it is.
    private static let directSize = 256 << 10

    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)

    private let descriptor: SharedDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    private var filled = 0
    private var writeback = Writeback()
    /// Of what was written, and of the first block after the last.
    private(set) var checksum = XXHash64()
    /// Where the next byte goes.
    private(set) var position = UInt64(blockSize)

    /// - Parameter descriptor: an empty file.
    init(_ descriptor: SharedDescriptor) throws(ArchiveError) {
        self.descriptor = descriptor
        do {
            try descriptor.seek(Int64(position))
        } catch {
            throw .system(error)
        }
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
            // What would fill the buffer by itself need not pass through it.
            if filled == 0, rest.count >= Self.directSize { return try write(UnsafeRawBufferPointer(rebasing: rest)) }
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
        if over > 0 { try appendZeros(Self.blockSize - over) }
    }

    /// Appends at most as many zeros as `zeros` has.
    private func appendZeros(_ count: Int) throws(ArchiveError) {
        var failure: ArchiveError?
        Self.zeros.withUnsafeBytes { raw in
            do throws(ArchiveError) {
                try append(UnsafeRawBufferPointer(rebasing: raw.prefix(count)))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Leaves zeros that take no room on the disk.
    func skip(_ count: UInt64) throws(ArchiveError) {
        if count <= UInt64(Self.zeros.count) { return try appendZeros(Int(count)) }
        try flush()
        position += count
        var left = count
        Self.zeros.withUnsafeBytes { raw in
            while left > 0 {
                let piece = raw.prefix(Int(clamping: left))
                checksum.update(UnsafeRawBufferPointer(rebasing: piece))
                left -= UInt64(piece.count)
            }
        }
        do {
            try descriptor.seek(Int64(position))
        } catch {
            throw .system(error)
        }
    }

    /// Hands everything to the kernel.
    func flush() throws(ArchiveError) {
        let count = filled
        guard count > 0 else { return }
        filled = 0
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Writes what ends at the position.
    private func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        checksum.update(bytes)
        do {
            try descriptor.writeAll(bytes)
        } catch {
            throw .system(error)
        }
        writeback.reached(Int64(position), of: descriptor)
    }

    /// Ends the file at the position, and writes its first block.
    func finish(firstBlock: [UInt8]) throws(ArchiveError) {
        try flush()
        firstBlock.withUnsafeBytes { checksum.update($0) }
        do {
            try descriptor.truncate(to: Int64(position))
            try descriptor.pwriteAll(firstBlock, at: 0)
        } catch {
            throw .system(error)
        }
        writeback.startRest(of: descriptor)
    }

    /// The checksum of a finished file.
    static func checksum(of descriptor: SharedDescriptor) throws(SystemError) -> XXHash64 {
        var checksum = XXHash64()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var offset = Int64(blockSize)
        while true {
            let count = try descriptor.pread(into: buffer, at: offset)
            if count == 0 { break }
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
            offset += Int64(count)
        }
        let first = try descriptor.pread(upTo: blockSize, at: 0)
        first.withUnsafeBytes { checksum.update($0) }
        return checksum
    }
}
