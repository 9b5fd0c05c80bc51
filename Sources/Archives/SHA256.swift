import CCrypto

/// SHA-256 of a stream, by OpenSSL.
///
/// Source: FIPS 180-4; EVP_DigestInit(3).
package final class SHA256 {
    private static let library = crypto_library_load()
    private let context: OpaquePointer
    /// Bytes hashed so far.
    package private(set) var byteCount: UInt64 = 0

    package init() {
        context = withUnsafePointer(to: Self.library) { crypto_sha256_new($0) }
    }

    deinit {
        withUnsafePointer(to: Self.library) { crypto_free($0, context) }
    }

    /// Adds bytes to the hash.
    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        withUnsafePointer(to: Self.library) { crypto_update($0, context, base, bytes.count) }
        byteCount += UInt64(bytes.count)
    }

    /// Adds bytes to the hash.
    package func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Ends the hash.
    ///
    /// Call once; later updates count for nothing.
    package func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        withUnsafePointer(to: Self.library) { crypto_final($0, context, &digest) }
        return digest
    }

    /// Ends the hash and gives it as 64 hexadecimal digits.
    package func finishHex() -> String { Self.hex(finish()) }

    /// The hash of bytes in memory, as 64 hexadecimal digits.
    package static func hex(of bytes: [UInt8]) -> String {
        let hash = SHA256()
        hash.update(bytes)
        return hash.finishHex()
    }

    /// Bytes as lower-case hexadecimal digits.
    package static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Hashes what passes through.
package final class HashingSource: ByteSource {
    private let source: any ByteSource
    /// The hash of what was read so far.
    package let hash: SHA256

    package init(_ source: any ByteSource) {
        self.source = source
        hash = SHA256()
    }

    /// - Parameter hash: gets the bytes; whoever has it may use it when nobody reads.
    init(_ source: any ByteSource, into hash: SHA256) {
        self.source = source
        self.hash = hash
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = try source.read(into: buffer)
        hash.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
        return count
    }
}
