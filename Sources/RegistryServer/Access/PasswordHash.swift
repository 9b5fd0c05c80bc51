import CCrypt
import Diagnostics

/// Hashes of passwords, by libcrypt.
///
/// Only bcrypt is taken: the older forms of htpasswd(1) are broken in seconds.
enum PasswordHash {
    private static let library = crypt_library_load()

    /// Whether a text is a bcrypt hash: `$2y$`, two digits of cost, and 53 letters of salt and hash (crypt(5)).
    static func isBcrypt(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count == 60, ["$2a$", "$2b$", "$2y$"].contains(where: { text.hasPrefix($0) }) else { return false }
        guard let cost = Int(String(decoding: bytes[4..<6], as: UTF8.self)), (4...17).contains(cost),
            bytes[6] == UInt8(ascii: "$")
        else { return false }
        return bytes[7...].allSatisfy {
            (0x2E...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        }
    }

    /// Whether a password has a hash.
    ///
    /// Takes as long as the hash's cost says: a quarter of a second is usual.
    static func matches(_ password: String, _ hash: String) -> Bool {
        // Such a password would be cut at the NUL, and a shorter one would do.
        guard library.crypt != nil, !password.utf8.contains(0) else { return false }
        let size = 128
        var buffer = [CChar](repeating: 0, count: size)
        let code = withUnsafePointer(to: library) { crypt_hash($0, password, hash, &buffer, size) }
        guard code == 0 else { return false }
        let found = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let right = Array(hash.utf8)
        return found.count == right.count && zip(found, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Checks that passwords can be verified at all.
    static func check() throws(Diagnostic) {
        guard library.crypt == nil else { return }
        throw Diagnostic(
            code: "SC4207", summary: "libcrypt cannot be loaded, which verifies passwords",
            hint: "apt-get install libcrypt1")
    }
}
