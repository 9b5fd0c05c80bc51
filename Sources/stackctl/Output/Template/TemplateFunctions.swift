import JSONText

/// The functions of templates: Go's own, and those that Docker adds.
enum TemplateFunctions {
    private static let names: Set<String> = [
        "and", "eq", "ge", "gt", "html", "index", "join", "json", "le", "len", "lower", "lt", "ne", "not", "or", "pad",
        "print", "printf", "println", "slice", "split", "title", "truncate", "upper", "urlquery",
    ]

    static func isKnown(_ name: String) -> Bool { names.contains(name) }

    static func call(_ name: String, _ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        switch name {
        case "eq", "ne", "lt", "le", "gt", "ge": return TemplateValue(.bool(try compare(name, arguments)))
        case "index": return try index(arguments)
        case "slice": return try slice(arguments)
        case "print": return .text(print(arguments))
        case "println": return .text(arguments.map(\.text).joined(separator: " ") + "\n")
        case "printf": return .text(try GoFormat.format(arguments))
        case "html": return .text(html(print(arguments)))
        case "urlquery": return .text(urlQuery(print(arguments)))
        case "json", "not", "len", "lower", "upper", "title": return try unary(name, try one(arguments))
        default: return try text(name, arguments)
        }
    }

    private static func one(_ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        guard let first = arguments.first, arguments.count == 1 else {
            throw TemplateError("wrong number of args: want 1 got \(arguments.count)")
        }
        return first
    }

    private static func unary(_ name: String, _ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch name {
        case "json":
            // Go writes the entries of a map in their order, the fields of an object in its own.
            let isMap = value.field.map { GoShape.maps.contains($0) } ?? false
            guard var members = value.json.objectValue, isMap || members[LabelText.hiddenMember] != nil else {
                return .text(value.json.serialized(.compact))
            }
            members[LabelText.hiddenMember] = nil
            return .text(JSONValue.object(members.sortedByKey()).serialized(.compact))
        case "not": return TemplateValue(.bool(!value.isTrue))
        case "len":
            switch value.json {
            case .string(let text): return TemplateValue(.int(Int64(text.utf8.count)))
            case .array(let items): return TemplateValue(.int(Int64(items.count)))
            case .object(let members): return TemplateValue(.int(Int64(members.count)))
            case .null where value.field.map({ GoShape.maps.contains($0) || GoShape.lists.contains($0) }) == true:
                return TemplateValue(0)
            default: throw TemplateError("len of \(value.kind)")
            }
        case "lower": return .text(try string(value).lowercased())
        case "upper": return .text(try string(value).uppercased())
        default: return .text(title(try string(value)))
        }
    }

    /// `join`, `split`, `pad` and `truncate`.
    private static func text(_ name: String, _ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        let wanted = name == "pad" ? 3 : 2
        guard arguments.count == wanted, let first = arguments.first, let last = arguments.last else {
            throw TemplateError("wrong number of args: want \(wanted) got \(arguments.count)")
        }
        switch name {
        case "join":
            guard let items = first.json.arrayValue ?? (first.json == .null ? [] : nil) else {
                throw TemplateError("expected a list, found \(first.kind)")
            }
            return .text(items.map(TemplateValue.text).joined(separator: try string(last)))
        case "split":
            let (whole, separator) = (try string(first), try string(last))
            guard !separator.isEmpty else { return TemplateValue(.array(whole.map { .string(String($0)) })) }
            return TemplateValue(.array(parts(of: whole, separator).map { .string($0) }))
        case "pad":
            let sides = try arguments.dropFirst().map { value throws(TemplateError) in try number(value, upTo: 10_000) }
            let whole = try string(first)
            guard !whole.isEmpty else { return .text("") }
            return .text(
                String(repeating: " ", count: sides.first ?? 0) + whole
                    + String(repeating: " ", count: sides.last ?? 0))
        default: return .text(String(try string(first).prefix(try number(last, upTo: .max))))
        }
    }

    private static func parts(of text: String, _ separator: String) -> [String] {
        var parts: [String] = []
        var rest = text[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }

    private static func index(_ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        guard var value = arguments.first else { throw TemplateError("wrong number of args: want at least 1 got 0") }
        for key in arguments.dropFirst() {
            switch value.json {
            case .array(let items):
                let position = try number(key, upTo: .max)
                guard items.indices.contains(position) else {
                    throw TemplateError("index out of range: \(position)")
                }
                value = TemplateValue(items[position])
            case .object(let members):
                let name = try string(key)
                // The zero value of a map's type; most are maps of texts.
                value = TemplateValue(members[name] ?? .string(""), field: name)
            case .null where value.field.map(GoShape.maps.contains) == true: value = TemplateValue("")
            case .string(let text) where text.isEmpty && value.field != nil:
                throw TemplateError("index of nothing: there is no entry \"\(value.field ?? "")\"")
            default: throw TemplateError("can't index item of \(value.kind)")
            }
        }
        return value
    }

    private static func slice(_ arguments: [TemplateValue]) throws(TemplateError) -> TemplateValue {
        guard let value = arguments.first, arguments.count <= 3 else {
            throw TemplateError("wrong number of args: want 1 to 3 got \(arguments.count)")
        }
        func bounds(_ count: Int) throws(TemplateError) -> Range<Int> {
            let low = arguments.count > 1 ? try number(arguments[1], upTo: .max) : 0
            let high = arguments.count > 2 ? try number(arguments[2], upTo: .max) : count
            guard low <= high, high <= count else { throw TemplateError("index out of range: \(max(low, high))") }
            return low..<high
        }
        switch value.json {
        case .string(let text):
            let bytes = Array(text.utf8)
            return .text(String(decoding: bytes[try bounds(bytes.count)], as: UTF8.self))
        case .array(let items): return TemplateValue(.array(Array(items[try bounds(items.count)])))
        default: throw TemplateError("can't slice item of \(value.kind)")
        }
    }

    private static func compare(_ name: String, _ arguments: [TemplateValue]) throws(TemplateError) -> Bool {
        guard let first = arguments.first?.json, arguments.count > 1 else {
            throw TemplateError("missing argument for comparison")
        }
        let others = arguments.dropFirst().map(\.json)
        if name == "eq" { return others.contains { isEqual(first, $0) } }
        guard let second = others.first, others.count == 1 else {
            throw TemplateError("wrong number of args: want 2 got \(arguments.count)")
        }
        if name == "ne" { return !isEqual(first, second) }
        let isLess: Bool
        if let left = first.doubleValue, let right = second.doubleValue {
            isLess = left < right
        } else if let left = first.stringValue, let right = second.stringValue {
            isLess = left.utf8.lexicographicallyPrecedes(right.utf8)
        } else {
            throw TemplateError("incompatible types for comparison")
        }
        switch name {
        case "lt": return isLess
        case "le": return isLess || isEqual(first, second)
        case "gt": return !isLess && !isEqual(first, second)
        default: return !isLess
        }
    }

    private static func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let left = left.doubleValue, let right = right.doubleValue { return left == right }
        return left == right
    }

    /// As Go's `Sprint`: a space between operands where neither is a text.
    private static func print(_ arguments: [TemplateValue]) -> String {
        var result = ""
        for (index, value) in arguments.enumerated() {
            let isText = value.json.stringValue != nil
            if index > 0, !isText, arguments[index - 1].json.stringValue == nil { result += " " }
            result += value.text
        }
        return result
    }

    static func string(_ value: TemplateValue) throws(TemplateError) -> String {
        guard let text = value.json.stringValue else { throw TemplateError("expected string; found \(value.kind)") }
        return text
    }

    private static func number(_ value: TemplateValue, upTo limit: Int) throws(TemplateError) -> Int {
        guard let number = value.json.intValue.flatMap({ Int(exactly: $0) }), number >= 0, number <= limit else {
            throw TemplateError("expected a whole number that is zero or more; found \(value.text)")
        }
        return number
    }

    private static func title(_ text: String) -> String {
        var startsWord = true
        var result = ""
        for character in text {
            result += startsWord ? character.uppercased() : String(character)
            startsWord = !(character.isLetter || character.isNumber || character == "_" || character == "'")
        }
        return result
    }

    private static func html(_ text: String) -> String {
        let escapes: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&#34;", "'": "&#39;"]
        return text.map { escapes[$0] ?? String($0) }.joined()
    }

    private static func urlQuery(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            if isPlain || "-_.~".unicodeScalars.contains(scalar) { return String(scalar) }
            if byte == 0x20 { return "+" }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}

extension TemplateValue {
    static func text(_ text: String) -> TemplateValue { TemplateValue(.string(text)) }
}
