/// The uncompressed bytes of a gzip stream, of one member or several.
///
/// By ISA-L where it is installed, else by zlib. Source: RFC 1952.
package final class GzipSource: ByteSource {
    private let source: any ByteSource
    private let decoder: any GzipDecoder
    private var guardian: ExpansionGuard
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var isAtEnd = false

    /// - Parameter usesISAL: false for zlib even where ISA-L is installed.
    package init(_ source: any ByteSource, limits: InflateLimits = .init(), usesISAL: Bool = true) throws(ArchiveError)
    {
        self.source = source
        guardian = ExpansionGuard(limits: limits)
        if usesISAL, ISALDecoder.isUsable, let fast = ISALDecoder() {
            decoder = fast
        } else {
            do throws(GzipDamage) {
                decoder = try ZlibDecoder()
            } catch {
                throw .corruptCompression(format: "gzip", offset: 0, reason: error.reason)
            }
        }
    }

    deinit {
        input.deallocate()
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard !isAtEnd, !buffer.isEmpty else { return 0 }
        var count = 0
        // Output may be held back for which no more input is needed, except at a member's end.
        var mayHoldBack = true
        while count == 0, !isAtEnd {
            if decoder.inputLeft == 0, decoder.isAtMemberEnd || !mayHoldBack, try !refill() { break }
            let before = decoder.inputLeft
            count = try inflateOnce(into: buffer)
            guard count > 0 || before == 0 || decoder.inputLeft < before else {
                throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: "it makes no progress")
            }
            mayHoldBack = false
        }
        guardian.produced += UInt64(count)
        try guardian.check()
        return count
    }

    /// Reads more compressed bytes; false at the end of the source, where that is allowed.
    private func refill() throws(ArchiveError) -> Bool {
        let count = try source.read(into: input)
        if count == 0 {
            guard decoder.isAtMemberEnd else {
                throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: "it ends in the middle")
            }
            isAtEnd = true
            return false
        }
        decoder.setInput(UnsafeRawBufferPointer(rebasing: input.prefix(count)))
        return true
    }

    private func inflateOnce(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if decoder.isAtMemberEnd {
            // Some writers pad the file with zeros; gzip(1) passes over them.
            if decoder.nextByte == 0 {
                decoder.skipInput()
                return 0
            }
            decoder.reset()
        }
        let before = decoder.inputLeft
        defer { guardian.consumed += UInt64(before - decoder.inputLeft) }
        do throws(GzipDamage) {
            return try decoder.inflate(into: buffer)
        } catch {
            throw .corruptCompression(
                format: "gzip", offset: guardian.consumed + UInt64(before - decoder.inputLeft), reason: error.reason)
        }
    }
}
