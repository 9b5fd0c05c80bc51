/// One challenge of `WWW-Authenticate`.
///
/// Source: RFC 9110, section 11.6.1; RFC 6750, section 3.
package struct Challenge: Sendable, Hashable {
    /// The scheme in lower case: `basic`, `bearer`.
    package let scheme: String
    /// The parameters by name in lower case.
    package let parameters: [String: String]

    /// Reads the values of all `WWW-Authenticate` fields; what cannot be read is skipped.
    package static func parse(_ values: [String]) -> [Challenge] {
        values.flatMap { value -> [Challenge] in
            var parser = ChallengeParser(bytes: Array(value.utf8.prefix(ChallengeParser.lengthLimit)))
            return parser.challenges()
        }
    }
}

/// Reads challenges from the left: a scheme, then parameters with commas between, then the next scheme.
private struct ChallengeParser {
    let bytes: [UInt8]
    var position = 0

    static let lengthLimit = 8 * 1024

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func challenges() -> [Challenge] {
        var found: [Challenge] = []
        var scheme: String?
        var parameters: [String: String] = [:]
        while true {
            skip { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: ",") }
            guard let word = token() else { break }
            let afterWord = position
            skip { $0 == 0x20 || $0 == 0x09 }
            if next == UInt8(ascii: "="), let value = value() {
                // A parameter given twice keeps its first value.
                if parameters[word.lowercased()] == nil { parameters[word.lowercased()] = value }
                continue
            }
            if next == UInt8(ascii: "=") { break }
            position = afterWord
            if let scheme { found.append(Challenge(scheme: scheme, parameters: parameters)) }
            scheme = word.lowercased()
            parameters = [:]
        }
        if let scheme { found.append(Challenge(scheme: scheme, parameters: parameters)) }
        return found
    }

    /// `=` and a token or a quoted string; nil, at the `=`, when there is none.
    private mutating func value() -> String? {
        let start = position
        position += 1
        skip { $0 == 0x20 || $0 == 0x09 }
        if next == UInt8(ascii: "\"") {
            if let text = quoted() { return text }
        } else if let text = token() {
            return text
        }
        position = start
        return nil
    }

    private mutating func quoted() -> String? {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = next else { return nil }
                position += 1
                text.append(escaped)
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func token() -> String? {
        let start = position
        skip { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            // Unquoted addresses and base64 are seen in the wild, so `:` and `/` pass here.
            default: "!#$%&'*+-.^_`|~:/".utf8.contains(byte)
            }
        }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = next, condition(byte) { position += 1 }
    }
}
