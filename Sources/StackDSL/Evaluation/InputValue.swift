import JSONText

/// A type that an input can have.
public protocol InputValue: Sendable {
    /// The type's name for messages.
    static var inputTypeName: String { get }
    /// A value as an example for `--var`.
    static var inputExample: String { get }
    /// Reads the text given by a flag, the environment or a file; nil when it is no such value.
    static func parseInput(_ text: String) -> Self?
    /// The value as text that `parseInput` reads.
    var inputText: String { get }
}

extension String: InputValue {
    /// "String".
    public static var inputTypeName: String { "String" }
    /// A value as an example.
    public static var inputExample: String { "text" }
    /// The text itself.
    public static func parseInput(_ text: String) -> String? { text }
    /// The text itself.
    public var inputText: String { self }
}

extension Int: InputValue {
    /// "Int".
    public static var inputTypeName: String { "Int" }
    /// A value as an example.
    public static var inputExample: String { "2" }
    /// A decimal number.
    public static func parseInput(_ text: String) -> Int? { Int(text) }
    /// The number in decimal.
    public var inputText: String { description }
}

extension Double: InputValue {
    /// "Double".
    public static var inputTypeName: String { "Double" }
    /// A value as an example.
    public static var inputExample: String { "0.5" }
    /// A finite decimal number.
    public static func parseInput(_ text: String) -> Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
    /// The number in decimal.
    public var inputText: String { description }
}

extension Bool: InputValue {
    /// "Bool".
    public static var inputTypeName: String { "Bool" }
    /// A value as an example.
    public static var inputExample: String { "true" }
    /// true, false, yes, no, on, off, 1 or 0.
    public static func parseInput(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
    /// true or false.
    public var inputText: String { description }
}

extension ByteCount: InputValue {
    /// "ByteCount".
    public static var inputTypeName: String { "ByteCount" }
    /// A value as an example.
    public static var inputExample: String { "256MiB" }
    /// A number with a unit: "256MiB".
    public static func parseInput(_ text: String) -> ByteCount? { ByteCount(text) }
    /// The amount with its unit.
    public var inputText: String { description }
}

extension Duration: InputValue {
    /// "Duration".
    public static var inputTypeName: String { "Duration" }
    /// A value as an example.
    public static var inputExample: String { "30s" }
    /// A number with a unit: "30s", "1m30s".
    public static func parseInput(_ text: String) -> Duration? { parse(text) }
    /// Seconds, or milliseconds when not whole.
    public var inputText: String {
        components.attoseconds == 0
            ? "\(components.seconds)s"
            : "\(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)ms"
    }
}

/// How values of an input are read and shown.
struct InputType<Value> {
    var name: String
    /// The type in a sentence: "a whole number".
    var article: String
    var example: String
    var parse: (String) -> Value?
    var text: (Value) -> String

    /// A flag gives text; a file may also give a JSON number or boolean.
    func read(_ given: JSONValue) -> Value? {
        switch given {
        case .string(let text): parse(text)
        case .int(let number): parse(String(number))
        case .double(let number): parse("\(number)")
        case .bool(let flag): parse(flag ? "true" : "false")
        case .null, .array, .object: nil
        }
    }

    func json(_ value: Value) -> JSONValue {
        switch value {
        case let number as Int: .int(Int64(number))
        case let number as Double: .double(number)
        case let flag as Bool: .bool(flag)
        default: .string(text(value))
        }
    }

    func hint(_ name: String) -> String { "write --var \(name)=\(example)" }
}

extension InputType where Value: InputValue {
    static func of() -> InputType {
        let articles = [
            "String": "text", "Int": "a whole number", "Double": "a number", "Bool": "true or false",
            "ByteCount": "an amount such as 256MiB", "Duration": "a duration such as 30s",
        ]
        let name = Value.inputTypeName
        return InputType(
            name: name, article: articles[name] ?? name, example: Value.inputExample, parse: Value.parseInput,
            text: \.inputText)
    }
}

extension InputType where Value: RawRepresentable<String> & CaseIterable {
    static func cases() -> InputType {
        let words = Value.allCases.map(\.rawValue)
        let list = "one of " + words.joined(separator: ", ")
        return InputType(
            name: list, article: list, example: words.first ?? "", parse: Value.init(rawValue:), text: \.rawValue)
    }
}
