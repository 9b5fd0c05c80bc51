import Archives
import Linux

extension FuzzTarget {
    /// A gzip stream: both decoders see the same bytes in it, and bytes that are compressed come back.
    static let gzip = FuzzTarget("gzip") { input in
        let byZlib = inflated(input, usesISAL: false)
        let byISAL = inflated(input, usesISAL: true)
        try require(byZlib == byISAL, "zlib gives \(shown(byZlib)), ISA-L \(shown(byISAL))")
        for size in [1, 7, 64] where input.count < 1 << 13 {
            let cut = inflated(input, usesISAL: true, size)
            try require(cut == byISAL, "in pieces of \(size) ISA-L gives \(shown(cut)), and \(shown(byISAL)) at once")
        }
        let again = DescriptorSource(try ScratchFile.gzipped(input))
        let unpacked = parsed { () throws(ArchiveError) in try Compression.decompressing(again) }?.bytes(limit: 1 << 24)
        try require(unpacked == input, "bytes that were compressed do not come back")
    }

    /// A zstd stream.
    static let zstd = FuzzTarget("zstd") { input in
        let source = parsed { () throws(ArchiveError) in
            try Compression.zstd.decoding(MemorySource(input), limits: limits)
        }
        // Damage and the limit are told apart by the error only; neither may take more than the limit.
        _ = source?.bytes(limit: 4 << 20)
    }

    private static let limits = InflateLimits(freeBytes: 1 << 20, ratio: 200, maximumBytes: 4 << 20)

    private static func inflated(_ input: [UInt8], usesISAL: Bool, _ size: Int = .max) -> [UInt8]? {
        parsed { () throws(ArchiveError) in
            try GzipSource(PieceSource(input, size: size), limits: limits, usesISAL: usesISAL)
        }?.bytes(limit: 4 << 20)
    }

    private static func shown(_ bytes: [UInt8]?) -> String {
        bytes.map { "\($0.count) bytes of digest \(SHA256.hex(of: $0).prefix(12))" } ?? "an error"
    }
}

/// Bytes that come in small pieces, as from a slow network.
private final class PieceSource: ByteSource {
    private let source: MemorySource
    private let size: Int

    init(_ bytes: [UInt8], size: Int) {
        source = MemorySource(bytes)
        self.size = size
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(size)))
    }
}
