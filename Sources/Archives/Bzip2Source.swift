import CBzip2

/// The uncompressed bytes of a bzip2 stream, or of several one after the other.
///
/// Source: bzlib.h, "Low-level interface".
final class Bzip2Source: ByteSource {
    private static let library = bzip2_library_load()

    private let source: any ByteSource
    private var stream: UnsafeMutablePointer<bzip2_stream>?
    private var guardian: ExpansionGuard
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var input = 0..<0

    /// - Throws: `ArchiveError.missingLibrary` where libbz2 is not installed.
    init(_ source: any ByteSource, limits: InflateLimits) throws(ArchiveError) {
        guard Self.library.is_loaded != 0 else { throw .missingLibrary(format: "bzip2", package: "libbz2-1.0") }
        self.source = source
        guardian = ExpansionGuard(limits: limits)
        stream = withUnsafePointer(to: Self.library) { bzip2_new($0) }
    }

    deinit {
        withUnsafePointer(to: Self.library) { bzip2_free($0, stream) }
        buffer.deallocate()
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard !target.isEmpty else { return 0 }
        while true {
            if input.isEmpty {
                let count = try source.read(into: buffer)
                // Between two streams is an end.
                if count == 0, stream == nil { return 0 }
                guard count > 0 else { throw damaged("it ends in the middle") }
                input = 0..<count
            }
            if stream == nil { stream = withUnsafePointer(to: Self.library) { bzip2_new($0) } }
            let given = try decompress(into: target)
            guardian.produced += UInt64(given)
            try guardian.check()
            if given > 0 { return given }
        }
    }

    private func decompress(into target: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard let stream else { throw damaged("libbz2 could not start: no memory") }
        var (taken, given) = (UInt32(0), UInt32(0))
        let answer = withUnsafePointer(to: Self.library) { library in
            bzip2_decompress(
                library, stream, buffer.baseAddress.map { $0 + input.lowerBound }, UInt32(input.count), &taken,
                target.baseAddress, UInt32(clamping: target.count), &given)
        }
        input = (input.lowerBound + Int(taken))..<input.upperBound
        guardian.consumed += UInt64(taken)
        if answer == bzip2_stream_end {
            withUnsafePointer(to: Self.library) { bzip2_free($0, stream) }
            self.stream = nil
        } else if answer != bzip2_ok {
            throw damaged("libbz2 answers \(answer)")
        }
        return Int(given)
    }

    private func damaged(_ reason: String) -> ArchiveError {
        .corruptCompression(format: "bzip2", offset: guardian.consumed, reason: reason)
    }
}
