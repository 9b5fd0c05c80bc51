import JSONText

/// Values as Swift source.
///
/// A value may have several lines; the first has no indentation.
enum SourceText {
    /// Stands in a text for the number of a replica.
    static let number: Unicode.Scalar = "\u{FFFFF}"
    /// Stands before what is meant as it is, were it one of these two.
    private static let quote: Unicode.Scalar = "\u{FFFFE}"

    /// A text that has no mark, whatever the user wrote.
    static func quoted(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0 == number || $0 == quote }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == number || scalar == quote { result.append(quote) }
            result.append(scalar)
        }
        return String(result)
    }

    /// A value whose texts have no mark.
    static func quoted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(quoted(text))
        case .array(let elements): .array(elements.map(quoted))
        case .object(let members): .object(quoted(members))
        default: value
        }
    }

    /// An object whose texts have no mark.
    static func quoted(_ members: JSONObject) -> JSONObject {
        JSONObject(members.map { (quoted($0.key), quoted($0.value)) })
    }

    /// A text; one with lines as a literal of several lines.
    static func literal(_ text: String) -> String { literal([.plain(text)]) }

    /// A piece of a text.
    enum Piece {
        case plain(String)
        /// An expression that is evaluated.
        case value(String)
    }

    /// A text with values inside.
    static func literal(_ pieces: [Piece]) -> String {
        let hasLines = pieces.contains { piece in
            if case .plain(let text) = piece { text.unicodeScalars.contains("\n") } else { false }
        }
        var body = ""
        for piece in pieces {
            switch piece {
            case .plain(let text):
                var isQuoted = false
                for scalar in text.unicodeScalars {
                    if scalar == quote, !isQuoted {
                        isQuoted = true
                        continue
                    }
                    body += !isQuoted && scalar == number ? "\\(number)" : escaped(scalar, keepsLines: hasLines)
                    isQuoted = false
                }
            case .value(let expression): body += "\\(\(expression))"
            }
        }
        guard hasLines else { return "\"\(body)\"" }
        // Spaces at the end of a line are easily lost by editors.
        let safe = body.replacing("\"\"\"", with: "\\\"\\\"\\\"").replacing(" \n", with: "\\u{20}\n")
        return "\"\"\"\n\(safe)\n\"\"\""
    }

    private static func escaped(_ scalar: Unicode.Scalar, keepsLines: Bool) -> String {
        switch scalar {
        case number, quote: return "\\u{\(String(scalar.value, radix: 16))}"
        case "\\": return "\\\\"
        case "\"": return keepsLines ? "\"" : "\\\""
        case "\n": return keepsLines ? "\n" : "\\n"
        case "\t": return "\\t"
        case "\r": return "\\r"
        default:
            // A mark would join the quote or the space before it to another character.
            let marks: [Unicode.GeneralCategory] = [
                .control, .format, .nonspacingMark, .spacingMark, .enclosingMark,
            ]
            let isPlain = !marks.contains(scalar.properties.generalCategory)
            return isPlain && scalar.value >= 0x20 && !scalar.properties.isWhitespace || scalar == " "
                ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    /// An array of values.
    static func list(_ elements: [String]) -> String { joined(elements, "[", "]", empty: "[]") }

    /// A dictionary of values.
    static func dictionary(_ members: [(key: String, value: String)]) -> String {
        joined(members.map { "\(literal($0.key)): \($0.value)" }, "[", "]", empty: "[:]")
    }

    /// What is on one line where it fits, else on a line each.
    static func joined(_ parts: [String], _ open: String, _ close: String, empty: String) -> String {
        guard !parts.isEmpty else { return empty }
        let line = open + parts.joined(separator: ", ") + close
        if line.utf8.count <= 90, !line.utf8.contains(UInt8(ascii: "\n")) { return line }
        return open + "\n" + parts.map { indented($0) + "," }.joined(separator: "\n") + "\n" + close
    }

    /// The text with four spaces before each line.
    static func indented(_ text: String, by count: Int = 4) -> String {
        let spaces = String(repeating: " ", count: count)
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : spaces + $0 }.joined(separator: "\n")
    }

    /// A time in nanoseconds in the largest unit that divides it.
    static func duration(_ nanoseconds: Int64) -> String {
        let units: [(size: Int64, name: String)] = [
            (3_600_000_000_000, "hours"), (60_000_000_000, "minutes"), (1_000_000_000, "seconds"),
            (1_000_000, "milliseconds"), (1000, "microseconds"),
        ]
        guard nanoseconds != 0 else { return ".zero" }
        for (size, name) in units where nanoseconds % size == 0 { return ".\(name)(\(nanoseconds / size))" }
        return ".nanoseconds(\(nanoseconds))"
    }

    /// An amount of bytes in the largest unit that divides it.
    static func bytes(_ count: Int64) -> String {
        for (shift, name) in [(30, "gibibytes"), (20, "mebibytes"), (10, "kibibytes")] where count != 0 {
            if count % (1 << Int64(shift)) == 0 { return ".\(name)(\(count >> Int64(shift)))" }
        }
        return ".bytes(\(count))"
    }
}

/// A call, such as `Publish(8080, to: 80)`.
struct SourceCall {
    private let name: String
    private var arguments: [String] = []

    init(_ name: String) { self.name = name }

    var isWithoutArguments: Bool { arguments.isEmpty }

    /// Adds an argument without a label.
    mutating func add(_ expression: String) { arguments.append(expression) }

    /// Adds an argument, where there is one.
    mutating func add(_ label: String, _ expression: String?) {
        if let expression { arguments.append("\(label): \(expression)") }
    }

    var text: String {
        let line = "\(name)(\(arguments.joined(separator: ", ")))"
        if line.utf8.count <= 100, !line.utf8.contains(UInt8(ascii: "\n")) { return line }
        return "\(name)(\n" + arguments.map { SourceText.indented($0) }.joined(separator: ",\n") + ")"
    }

    /// The call with a block of these elements behind it.
    func text(block elements: [String], parameter: String? = nil) -> String {
        guard !elements.isEmpty else { return text }
        let head = parameter.map { " { \($0) in" } ?? " {"
        return text + head + "\n" + elements.map { SourceText.indented($0) }.joined(separator: "\n") + "\n}"
    }
}
