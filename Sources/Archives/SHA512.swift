import CCrypto

/// SHA-512 of a stream, by OpenSSL.
///
/// Source: FIPS 180-4; EVP_DigestInit(3).
package final class SHA512 {
    private static let library = crypto_library_load()
    private let context: OpaquePointer

    package init() {
        context = withUnsafePointer(to: Self.library) { crypto_sha512_new($0) }
    }

    deinit {
        withUnsafePointer(to: Self.library) { crypto_free($0, context) }
    }

    /// Adds bytes to the hash.
    package func update(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        withUnsafePointer(to: Self.library) { crypto_update($0, context, bytes, bytes.count) }
    }

    /// Ends the hash and gives it as 128 hexadecimal digits.
    ///
    /// Call once; later updates count for nothing.
    package func finishHex() -> String {
        var digest = [UInt8](repeating: 0, count: 64)
        withUnsafePointer(to: Self.library) { crypto_final($0, context, &digest) }
        return SHA256.hex(digest)
    }
}
