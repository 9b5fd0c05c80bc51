/// Writes values as gopkg.in/yaml.v3 does with two spaces of indentation: block style, keys in the order given.
public enum YAMLWriter {
    /// The text of one document, with a line end behind it.
    ///
    /// A scalar that is plain stays so where YAML allows it; any other is a text, which is quoted where it would be read
    /// as something else by YAML 1.1 or 1.2, and written line by line where it has several. It is read as the same tree.
    public static func text(_ node: YAMLNode) -> String {
        var output = YAMLOutput()
        output.node(node, indent: 0, after: .start)
        return output.text
    }

    /// Whether a key stands before another one in a map of Go, whose order yaml.v3 makes up: digits by what they count to.
    public static func precedes(_ left: String, _ right: String) -> Bool {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        var wasDigit = false
        for position in 0..<min(left.count, right.count) {
            if left[position] == right[position] {
                wasDigit = isDigit(left[position])
                continue
            }
            let isLetter = (left[position].properties.isAlphabetic, right[position].properties.isAlphabetic)
            switch isLetter {
            case (true, true): return left[position] < right[position]
            case (true, false), (false, true): return wasDigit ? isLetter.0 : isLetter.1
            default: return numberPrecedes(left, right, from: position)
            }
        }
        return left.count < right.count
    }

    private static func numberPrecedes(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar], from position: Int) -> Bool
    {
        // Zeros in front count only where no other digit is before them.
        var isWithin = false
        if left[position] == "0" || right[position] == "0" {
            isWithin = left[..<position].reversed().prefix(while: isDigit).contains { $0 != "0" }
        }
        let numbers = (number(left[position...], isWithin), number(right[position...], isWithin))
        if numbers.0.value != numbers.1.value { return numbers.0.value < numbers.1.value }
        if numbers.0.digits != numbers.1.digits { return numbers.0.digits < numbers.1.digits }
        return left[position] < right[position]
    }

    private static func number(_ scalars: ArraySlice<Unicode.Scalar>, _ isWithin: Bool) -> (value: Int64, digits: Int) {
        let digits = scalars.prefix(while: isDigit)
        let value = digits.reduce(Int64(isWithin ? 1 : 0)) { $0 &* 10 &+ Int64($1.value) &- 48 }
        return (value, digits.count)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }
}

/// The text on the way.
private struct YAMLOutput {
    /// What stands before a node on its line.
    enum Position {
        /// Nothing.
        case start
        /// `- `, `? ` or `: `: the node's first line goes on here, the others start at its indent.
        case dash
        /// `key:`.
        case key
    }

    private(set) var text = ""

    mutating func node(_ node: YAMLNode, indent: Int, after position: Position) {
        let tag = node.tag.flatMap(Self.tag)
        switch node.content {
        case .scalar(let scalar, let isPlain):
            lead(tag, position)
            let written = YAMLScalarText(scalar, isPlain: isPlain, isTagged: tag != nil)
            // The lines of a literal text stand deeper than what holds it.
            if !written.isEmpty, position == .key || tag != nil { text += " " }
            // A text of nothing has no document.
            if written.isEmpty, position == .start, tag == nil { text += "null" }
            text += written.lines(indent: position == .start ? 2 : position == .dash ? indent : indent + 2)
            text += "\n"
        case .sequence(let elements) where elements.isEmpty:
            lead(tag, position)
            text += position == .key || tag != nil ? " []\n" : "[]\n"
        case .mapping(let entries) where entries.isEmpty:
            lead(tag, position)
            text += position == .key || tag != nil ? " {}\n" : "{}\n"
        case .sequence(let elements):
            let isOnLine = open(tag, position)
            let inner = position == .key ? indent + 2 : indent
            for (number, element) in elements.enumerated() {
                space(inner, unless: isOnLine && number == 0)
                text += "- "
                self.node(element, indent: inner + 2, after: .dash)
            }
        case .mapping(let entries):
            let isOnLine = open(tag, position)
            let inner = position == .key ? indent + 2 : indent
            for (number, entry) in entries.enumerated() {
                space(inner, unless: isOnLine && number == 0)
                member(entry, indent: inner)
            }
        }
    }

    private mutating func member(_ entry: YAMLEntry, indent: Int) {
        if case .scalar(let scalar, let isPlain) = entry.key.content, entry.key.tag == nil {
            let key = YAMLScalarText(scalar, isPlain: isPlain, isTagged: false).line
            // YAML looks no further than 1024 characters for the colon.
            if key.unicodeScalars.count <= 1000 {
                text += key + ":"
                node(entry.value, indent: indent, after: .key)
                return
            }
        }
        text += "? "
        node(entry.key, indent: indent + 2, after: .dash)
        space(indent, unless: false)
        text += ": "
        node(entry.value, indent: indent + 2, after: .dash)
    }

    /// A tag before a value that stays on the line.
    private mutating func lead(_ tag: String?, _ position: Position) {
        guard let tag else { return }
        text += (position == .key ? " " : "") + tag
    }

    /// Begins a list or map; whether its first member goes on the same line.
    private mutating func open(_ tag: String?, _ position: Position) -> Bool {
        lead(tag, position)
        if tag == nil, position != .key { return true }
        text += "\n"
        return false
    }

    private mutating func space(_ count: Int, unless isOnLine: Bool) {
        if !isOnLine { text += String(repeating: " ", count: count) }
    }

    /// A tag as it is written; nil where there is none.
    private static func tag(_ tag: String) -> String? {
        let core = "tag:yaml.org,2002:"
        if tag.isEmpty { return nil }
        if tag == "!" { return tag }
        if tag.hasPrefix(core), tag.count > core.count { return "!!" + escaped(String(tag.dropFirst(core.count))) }
        if tag.hasPrefix("!"), !tag.dropFirst().contains("!") { return "!" + escaped(String(tag.dropFirst())) }
        return "!<" + escaped(tag) + ">"
    }

    private static func escaped(_ tag: String) -> String {
        tag.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(byte))
            case _ where "-_.:/@".utf8.contains(byte):
                String(UnicodeScalar(byte))
            case UInt8(ascii: "!") where tag.utf8.first == byte:
                "!"
            default:
                "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
