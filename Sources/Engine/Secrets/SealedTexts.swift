import Archives
import Linux
import Synchronization

/// Seals texts with keys of this data root, which are made when they are first asked for.
///
/// What is sealed can be written down, sent and shown: only this data root opens it.
package final class SealedTexts: Sendable {
    private let path: String
    private let keys = Mutex<SealingKeys?>(nil)

    /// What every sealed text begins with.
    package static let prefix = "sealed:v1:"
    /// The longest text that is sealed, in bytes.
    package static let maximumLength = 1 << 20

    init(path: String) { self.path = path }

    /// Blocks.
    private func loaded() throws(EngineError) -> SealingKeys {
        do {
            return try keys.withLock { keys in
                if let keys { return keys }
                let made = try readOrMake()
                keys = made
                return made
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.failed, "the keys of sealed values in \(path) cannot be used: \(error)")
        }
    }

    private func readOrMake() throws -> SealingKeys {
        if !Files.exists(path) {
            try Files.writeAtomically(path, try Random.bytes(SealingKeys.length), mode: 0o600)
        }
        let bytes = try Files.readAll(path, limit: SealingKeys.length + 1)
        guard let keys = SealingKeys(bytes) else {
            throw EngineError(
                .failed,
                "the file \(path) has no keys for sealed values: it has \(bytes.count) bytes in place of \(SealingKeys.length)"
            )
        }
        return keys
    }

    /// Seals a text; equal texts give equal results.
    ///
    /// Blocks.
    package func seal(_ text: String) throws(EngineError) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength else {
            throw EngineError(.invalid, "a value to be sealed has at most \(Self.maximumLength) bytes")
        }
        guard let sealed = try loaded().seal(bytes) else {
            throw EngineError(.failed, "values cannot be sealed: OpenSSL's libcrypto does not work")
        }
        return Self.prefix + SHA256.hex(sealed)
    }

    /// Opens a sealed text.
    ///
    /// Blocks.
    ///
    /// - Throws: for what another data root sealed, and for what was changed.
    package func open(_ sealed: String) throws(EngineError) -> [UInt8] {
        guard sealed.hasPrefix(Self.prefix), let bytes = Self.bytes(sealed.utf8.dropFirst(Self.prefix.utf8.count))
        else { throw EngineError(.invalid, "a sealed value is none: it does not read as \(Self.prefix) and digits") }
        guard let text = try loaded().open(bytes) else {
            throw EngineError(
                .invalid,
                "a sealed value cannot be opened: it was sealed by another data root, or changed since; "
                    + "apply again from the compose file, which seals it anew")
        }
        return text
    }

    /// What tells a file's content from another without telling what it is.
    ///
    /// Blocks.
    package func digest(of bytes: [UInt8]) throws(EngineError) -> String {
        "hmac:" + SHA256.hex(Array(try loaded().digest(of: bytes, as: "file").prefix(16)))
    }

    private static func bytes(_ digits: some Sequence<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? result : nil
    }
}
