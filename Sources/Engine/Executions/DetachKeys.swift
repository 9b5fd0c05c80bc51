/// The keys that let go of a terminal: Docker's `ctrl-p,ctrl-q`.
package struct DetachKeys: Sendable, Hashable {
    /// What the terminal sends for them, in order.
    package let bytes: [UInt8]

    /// Docker's.
    package static let standard = DetachKeys(bytes: [16, 17])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads `ctrl-p,ctrl-q`, `a`, `ctrl-[`, `DEL`, separated by commas; Docker's where nothing is given.
    ///
    /// - Throws: Docker's text for what is no key.
    package init(_ text: String?) throws(EngineError) {
        guard let text, !text.isEmpty else {
            self = .standard
            return
        }
        var bytes: [UInt8] = []
        for key in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let byte = Self.byte(of: key) else {
                throw EngineError(.invalid, "Invalid detach keys (\(text)) provided")
            }
            bytes.append(byte)
        }
        self.bytes = bytes
    }

    private static func byte(of key: Substring) -> UInt8? {
        key == "DEL" ? 127 : typedByte(of: key)
    }

    /// What the terminal sends for a letter, or for `ctrl-` and a letter or one of `@[\\]^_`.
    package static func typedByte(of key: some StringProtocol) -> UInt8? {
        let utf8 = Array(key.utf8)
        if utf8.count == 1 { return utf8[0] < 0x80 ? utf8[0] : nil }
        guard key.lowercased().hasPrefix("ctrl-"), utf8.count == 6, let last = key.lowercased().utf8.last else {
            return nil
        }
        switch last {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return last - UInt8(ascii: "a") + 1
        case UInt8(ascii: "@"): return 0
        case UInt8(ascii: "["): return 27
        case UInt8(ascii: "\\"): return 28
        case UInt8(ascii: "]"): return 29
        case UInt8(ascii: "^"): return 30
        case UInt8(ascii: "_"): return 31
        default: return nil
        }
    }
}

/// Looks for the keys in what a client types; what may be their beginning is held back.
package struct DetachDetector: Sendable {
    private let keys: [UInt8]
    private var matched = 0

    /// A detector at the start of a client's input; without keys everything goes on.
    package init(keys: [UInt8]) { self.keys = keys }

    /// What of a piece goes on to the terminal, and whether the keys are complete; what follows them is dropped.
    package mutating func take(_ piece: [UInt8]) -> (passed: [UInt8], isComplete: Bool) {
        guard !keys.isEmpty else { return (piece, false) }
        var passed: [UInt8] = []
        for byte in piece {
            guard byte != keys[matched] else {
                matched += 1
                if matched == keys.count { return (passed, true) }
                continue
            }
            passed += keys[..<matched]
            matched = byte == keys[0] ? 1 : 0
            if matched == 0 { passed.append(byte) }
        }
        return (passed, false)
    }
}
