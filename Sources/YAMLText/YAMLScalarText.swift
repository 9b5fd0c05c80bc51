/// A scalar as text: plain, quoted or line by line.
struct YAMLScalarText {
    private enum Style {
        case plain
        case singleQuoted
        case doubleQuoted
        case literal
    }

    private let scalar: String
    private let style: Style
    private let lineStyle: Style

    /// - Parameters:
    ///   - isPlain: Whether it is no text but what a plain scalar is read as.
    ///   - isTagged: Whether a tag says what it is.
    init(_ scalar: String, isPlain: Bool, isTagged: Bool) {
        self.scalar = scalar
        if Self.isWord(scalar) {
            style = .plain
            lineStyle = .plain
            return
        }
        let facts = ScalarFacts(scalar)
        let isSafe = isPlain || isTagged || Self.isReadAsText(scalar)
        let quoted: Style = facts.allowsSingleQuotes ? .singleQuoted : .doubleQuoted
        if isSafe, facts.allowsPlain {
            lineStyle = .plain
        } else if !isSafe || facts.hasBreaks {
            lineStyle = .doubleQuoted
        } else {
            lineStyle = quoted
        }
        style = facts.hasBreaks && facts.allowsLiteral ? .literal : lineStyle
    }

    /// Whether a text is one of those that most texts are: letters, digits and what is in paths and names, with a letter
    /// or slash first that begins no word of YAML's own.
    private static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == UInt8(ascii: "/") || isLetter(first),
            !"yYnNtTfFoO".utf8.contains(first)
        else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "/._-".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }

    /// Whether nothing is written.
    var isEmpty: Bool { scalar.isEmpty && style == .plain }

    /// The text on one line, as for keys, which are not nothing at all.
    var line: String { lineStyle == .plain && scalar.isEmpty ? "null" : text(lineStyle, indent: 0) }

    /// The text; further lines start at an indent.
    func lines(indent: Int) -> String { text(style, indent: indent) }

    private func text(_ style: Style, indent: Int) -> String {
        switch style {
        case .plain: scalar
        case .singleQuoted: "'" + scalar.unicodeScalars.map { $0 == "'" ? "''" : String($0) }.joined() + "'"
        case .doubleQuoted: "\"" + scalar.unicodeScalars.map(Self.escaped).joined() + "\""
        case .literal: literal(indent: indent)
        }
    }

    private func literal(indent: Int) -> String {
        var header = "|"
        if scalar.unicodeScalars.first == " " || scalar.hasPrefix("\n") { header += "2" }
        if !scalar.hasSuffix("\n") {
            header += "-"
        } else if scalar == "\n" || scalar.hasSuffix("\n\n") {
            header += "+"
        }
        let space = String(repeating: " ", count: indent)
        var body = scalar.split(separator: "\n", omittingEmptySubsequences: false)
        // What follows the last line end is the next thing's line, and the writer ends each thing's line itself.
        if scalar.hasSuffix("\n") { body.removeLast() }
        return ([header] + body.map { $0.isEmpty ? "" : space + $0 }).joined(separator: "\n")
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x00: return "\\0"
        case 0x07: return "\\a"
        case 0x08: return "\\b"
        case 0x09: return "\\t"
        case 0x0A: return "\\n"
        case 0x0B: return "\\v"
        case 0x0C: return "\\f"
        case 0x0D: return "\\r"
        case 0x1B: return "\\e"
        case 0x22: return "\\\""
        case 0x5C: return "\\\\"
        case 0x85: return "\\N"
        case 0x2028: return "\\L"
        case 0x2029: return "\\P"
        default:
            if ScalarFacts.isPrintable(scalar) { return String(scalar) }
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let (letter, width) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
            return "\\\(letter)" + String(repeating: "0", count: width - digits.count) + digits
        }
    }

    /// Whether a plain scalar is read as this text, by YAML 1.1 too.
    private static func isReadAsText(_ text: String) -> Bool {
        switch text {
        case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "=":
            return false
        default:
            return YAMLScalar.resolve(text) == .string && !isSexagesimal(text) && !isDate(text) && !isLargeNumber(text)
        }
    }

    /// A number above what fits is a number to others.
    private static func isLargeNumber(_ text: String) -> Bool {
        let digits =
            text.utf8.first == UInt8(ascii: "+") || text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        return digits.utf8.contains { $0 != UInt8(ascii: "_") }
            && digits.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
            && digits.utf8.first.map(isDigit) == true
    }

    /// `22:22` is a number of base 60 in YAML 1.1.
    private static func isSexagesimal(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
        let unsigned = text.hasPrefix("+") || text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = unsigned.split(separator: ":", omittingEmptySubsequences: false)
        guard let first = parts.first?.utf8, first.first.map(isDigit) == true,
            first.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") })
        else { return false }
        return parts.dropFirst().enumerated().allSatisfy { number, part in
            var digits = part
            if number == parts.count - 2, let point = part.firstIndex(of: ".") {
                guard part[point...].dropFirst().utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else {
                    return false
                }
                digits = part[..<point]
            }
            guard (1...2).contains(digits.utf8.count), digits.utf8.allSatisfy(isDigit) else { return false }
            return digits.utf8.count == 1 || digits < "6"
        }
    }

    /// `2001-12-14`, with a time or without.
    private static func isDate(_ text: String) -> Bool {
        let parts = text.prefix(10).split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[0].utf8.allSatisfy(isDigit),
            (1...2).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(isDigit)
        else { return false }
        return parts[2].utf8.first.map(isDigit) == true
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

/// What of a text decides how it can be written.
private struct ScalarFacts {
    private(set) var hasBreaks = false
    private(set) var allowsPlain = true
    private(set) var allowsSingleQuotes = true
    private(set) var allowsLiteral = true

    init(_ text: String) {
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.first, let last = scalars.last else {
            allowsLiteral = false
            return
        }
        if text.hasPrefix("---") || text.hasPrefix("...") || Self.isBlank(first) || Self.isBlank(last) {
            allowsPlain = false
        }
        // A literal text that begins so would be taken for its indentation, or loses what it ends with.
        if last == " " || first == "\t" { allowsLiteral = false }
        var previous: Unicode.Scalar?
        for (position, scalar) in scalars.enumerated() {
            let next = position + 1 < scalars.count ? scalars[position + 1] : nil
            look(at: scalar, after: previous, before: next)
            previous = scalar
        }
        if hasBreaks { allowsPlain = false }
    }

    private mutating func look(at scalar: Unicode.Scalar, after previous: Unicode.Scalar?, before next: Unicode.Scalar?)
    {
        let isBeforeBlank = next.map(Self.isBlank) ?? true
        switch scalar {
        case "\n":
            hasBreaks = true
            if previous == " " { refuse() }
        case " ":
            if previous == "\n" { allowsSingleQuotes = false }
        case "\t":
            allowsPlain = false
            allowsSingleQuotes = false
        case "#":
            if previous.map(Self.isBlank) ?? true { allowsPlain = false }
        case ":":
            if isBeforeBlank { allowsPlain = false }
        case ",", "[", "]", "{", "}", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`":
            if previous == nil { allowsPlain = false }
        case "?", "-":
            if previous == nil, isBeforeBlank { allowsPlain = false }
        default:
            if !Self.isPrintable(scalar) { refuse() }
        }
    }

    private mutating func refuse() {
        allowsPlain = false
        allowsSingleQuotes = false
        allowsLiteral = false
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\n" }

    /// What stands for itself; yaml.v3 takes what is beyond the basic plane for unprintable.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: true
        default: false
        }
    }
}
