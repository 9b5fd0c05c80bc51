/// The uncompressed bytes of a gzip stream, of one member or several.
///
/// By ISA-L where it is installed, else by zlib. Source: RFC 1952.
package final class GzipSource: ByteSource {
    private let source: any ByteSource
    private let decoder: any GzipDecoder
    private var guardian: ExpansionGuard
    /// A decoder may give bytes back that it had taken, also of the piece before: so the last ones of that piece stay in
    /// front of the new one.
    private static let headroom = 64
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: headroom + 1 << 18, alignment: 64)
    private var inputEnd = headroom
    /// Compressed bytes that the decoder was given so far.
    private var supplied: UInt64 = 0
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
            guard count > 0 || before == 0 || decoder.inputLeft < before || decoder.isAtMemberEnd else {
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
        let kept = UnsafeRawBufferPointer(rebasing: input[(inputEnd - Self.headroom)..<inputEnd])
        UnsafeMutableRawBufferPointer(rebasing: input[..<Self.headroom]).copyMemory(from: kept)
        inputEnd = Self.headroom
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: input[Self.headroom...]))
        if count == 0 {
            guard decoder.isAtMemberEnd else {
                throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: "it ends in the middle")
            }
            isAtEnd = true
            return false
        }
        inputEnd += count
        supplied += UInt64(count)
        decoder.setInput(UnsafeRawBufferPointer(rebasing: input[Self.headroom..<inputEnd]))
        return true
    }

    private func inflateOnce(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if decoder.isAtMemberEnd {
            // Some writers pad the file with zeros; gzip(1) passes over them.
            if decoder.nextByte == 0 {
                decoder.skipZeros()
                return 0
            }
            decoder.reset()
        }
        defer { noteConsumed() }
        do throws(GzipDamage) {
            return try decoder.inflate(into: buffer)
        } catch {
            noteConsumed()
            throw .corruptCompression(format: "gzip", offset: guardian.consumed, reason: error.reason)
        }
    }

    private func noteConsumed() {
        let left = UInt64(decoder.inputLeft)
        guardian.consumed = supplied > left ? supplied - left : 0
    }
}
