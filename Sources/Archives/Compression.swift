/// How a stream is compressed, told by its first bytes.
package enum Compression: String, Sendable, Hashable, CaseIterable {
    case none
    case gzip
    case zstd
    case xz
    case bzip2
    case lz4

    /// Bytes that `detect` needs.
    package static let magicLength = 6

    /// Tells the compression by the magic number at the start.
    package static func detect(_ head: some Collection<UInt8>) -> Compression {
        let magics: [(Compression, [UInt8])] = [
            (.gzip, [0x1f, 0x8b]),
            (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
            (.bzip2, [0x42, 0x5a, 0x68]),
            (.lz4, [0x04, 0x22, 0x4d, 0x18]),
        ]
        return magics.first { head.starts(with: $0.1) }?.0 ?? .none
    }

    /// Gives the uncompressed bytes of a source of any supported compression.
    ///
    /// - Parameter limits: how far a compressed stream may expand.
    /// - Throws: `ArchiveError.unsupportedCompression`, naming what was found.
    package static func decompressing(
        _ source: any ByteSource, limits: InflateLimits = .init()
    ) throws(ArchiveError) -> any ByteSource {
        let whole = PeekingSource(source)
        return try detect(whole.peek(magicLength)).decoding(whole, limits: limits)
    }

    /// Gives the uncompressed bytes of a source of this compression.
    package func decoding(
        _ source: any ByteSource, limits: InflateLimits = .init()
    ) throws(ArchiveError) -> any ByteSource {
        switch self {
        case .none: return source
        case .gzip: return try GzipSource(source, limits: limits)
        case .zstd: return try ZstdSource(source, limits: limits)
        case .xz: return try XzSource(source, limits: limits)
        case .bzip2: return try Bzip2Source(source, limits: limits)
        case .lz4: throw .unsupportedCompression(rawValue)
        }
    }
}

/// How far a compressed stream may expand before it counts as a decompression bomb.
package struct InflateLimits: Sendable, Hashable {
    /// Bytes that any stream may give, however small it is.
    package var freeBytes: UInt64
    /// Beyond `freeBytes`, output bytes allowed for each input byte.
    ///
    /// Deflate itself ends at 1,032.
    package var ratio: UInt64
    /// Bytes that no stream may exceed.
    package var maximumBytes: UInt64

    package init(freeBytes: UInt64 = 1 << 30, ratio: UInt64 = 200, maximumBytes: UInt64 = 1 << 37) {
        self.freeBytes = freeBytes
        self.ratio = ratio
        self.maximumBytes = maximumBytes
    }
}
