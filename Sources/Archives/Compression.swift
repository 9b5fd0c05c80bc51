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
        var head: [UInt8] = []
        while head.count < magicLength {
            let missing = magicLength - head.count
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: missing, alignment: 1)
            defer { buffer.deallocate() }
            let count = try source.read(into: buffer)
            if count == 0 { break }
            head.append(contentsOf: buffer.prefix(count))
        }
        let whole = ReplayingSource(head: head, rest: source)
        switch detect(head) {
        case .none: return whole
        case .gzip: return try GzipSource(whole, limits: limits)
        case let other: throw .unsupportedCompression(other.rawValue)
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
