import CZlib
import Linux

/// Writes a gzip stream to a file.
///
/// Equal input gives equal bytes: the header has no name and no time.
package final class GzipWriter {
    private let descriptor: SharedDescriptor
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    // Held by address: zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    /// Compressed bytes written so far.
    package private(set) var written: UInt64 = 0

    /// - Parameters:
    ///   - descriptor: where the stream goes, from its position on.
    ///   - level: 1 for the fastest to 9 for the smallest.
    package init(_ descriptor: SharedDescriptor, level: Int32 = 1) throws(ArchiveError) {
        self.descriptor = descriptor
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .interrupted("zlib could not start (\(status))") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Compresses bytes.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: piece.baseAddress?.assumingMemoryBound(to: Bytef.self))
            stream.pointee.avail_in = UInt32(piece.count)
            while stream.pointee.avail_in > 0 { _ = try run(Z_NO_FLUSH) }
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Ends the stream.
    package func finish() throws(ArchiveError) {
        while try run(Z_FINISH) != Z_STREAM_END {}
    }

    private func run(_ flush: Int32) throws(ArchiveError) -> Int32 {
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(output.count)
        let status = deflate(stream, flush)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw .interrupted("zlib failed to compress (\(status))")
        }
        let count = output.count - Int(stream.pointee.avail_out)
        do {
            try descriptor.writeAll(UnsafeRawBufferPointer(rebasing: output[..<count]))
        } catch {
            throw .system(error)
        }
        written += UInt64(count)
        return status
    }
}
