import JSONText
import Testing

@Suite("JSON reader")
struct JSONParserTests {
    @Test(
        "scalars are read as their own kind",
        arguments: [
            ("null", JSONValue.null), ("true", true), ("false", false), ("0", 0), ("-12", -12), ("1.5", 1.5),
            ("1e3", 1000.0), ("9223372036854775807", .int(.max)), ("9223372036854775808", .double(9223372036854775808)),
            ("\"a\"", "a"), (" [ ] ", .array([])), ("{ }", .object([:])),
        ])
    func scalars(text: String, expected: JSONValue) throws {
        #expect(try JSONValue.parse(text) == expected)
    }

    @Test("escapes are decoded, pairs joined, lone surrogates replaced")
    func escapes() throws {
        let text = #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\udc00""#
        #expect(try JSONValue.parse(text) == .string("\"\\/\u{8}\u{C}\n\r\té😀\u{FFFD}x\u{FFFD}"))
    }

    @Test("objects keep the order of their keys and the last of equal keys")
    func objects() throws {
        let value = try JSONValue.parse(#"{"b":1,"a":{"x":[1,2]},"b":3}"#)
        #expect(value.objectValue?.keys == ["b", "a"])
        #expect(value["b"] == 3)
        #expect(value["a"]?["x"] == [1, 2])
    }

    @Test(
        "mistakes are named with their place",
        arguments: [
            ("", 1, 1, "the text ends where a value should be"),
            ("{\n  \"a\" 1}", 2, 7, "a colon must follow the name \"a\""),
            ("[1,]", 1, 4, "a value cannot start with ']'"),
            ("[1 2]", 1, 4, "expected a comma or the end of the list, found '2'"),
            ("\"a\nb\"", 1, 3, "a control character must be escaped in a string"),
            ("\"abc", 1, 1, "the string that starts here is not closed"),
            ("01", 1, 2, "there is more after the end of the value"),
            ("1.", 1, 3, "a digit is missing in a number"), ("tru", 1, 1, "expected true"),
            ("1e999", 1, 1, "the number 1e999 is out of range"), ("\"\\x\"", 1, 3, "\\'x' is not an escape of JSON"),
            ("[1", 1, 3, "the text ends inside an unclosed list"), ("nul\u{0}", 1, 1, "expected null"),
        ])
    func mistakes(text: String, line: Int, column: Int, reason: String) {
        #expect(throws: JSONParseError(line: line, column: column, reason: reason)) { try JSONValue.parse(text) }
    }

    @Test("invalid UTF-8 in a string is refused")
    func invalidUTF8() {
        #expect(throws: JSONParseError.self) { try JSONValue.parse([0x22, 0xFF, 0x22]) }
    }

    @Test("nesting and length have limits")
    func limits() {
        let deep = Array(repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSONParseError.self) { try JSONValue.parse(deep) }
        #expect(throws: JSONParseError.self) { try JSONValue.parse("[1,2,3]", limits: JSONLimits(bytes: 3)) }
    }

    @Test("every prefix and every changed byte of a document is either read or refused, never a crash")
    func hostileBytes() {
        let bytes = Array(#"{"a":[1,-2.5e3,true,null,"\u00e9\n"],"b":{"c":"d"}}"#.utf8)
        for end in 0..<bytes.count { _ = try? JSONValue.parse(Array(bytes[..<end])) }
        for offset in bytes.indices {
            for byte: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x5D, 0x80, 0xFF, 0x2D] {
                var changed = bytes
                changed[offset] = byte
                _ = try? JSONValue.parse(changed)
            }
        }
    }
}

@Suite("JSON writer")
struct JSONWriterTests {
    let value: JSONValue = ["b": [1, 2.5, nil, true], "a": "x\"\\\n\u{1}é", "c": [:], "d": []]

    @Test("compact text keeps the order of keys")
    func compact() {
        #expect(value.serialized() == #"{"b":[1,2.5,null,true],"a":"x\"\\\n\u0001é","c":{},"d":[]}"#)
    }

    @Test("canonical text is the same for equal values")
    func canonical() {
        let other: JSONValue = ["d": [], "c": [:], "a": "x\"\\\n\u{1}é", "b": [1, 2.5, nil, true]]
        #expect(other == value)
        #expect(other.hashValue == value.hashValue)
        #expect(other.serializedBytes(.canonical) == value.serializedBytes(.canonical))
        #expect(value.serialized(.canonical).hasPrefix(#"{"a":"#))
    }

    @Test("pretty text is indented by two spaces")
    func pretty() {
        let text = (["a": [1], "b": [:]] as JSONValue).serialized(.pretty)
        #expect(text == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")
    }

    @Test("what is written is read back as the same value", arguments: [JSONStyle.compact, .pretty, .canonical])
    func roundTrip(style: JSONStyle) throws {
        #expect(try JSONValue.parse(value.serialized(style)) == value)
        #expect(try JSONValue.parse(JSONValue.double(1).serialized(style)) == .double(1))
    }

    @Test("a large object finds, replaces and removes members")
    func largeObject() {
        var object = JSONObject()
        for number in 0..<100 { object["key\(number)"] = .int(Int64(number)) }
        object["key50"] = nil
        object["key7"] = "seven"
        #expect(object.count == 99)
        #expect(object["key50"] == nil)
        #expect(object["key7"] == "seven")
        #expect(object["key99"] == 99)
        #expect(object.keys.first == "key0")
    }
}
