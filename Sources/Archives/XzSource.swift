import CLzma

/// The uncompressed bytes of an xz stream, or of several one after the other.
///
/// Source: lzma/container.h. A dictionary over 128 MiB is refused, since it is memory that a few bytes of input ask for.
final class XzSource: ByteSource {
    private static let library = lzma_library_load()
    private static let memoryLimit: UInt64 = 160 << 20

    private let source: any ByteSource
    private let stream: UnsafeMutablePointer<lzma_flow>
    private var guardian: ExpansionGuard
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var input = 0..<0
    private var hasNoMore = false
    private var isAtEnd = false

    /// - Throws: `ArchiveError.missingLibrary` where liblzma is not installed.
    init(_ source: any ByteSource, limits: InflateLimits) throws(ArchiveError) {
        guard Self.library.is_loaded != 0 else { throw .missingLibrary(format: "xz", package: "liblzma5") }
        guard let made = withUnsafePointer(to: Self.library, { lzma_new($0, Self.memoryLimit) }) else {
            throw .corruptCompression(format: "xz", offset: 0, reason: "liblzma could not start: no memory")
        }
        self.source = source
        stream = made
        guardian = ExpansionGuard(limits: limits)
    }

    deinit {
        withUnsafePointer(to: Self.library) { lzma_free($0, stream) }
        buffer.deallocate()
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        while !isAtEnd, !target.isEmpty {
            if input.isEmpty, !hasNoMore {
                let count = try source.read(into: buffer)
                input = 0..<count
                hasNoMore = count == 0
            }
            let given = try decompress(into: target)
            guardian.produced += UInt64(given)
            try guardian.check()
            if given > 0 { return given }
        }
        return 0
    }

    private func decompress(into target: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        var (taken, given) = (0, 0)
        let answer = withUnsafePointer(to: Self.library) { library in
            lzma_decompress(
                library, stream, buffer.baseAddress.map { $0 + input.lowerBound }, input.count, &taken,
                target.baseAddress, target.count, &given, hasNoMore ? 1 : 0)
        }
        input = (input.lowerBound + taken)..<input.upperBound
        guardian.consumed += UInt64(taken)
        switch answer {
        case lzma_ok: break
        case lzma_stream_end: isAtEnd = true
        case lzma_no_progress:
            if hasNoMore { throw damaged("it ends in the middle") }
        case lzma_memory_limit: throw damaged("it needs more than \(Self.memoryLimit) bytes of memory")
        default: throw damaged("liblzma answers \(answer)")
        }
        return given
    }

    private func damaged(_ reason: String) -> ArchiveError {
        .corruptCompression(format: "xz", offset: guardian.consumed, reason: reason)
    }
}
