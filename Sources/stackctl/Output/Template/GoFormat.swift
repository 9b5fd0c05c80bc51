import JSONText

/// Go's `printf`: `%v %s %d %q %t %x %f %c %%` with width, precision and the flags `-` and `0`.
enum GoFormat {
    /// Wider columns than any screen has are a mistake.
    private static let widest = 10_000

    static func format(_ arguments: [TemplateValue]) throws(TemplateError) -> String {
        guard let first = arguments.first else { throw TemplateError("wrong number of args: want at least 1 got 0") }
        var rest = try TemplateFunctions.string(first)[...]
        var values = arguments.dropFirst()
        var result = ""
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            rest = rest[rest.index(after: percent)...]
            result += try verb(&rest, &values)
        }
        result += rest
        if !values.isEmpty { result += "%!(EXTRA " + values.map { $0.text }.joined(separator: ", ") + ")" }
        return result
    }

    private static func verb(
        _ rest: inout Substring, _ values: inout ArraySlice<TemplateValue>
    ) throws(TemplateError) -> String {
        let flags = rest.prefix { "-+# 0".contains($0) }
        rest = rest.dropFirst(flags.count)
        let width = try number(&rest) ?? 0
        var precision: Int?
        if rest.first == "." {
            rest.removeFirst()
            precision = try number(&rest) ?? 0
        }
        guard let verb = rest.popFirst() else { return "%!(NOVERB)" }
        if verb == "%" { return "%" }
        guard let value = values.popFirst() else { return "%!\(verb)(MISSING)" }
        var text = rendered(value, verb, precision)
        if flags.contains("+"), (value.json.doubleValue ?? -1) >= 0 { text = "+" + text }
        let padding = max(0, width - text.count)
        if flags.contains("-") { return text + String(repeating: " ", count: padding) }
        let zero = flags.contains("0") && value.json.doubleValue != nil
        return String(repeating: zero ? "0" : " ", count: padding) + text
    }

    private static func number(_ rest: inout Substring) throws(TemplateError) -> Int? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        guard let number = Int(digits), number <= widest else {
            throw TemplateError("a width of \(digits) is too much")
        }
        return number
    }

    private static func rendered(_ value: TemplateValue, _ verb: Character, _ precision: Int?) -> String {
        switch (verb, value.json) {
        case ("v", _), ("d", .int): value.text
        case ("s", .string(let text)): precision.map { String(text.prefix($0)) } ?? text
        case ("s", .array), ("s", .object): value.text
        case ("q", .string(let text)): JSONValue.string(text).serialized(.compact)
        case ("t", .bool): value.text
        case ("x", .int(let number)): String(number, radix: 16)
        case ("X", .int(let number)): String(number, radix: 16, uppercase: true)
        case ("o", .int(let number)): String(number, radix: 8)
        case ("x", .string(let text)):
            text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case ("c", .int(let number)):
            UInt32(exactly: number).flatMap { Unicode.Scalar($0) }.map { String($0) } ?? "\u{FFFD}"
        case ("f", .double(let number)): HumanText.fixed(number, min(precision ?? 6, 15))
        default: "%!\(verb)(\(value.text))"
        }
    }
}
