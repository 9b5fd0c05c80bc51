/// How much input the parser accepts; text from outside is hostile.
public struct JSONLimits: Sendable {
    /// Deepest nesting of lists and objects.
    public var depth: Int
    /// Most bytes of text.
    public var bytes: Int

    /// Limits; the defaults are 128 levels and 64 MiB.
    public init(depth: Int = 128, bytes: Int = 64 << 20) {
        self.depth = depth
        self.bytes = bytes
    }
}

/// Why a text is not JSON, and where.
public struct JSONParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Line, from 1.
    public var line: Int
    /// Byte in the line, from 1.
    public var column: Int
    /// What is wrong, without a period.
    public var reason: String

    /// An error at a place.
    public init(line: Int, column: Int, reason: String) {
        self.line = line
        self.column = column
        self.reason = reason
    }

    /// "line 3, column 7: …".
    public var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259).
    ///
    /// A key given twice keeps its last value; an unpaired surrogate escape becomes U+FFFD, as in Go's decoder.
    /// - Throws: `JSONParseError` with the place of the first mistake.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONParseError) -> JSONValue {
        guard bytes.count <= limits.bytes else {
            throw JSONParseError(line: 1, column: 1, reason: "the text is longer than \(limits.bytes) bytes")
        }
        var parser = JSONParser(bytes: bytes, depthLimit: limits.depth)
        return try parser.document()
    }

    /// Reads one JSON text from any sequence of bytes.
    public static func parse(
        _ bytes: some Sequence<UInt8>, limits: JSONLimits = JSONLimits()
    ) throws(JSONParseError) -> JSONValue {
        try parse(Array(bytes), limits: limits)
    }

    /// Reads one JSON text.
    public static func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONParseError) -> JSONValue {
        try parse(Array(text.utf8), limits: limits)
    }
}

/// A recursive-descent reader over bytes.
struct JSONParser {
    let bytes: [UInt8]
    let depthLimit: Int
    var position = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func document() throws(JSONParseError) -> JSONValue {
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        if position < bytes.count { throw failure("there is more after the end of the value") }
        return value
    }

    mutating func value(depth: Int) throws(JSONParseError) -> JSONValue {
        guard let byte = next else { throw failure("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("a value cannot start with \(printable(byte))")
        }
    }

    private mutating func object(depth: Int) throws(JSONParseError) -> JSONObject {
        guard depth <= depthLimit else { throw failure("nested deeper than \(depthLimit) levels") }
        position += 1
        var object = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return object
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a member must start with a name in quotes") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon must follow the name \"\(key)\"") }
            position += 1
            skipSpace()
            object[key] = try value(depth: depth)
            if try endOfElement(closing: UInt8(ascii: "}"), in: "object") { return object }
        }
    }

    private mutating func array(depth: Int) throws(JSONParseError) -> [JSONValue] {
        guard depth <= depthLimit else { throw failure("nested deeper than \(depthLimit) levels") }
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            skipSpace()
            elements.append(try value(depth: depth))
            if try endOfElement(closing: UInt8(ascii: "]"), in: "list") { return elements }
        }
    }

    /// Reads the comma or the closing bracket; true at the end.
    private mutating func endOfElement(closing: UInt8, in container: String) throws(JSONParseError) -> Bool {
        skipSpace()
        switch next {
        case closing:
            position += 1
            return true
        case UInt8(ascii: ","):
            position += 1
            return false
        case nil: throw failure("the text ends inside an \(container == "list" ? "unclosed list" : "unclosed object")")
        case let byte?: throw failure("expected a comma or the end of the \(container), found \(printable(byte))")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
        let expected = Array("\(word)".utf8)
        guard bytes.count - position >= expected.count,
            bytes[position..<(position + expected.count)].elementsEqual(expected)
        else { throw failure("expected \(word)") }
        position += expected.count
        return value
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    func failure(_ reason: String, at offset: Int? = nil) -> JSONParseError {
        let end = min(offset ?? position, bytes.count)
        let before = bytes[..<end]
        let line = before.reduce(into: 1) { count, byte in if byte == 0x0A { count += 1 } }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONParseError(line: line, column: end - lineStart + 1, reason: reason)
    }

    func printable(_ byte: UInt8) -> String {
        (0x21...0x7E).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    }
}
