/// How a value is written as text.
public enum JSONStyle: Sendable {
    /// No space at all, keys in their own order.
    case compact
    /// Two spaces of indentation, keys in their own order.
    case pretty
    /// No space at all, keys sorted: equal values give equal bytes.
    case canonical
}

extension JSONValue {
    /// The value as JSON text.
    public func serialized(_ style: JSONStyle = .compact) -> String {
        String(decoding: serializedBytes(style), as: UTF8.self)
    }

    /// The value as JSON text in UTF-8.
    public func serializedBytes(_ style: JSONStyle = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(self, level: 0)
        return writer.output
    }
}

private struct JSONWriter {
    let style: JSONStyle
    var output: [UInt8] = []

    init(style: JSONStyle) { self.style = style }

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        // JSON has no infinities; null is what other writers print.
        case .double(let value): append(value.isFinite ? "\(value)" : "null")
        case .string(let value): write(string: value)
        case .array(let elements): write(array: elements, level: level)
        case .object(let object): write(object: style == .canonical ? object.sortedByKey() : object, level: level)
        }
    }

    private mutating func write(array elements: [JSONValue], level: Int) {
        output.append(UInt8(ascii: "["))
        for (offset, element) in elements.enumerated() {
            if offset > 0 { output.append(UInt8(ascii: ",")) }
            newline(level + 1)
            write(element, level: level + 1)
        }
        if !elements.isEmpty { newline(level) }
        output.append(UInt8(ascii: "]"))
    }

    private mutating func write(object: JSONObject, level: Int) {
        output.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in object {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            newline(level + 1)
            write(string: key)
            append(style == .pretty ? ": " : ":")
            write(value, level: level + 1)
        }
        if !object.isEmpty { newline(level) }
        output.append(UInt8(ascii: "}"))
    }

    private mutating func write(string: String) {
        output.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20, 0x7F:
                append("\\u00")
                if byte < 0x10 { append("0") }
                append(String(byte, radix: 16))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func newline(_ level: Int) {
        guard style == .pretty else { return }
        output.append(0x0A)
        for _ in 0..<level { append("  ") }
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }
}
