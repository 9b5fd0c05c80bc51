import CZlib

/// The uncompressed bytes of a gzip stream, of one member or several.
///
/// Source: RFC 1952; zlib.h, `inflateInit2` with gzip decoding.
package final class GzipSource: ByteSource {
    private let source: any ByteSource
    private var guardian: ExpansionGuard
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    // Held by address: zlib keeps a pointer to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isBetweenMembers = false
    private var isAtEnd = false

    package init(_ source: any ByteSource, limits: InflateLimits = .init()) throws(ArchiveError) {
        self.source = source
        guardian = ExpansionGuard(limits: limits)
        stream.initialize(to: z_stream())
        let gzipOnly = 16 + MAX_WBITS
        let status = inflateInit2_(stream, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            throw .corruptCompression(format: "gzip", offset: 0, reason: "zlib could not start (\(status))")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard !isAtEnd, !buffer.isEmpty else { return 0 }
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(clamping: buffer.count)
        let asked = Int(stream.pointee.avail_out)
        while Int(stream.pointee.avail_out) == asked, !isAtEnd {
            if stream.pointee.avail_in == 0, try !refill() { break }
            try inflateOnce()
        }
        let count = asked - Int(stream.pointee.avail_out)
        guardian.produced += UInt64(count)
        try guardian.check()
        return count
    }

    /// Reads more compressed bytes; false at the end of the source, where that is allowed.
    private func refill() throws(ArchiveError) -> Bool {
        let count = try source.read(into: input)
        if count == 0 {
            guard isBetweenMembers else {
                throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: "it ends in the middle")
            }
            isAtEnd = true
            return false
        }
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_in = UInt32(count)
        return true
    }

    private func inflateOnce() throws(ArchiveError) {
        if isBetweenMembers {
            // Some writers pad the file with zeros; gzip(1) passes over them.
            if stream.pointee.next_in?.pointee == 0 {
                stream.pointee.avail_in = 0
                return
            }
            inflateReset(stream)
            isBetweenMembers = false
        }
        let before = stream.pointee.avail_in
        let status = inflate(stream, Z_NO_FLUSH)
        guardian.consumed += UInt64(before - stream.pointee.avail_in)
        switch status {
        case Z_OK, Z_BUF_ERROR: return
        case Z_STREAM_END: isBetweenMembers = true
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(status)"
            throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: reason)
        }
    }
}
