import CZstd

/// The uncompressed bytes of a zstd stream, of one frame or several.
///
/// Source: RFC 8878; zstd.h, "Streaming decompression". A window over 128 MiB is refused, as zstd(1) does without
/// `--long`, since it is memory that a few bytes of input ask for.
final class ZstdSource: ByteSource {
    private static let library = zstd_library_load()
    private static let windowLog: Int32 = 27

    private let source: any ByteSource
    private let context: OpaquePointer
    private var guardian: ExpansionGuard
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var input = zstd_input()
    private var isBetweenFrames = false
    private var isAtEnd = false

    /// - Throws: `ArchiveError.missingLibrary` where libzstd is not installed.
    init(_ source: any ByteSource, limits: InflateLimits) throws(ArchiveError) {
        guard Self.library.is_loaded != 0 else { throw .missingLibrary(format: "zstd", package: "libzstd1") }
        let made = withUnsafePointer(to: Self.library) { zstd_new($0, Self.windowLog) }
        guard let made else {
            throw .corruptCompression(format: "zstd", offset: 0, reason: "libzstd could not start: no memory")
        }
        self.source = source
        context = made
        guardian = ExpansionGuard(limits: limits)
        input.bytes = UnsafeRawPointer(buffer.baseAddress)
    }

    deinit {
        withUnsafePointer(to: Self.library) { zstd_free($0, context) }
        buffer.deallocate()
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard !isAtEnd, !target.isEmpty else { return 0 }
        var output = zstd_output(bytes: target.baseAddress, size: target.count, position: 0)
        while output.position == 0, !isAtEnd {
            // The decoder may hold output back for which it needs no more input.
            if input.position == input.size, isBetweenFrames || !isHoldingOutput, try !refill() { break }
            try decompress(&output)
        }
        guardian.produced += UInt64(output.position)
        try guardian.check()
        return output.position
    }

    /// Whether the last call filled its output, so that more may follow without input.
    private var isHoldingOutput = false

    private func refill() throws(ArchiveError) -> Bool {
        let count = try source.read(into: buffer)
        if count == 0 {
            guard isBetweenFrames else {
                throw .corruptCompression(
                    format: "zstd", offset: guardian.consumed, reason: "it ends in the middle")
            }
            isAtEnd = true
            return false
        }
        input.size = count
        input.position = 0
        return true
    }

    private func decompress(_ output: inout zstd_output) throws(ArchiveError) {
        let before = input.position
        let status = withUnsafePointer(to: Self.library) { zstd_decompress($0, context, &output, &input) }
        guardian.consumed += UInt64(input.position - before)
        if let reason = withUnsafePointer(to: Self.library, { zstd_error($0, status) }) {
            throw .corruptCompression(format: "zstd", offset: guardian.consumed, reason: String(cString: reason))
        }
        isBetweenFrames = status == 0
        isHoldingOutput = output.position == output.size
    }
}

/// Stops a compressed stream that expands too far.
struct ExpansionGuard {
    let limits: InflateLimits
    /// Compressed bytes that were used.
    var consumed: UInt64 = 0
    /// Bytes that came out.
    var produced: UInt64 = 0

    init(limits: InflateLimits) {
        self.limits = limits
    }

    func check() throws(ArchiveError) {
        let (product, overflow) = consumed.multipliedReportingOverflow(by: limits.ratio)
        let byRatio = max(limits.freeBytes, overflow ? .max : product)
        guard produced > min(byRatio, limits.maximumBytes) else { return }
        let rule =
            produced > limits.maximumBytes
            ? "\(limits.maximumBytes) bytes are the limit of one stream"
            : "beyond \(limits.freeBytes) bytes, \(limits.ratio) times the compressed size is the limit"
        throw .limit(
            entry: nil, offset: produced,
            reason: "\(consumed) compressed bytes expand to more than \(produced); \(rule), since this looks like a "
                + "decompression bomb")
    }
}
