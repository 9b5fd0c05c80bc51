/// Authentication of messages by SHA-256 and a secret key.
///
/// Source: RFC 2104; FIPS 198-1.
package enum HMACSHA256 {
    private static let blockSize = 64

    /// The code of a message, 32 bytes.
    package static func code(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        var padded = key
        if padded.count > blockSize {
            let hash = SHA256()
            hash.update(padded)
            padded = hash.finish()
        }
        padded += [UInt8](repeating: 0, count: blockSize - padded.count)
        let inner = SHA256()
        inner.update(padded.map { $0 ^ 0x36 })
        inner.update(message)
        let outer = SHA256()
        outer.update(padded.map { $0 ^ 0x5C })
        outer.update(inner.finish())
        return outer.finish()
    }

    /// Whether a code is that of a message; takes as long for any wrong code of the right length.
    package static func verify(_ code: [UInt8], of message: [UInt8], key: [UInt8]) -> Bool {
        let right = Self.code(message, key: key)
        guard code.count == right.count else { return false }
        return zip(code, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
