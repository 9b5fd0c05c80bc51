import CCrypto

/// Two keys under which texts are sealed: encrypted and authenticated, equal texts to equal results.
///
/// AES-256-GCM with a nonce that is made of the text: HMAC-SHA-256 of it under the second key, cut to 12 bytes. So equal
/// texts can be told to be equal, and nothing else is told; a plan sees that a secret has not changed.
///
/// Source: NIST SP 800-38D; RFC 2104; RFC 5297 for the idea of a synthetic nonce.
package struct SealingKeys: Sendable {
    private static let library = cipher_library_load()
    private static let nonceLength = 12
    private static let tagLength = 16
    private let encryption: [UInt8]
    private let authentication: [UInt8]

    /// How many bytes both keys have.
    package static let length = 64

    /// Takes the keys, 64 bytes; nil for another number.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        encryption = Array(bytes.prefix(32))
        authentication = Array(bytes.suffix(32))
    }

    /// Seals bytes: nonce, tag and what is encrypted; nil where OpenSSL cannot.
    package func seal(_ bytes: [UInt8]) -> [UInt8]? {
        let nonce = Array(digest(of: bytes, as: "nonce").prefix(Self.nonceLength))
        var tag = [UInt8](repeating: 0, count: Self.tagLength)
        guard let result = crypt(bytes, nonce, &tag, encrypts: true) else { return nil }
        return nonce + tag + result
    }

    /// Opens what was sealed; nil for what was not sealed with these keys, or was changed.
    package func open(_ sealed: [UInt8]) -> [UInt8]? {
        let head = Self.nonceLength + Self.tagLength
        guard sealed.count >= head else { return nil }
        var tag = Array(sealed[Self.nonceLength..<head])
        return crypt(Array(sealed[head...]), Array(sealed.prefix(Self.nonceLength)), &tag, encrypts: false)
    }

    /// What tells bytes from others without telling what they are: 32 bytes.
    ///
    /// `purpose` keeps one use from telling of another.
    package func digest(of bytes: [UInt8], as purpose: String) -> [UInt8] {
        authenticationCode(of: Array(purpose.utf8) + [0] + bytes)
    }

    /// HMAC-SHA-256 under the second key.
    func authenticationCode(of bytes: [UInt8]) -> [UInt8] {
        func hashed(_ pad: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            let hash = SHA256()
            hash.update(authentication.map { $0 ^ pad } + [UInt8](repeating: pad, count: 64 - authentication.count))
            hash.update(bytes)
            return hash.finish()
        }
        return hashed(0x5C, hashed(0x36, bytes))
    }

    private func crypt(_ bytes: [UInt8], _ nonce: [UInt8], _ tag: inout [UInt8], encrypts: Bool) -> [UInt8]? {
        var result = [UInt8](repeating: 0, count: bytes.count)
        let isGood = withUnsafePointer(to: Self.library) { library in
            cipher_aes_256_gcm(library, encrypts ? 1 : 0, encryption, nonce, bytes, &result, bytes.count, &tag) == 1
        }
        return isGood ? result : nil
    }
}
