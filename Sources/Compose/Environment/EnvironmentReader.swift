import Diagnostics

/// Reads the lines of a `.env` file: comments, `export`, quotes, escapes, variables.
///
/// Values without quotes end at ` #` or with the line, and have their variables replaced. In double quotes, escapes and
/// variables are replaced; in single quotes, nothing. Both may have several lines.
struct EnvironmentReader {
    private typealias Bytes = ArraySlice<UInt8>

    private let file: String
    private let lookup: (String) -> String?
    private let text: ArraySlice<UInt8>
    private var rest: ArraySlice<UInt8>
    private var line = 1
    private var lineStart: Int
    private var result = EnvironmentFile()
    private var errors: [Diagnostic] = []
    private var known: [String: String] = [:]
    private var warned: Set<String> = []
    private var written = 0

    init(_ bytes: ArraySlice<UInt8>, file: String, lookup: @escaping (String) -> String?) {
        text = bytes
        rest = bytes
        lineStart = bytes.startIndex
        self.file = file
        self.lookup = lookup
    }

    /// The whole file.
    ///
    /// - Throws: every line that is none.
    mutating func read() throws(DiagnosticList) -> EnvironmentFile {
        while skipToStatement() {
            if !readStatement() { skipLine() }
        }
        guard errors.isEmpty else { throw DiagnosticList(errors) }
        return result
    }

    // MARK: Statements

    /// Goes to the next thing that is no space, line end or comment; whether there is one.
    private mutating func skipToStatement() -> Bool {
        while let byte = rest.first {
            if byte == UInt8(ascii: "#") {
                skipLine()
            } else if byte == UInt8(ascii: "\n") || Self.isSpace(byte) {
                advance()
            } else {
                return true
            }
        }
        return false
    }

    private mutating func skipLine() {
        while let byte = rest.first, byte != UInt8(ascii: "\n") { advance() }
        advance()
    }

    private mutating func advance() {
        guard let byte = rest.popFirst() else { return }
        if byte == UInt8(ascii: "\n") {
            line += 1
            lineStart = rest.startIndex
        }
    }

    /// Reads one variable; false where its line is to be skipped.
    private mutating func readStatement() -> Bool {
        let word = Array("export".utf8)
        if rest.starts(with: word), rest.dropFirst(word.count).first.map(Self.isSpace) == true {
            rest = rest.dropFirst(word.count).drop(while: Self.isSpace)
        }
        let location = here
        let head = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "\n") }
        let name = String(decoding: Self.trimmed(head), as: UTF8.self)
        guard check(name, at: location) else { return false }
        rest = rest.dropFirst(head.count)
        guard let separator = rest.first, separator != UInt8(ascii: "\n") else {
            add(name, nil, at: location)
            return true
        }
        rest = rest.dropFirst().drop(while: Self.isSpace)
        if let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            return readQuoted(name, quote, at: location)
        }
        let text = rest.prefix { $0 != UInt8(ascii: "\n") }
        rest = rest.dropFirst(text.count)
        let value = String(decoding: Self.trimmed(Self.withoutComment(text)), as: UTF8.self)
        add(name, expanded(value, at: location), at: location)
        return true
    }

    private mutating func readQuoted(_ name: String, _ quote: UInt8, at location: SourceLocation) -> Bool {
        let start = here
        let opening = rest
        advance()
        var value: [UInt8] = []
        while let byte = rest.first {
            let next = rest.dropFirst().first
            if byte == UInt8(ascii: "\\"), let next {
                // Only the quote is unescaped here: what other escapes mean depends on the quotes.
                if next != quote { value.append(byte) }
                value.append(next)
                advance()
                advance()
            } else if byte == quote {
                advance()
                let text = String(decoding: value, as: UTF8.self)
                let isDouble = quote == UInt8(ascii: "\"")
                add(name, isDouble ? expanded(Self.unescaped(text), at: location) : text, at: location)
                return readEnd()
            } else {
                value.append(byte)
                advance()
            }
        }
        let shown = String(decoding: opening.prefix { $0 != UInt8(ascii: "\n") }.prefix(40), as: UTF8.self)
        report(
            "SC2041", "the value of \(name) has no closing quote: \(shown)", at: start,
            hint: "close it with \(String(UnicodeScalar(quote)))")
        return true
    }

    /// What follows the closing quote on its line is space or a comment.
    private mutating func readEnd() -> Bool {
        rest = rest.drop(while: Self.isSpace)
        guard let byte = rest.first, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "#") else { return true }
        let more = String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }.prefix(40), as: UTF8.self)
        report(
            "SC2042", "\"\(more)\" follows the closing quote", at: here,
            hint: "put the whole value in quotes, and escape quotes within it as \\\"")
        return false
    }

    // MARK: Parts

    private mutating func check(_ name: String, at location: SourceLocation) -> Bool {
        let isName =
            !name.isEmpty
            && name.allSatisfy {
                $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." || $0 == "-" || $0 == "[" || $0 == "]"
            }
        if isName { return true }
        let shown = name.count > 40 ? name.prefix(40) + "…" : name[...]
        report(
            "SC2040", name.isEmpty ? "there is no name before \"=\"" : "\"\(shown)\" is no name of a variable",
            at: location, hint: "write NAME=VALUE; a name has letters, digits, \"_\", \".\" and \"-\"")
        return false
    }

    private mutating func add(_ name: String, _ value: String?, at location: SourceLocation) {
        result.entries.append(EnvironmentFile.Entry(name: name, value: value, location: location))
        if let value { known[name] = value }
    }

    private mutating func expanded(_ text: String, at location: SourceLocation) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let known = known
        let lookup = lookup
        var expansion = VariableExpansion { lookup($0) ?? known[$0] }
        do throws(InterpolationFailure) {
            let value = try expansion.expand(text)
            written += value.utf8.count
            guard written <= VariableExpansion.bytesOfFile else {
                throw InterpolationFailure(reason: .size, text: text)
            }
            for name in expansion.unset where warned.insert(name).inserted {
                result.warnings.append(
                    Interpolation.warning(
                        name, at: location, literal: "put a value in single quotes where its \"$\" is no variable"))
            }
            return value
        } catch {
            errors.append(error.diagnostic(at: location) { $0 })
            return ""
        }
    }

    /// Replaces the escapes of double quotes; `\$` becomes `$$`, which stands for the sign.
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.first else {
                result.append(byte)
                continue
            }
            if next == UInt8(ascii: "0") {
                let digits = rest.dropFirst().prefix(3).prefix { (48...55).contains($0) }
                let number = digits.reduce(0) { $0 * 8 + Int($1) - 48 }
                guard !digits.isEmpty, let scalar = UnicodeScalar(number), number != 0 else {
                    result.append(byte)
                    continue
                }
                result += String(Character(scalar)).utf8
                rest = rest.dropFirst(1 + digits.count)
            } else if let replacement = escapes[next] {
                result += replacement
                rest = rest.dropFirst()
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let escapes: [UInt8: [UInt8]] = [
        UInt8(ascii: "a"): [7], UInt8(ascii: "b"): [8], UInt8(ascii: "f"): [12], UInt8(ascii: "n"): [10],
        UInt8(ascii: "r"): [13], UInt8(ascii: "t"): [9], UInt8(ascii: "v"): [11], UInt8(ascii: "$"): [36, 36],
        UInt8(ascii: "\""): [34], UInt8(ascii: "\\"): [92],
    ]

    private static func withoutComment(_ text: Bytes) -> Bytes {
        var previous: UInt8 = 0
        for position in text.indices {
            if text[position] == UInt8(ascii: "#"), previous == UInt8(ascii: " ") { return text[..<position] }
            previous = text[position]
        }
        return text
    }

    private static func trimmed(_ text: Bytes) -> Bytes {
        var text = text
        while let last = text.last, isSpace(last) { text = text.dropLast() }
        return text
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") || byte == 0x0B
            || byte == 0x0C
    }

    // MARK: Places

    private var here: SourceLocation {
        let before = String(decoding: text[lineStart..<rest.startIndex], as: UTF8.self)
        return SourceLocation(file: file, line: line, column: before.unicodeScalars.count + 1)
    }

    private mutating func report(_ code: String, _ summary: String, at location: SourceLocation, hint: String) {
        errors.append(Diagnostic(code: code, summary: summary, hint: hint, location: location))
    }
}
