import JSONText

/// A word of an action.
enum TemplateToken: Equatable {
    /// A literal value.
    case value(JSONValue)
    case identifier(String)
    /// `.Name`
    case field(String)
    /// `$` or `$name`
    case variable(String)
    case dot
    /// `|`, `(`, `)`, `,`, `:=`, `=`
    case mark(String)
}

/// A word, and whether white space parts it from the one before.
struct SpacedToken: Equatable {
    var token: TemplateToken
    var isAfterSpace: Bool
}

/// Parts a template into text and actions.
struct TemplateScanner {
    enum Part: Equatable {
        case text(String)
        case action([SpacedToken])
    }

    private static let blanks: Set<Character> = [" ", "\t", "\r", "\n", "\r\n"]

    static func parts(of template: String) throws(TemplateError) -> [Part] {
        var parts: [Part] = []
        var rest = template[...]
        var trimsStart = false
        while true {
            let start = rest.firstRange(of: "{{")
            var text = rest[..<(start?.lowerBound ?? rest.endIndex)]
            if trimsStart { text = text.drop { blanks.contains($0) } }
            guard let start else {
                if !text.isEmpty { parts.append(.text(String(text))) }
                return parts
            }
            rest = rest[start.upperBound...]
            // `{{-` is a trim mark only before white space: `{{-3}}` is a number.
            if rest.first == "-", let next = rest.dropFirst().first, blanks.contains(next) {
                while let last = text.last, blanks.contains(last) { text.removeLast() }
                rest.removeFirst()
            }
            if !text.isEmpty { parts.append(.text(String(text))) }
            var scanner = TemplateScanner(rest: rest)
            if let tokens = try scanner.action() { parts.append(.action(tokens)) }
            trimsStart = scanner.trimsAfter
            rest = scanner.rest
        }
    }

    private var rest: Substring
    private var trimsAfter = false

    private init(rest: Substring) { self.rest = rest }

    /// The words up to `}}`; nil for a comment.
    private mutating func action() throws(TemplateError) -> [SpacedToken]? {
        let beginning = rest.drop { Self.blanks.contains($0) }
        if beginning.hasPrefix("/*") { return try comment(beginning) }
        var tokens: [SpacedToken] = []
        while true {
            let trimmed = rest.drop { Self.blanks.contains($0) }
            let isAfterSpace = trimmed.startIndex != rest.startIndex
            rest = trimmed
            if takes("}}") { return tokens }
            if isAfterSpace, takes("-}}") {
                trimsAfter = true
                return tokens
            }
            guard !rest.isEmpty else { throw TemplateError("unclosed action") }
            tokens.append(SpacedToken(token: try token(), isAfterSpace: isAfterSpace))
        }
    }

    private mutating func comment(_ beginning: Substring) throws(TemplateError) -> [SpacedToken]? {
        guard let end = beginning.firstRange(of: "*/") else { throw TemplateError("unclosed comment") }
        rest = beginning[end.upperBound...]
        if takes("}}") { return nil }
        rest = rest.drop { Self.blanks.contains($0) }
        guard takes("-}}") else { throw TemplateError("comment ends before closing delimiter") }
        trimsAfter = true
        return nil
    }

    private mutating func takes(_ text: String) -> Bool {
        guard rest.hasPrefix(text) else { return false }
        rest = rest.dropFirst(text.count)
        return true
    }

    private mutating func token() throws(TemplateError) -> TemplateToken {
        for mark in [":=", "=", "|", "(", ")", ","] where takes(mark) { return .mark(mark) }
        guard let first = rest.first else { throw TemplateError("unclosed action") }
        switch first {
        case "\"": return .value(.string(try quoted("\"")))
        case "'": return .value(try character())
        case "`": return .value(.string(try raw()))
        case "$":
            rest.removeFirst()
            return .variable("$" + word())
        case "." where rest.dropFirst().first.map(Self.isWord) != true || rest.dropFirst().first?.isNumber == true:
            if rest.dropFirst().first?.isNumber == true { return .value(try number()) }
            rest.removeFirst()
            return .dot
        case ".":
            rest.removeFirst()
            return .field(word())
        case _ where first.isNumber || first == "-" || first == "+": return .value(try number())
        case _ where Self.isWord(first): return Self.named(word())
        default: throw TemplateError("unexpected \"\(first)\" in action")
        }
    }

    private static func named(_ word: String) -> TemplateToken {
        switch word {
        case "true": .value(true)
        case "false": .value(false)
        case "nil": .value(.null)
        default: .identifier(word)
        }
    }

    private static func isWord(_ character: Character) -> Bool {
        character == "_" || character.isLetter || character.isNumber
    }

    private mutating func word() -> String {
        let word = rest.prefix(while: Self.isWord)
        rest = rest.dropFirst(word.count)
        return String(word)
    }

    private mutating func number() throws(TemplateError) -> JSONValue {
        let text = rest.prefix { Self.isWord($0) || $0 == "." || $0 == "-" || $0 == "+" }
        rest = rest.dropFirst(text.count)
        if text.hasPrefix("0x"), let value = Int64(text.dropFirst(2), radix: 16) { return .int(value) }
        if let value = Int64(text) { return .int(value) }
        if let value = Double(text) { return .double(value) }
        throw TemplateError("bad number syntax: \"\(text)\"")
    }

    private mutating func raw() throws(TemplateError) -> String {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "`") else { throw TemplateError("unterminated raw quoted string") }
        defer { rest = rest[rest.index(after: end)...] }
        return String(rest[..<end])
    }

    private mutating func character() throws(TemplateError) -> JSONValue {
        let text = try quoted("'")
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw TemplateError("malformed character constant: '\(text)'")
        }
        return .int(Int64(scalar.value))
    }

    /// A text in quotes with Go's escapes.
    private mutating func quoted(_ end: Character) throws(TemplateError) -> String {
        rest.removeFirst()
        var text = String.UnicodeScalarView()
        while let character = rest.popFirst() {
            if character == end { return String(text) }
            guard character == "\\" else {
                if character.isNewline { break }
                text.append(contentsOf: character.unicodeScalars)
                continue
            }
            text.append(try escape())
        }
        throw TemplateError(end == "'" ? "unterminated character constant" : "unterminated quoted string")
    }

    private mutating func escape() throws(TemplateError) -> Unicode.Scalar {
        guard let letter = rest.popFirst() else { throw TemplateError("unterminated quoted string") }
        switch letter {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "\\", "\"", "'": return letter.unicodeScalars.first ?? "\\"
        case "x", "u", "U":
            let count = letter == "x" ? 2 : letter == "u" ? 4 : 8
            let digits = rest.prefix(count)
            rest = rest.dropFirst(digits.count)
            if digits.count == count, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
                return scalar
            }
            throw TemplateError("invalid escape \"\\\(letter)\(digits)\" in a quoted string")
        default: throw TemplateError("invalid escape \"\\\(letter)\" in a quoted string")
        }
    }
}
