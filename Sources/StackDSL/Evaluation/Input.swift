import Diagnostics
import JSONText
import StackModel

/// A value given from outside: `--var`, the environment, or a file.
///
///     @Input("Web servers to run", in: 1...10) var servers = 2
///     @Input("Domain of the shop") var domain: String
///
/// Without a default the input is required. Types: `String`, `Int`, `Bool`, `Double`, `ByteCount`, `Duration`, and
/// enumerations with a `String` raw value that are `CaseIterable`. Read inputs in `resources` or `name`, not in `init`.
@propertyWrapper
public struct Input<Value: Sendable>: AnyInput {
    let storage: InputStorage<Value>

    /// The value of the input.
    public var wrappedValue: Value {
        guard let value = storage.value else {
            PluginSession.abandon(
                Diagnostic(
                    code: "SC1115", summary: "an input is read before it has a value",
                    detail: "The stack's init runs before inputs are given.", hint: "read it in resources or name",
                    location: storage.location))
        }
        return value
    }

    init(
        _ description: String, type: InputType<Value>, defaultValue: Value?,
        check: @escaping (Value) -> String?, _ fileID: String, _ line: Int
    ) {
        storage = InputStorage(
            description: description, type: type, defaultValue: defaultValue, check: check,
            location: SourceLocation(fileID: fileID, line: line))
    }

    /// Not available: the reader of a mistake needs the description.
    @available(*, unavailable, message: "say what the input is for: @Input(\"Domain of the shop\") var domain: String")
    public init() { preconditionFailure("unavailable") }

    func bind(name: String, to given: GivenInputs.Given?) -> (input: StackInput, problems: [Diagnostic]) {
        storage.bind(name: name, to: given)
    }
}

/// An input of any type, as found in a stack by reflection.
protocol AnyInput {
    func bind(name: String, to given: GivenInputs.Given?) -> (input: StackInput, problems: [Diagnostic])
}

extension Input where Value: InputValue {
    /// An input with a default.
    public init(
        wrappedValue: Value, _ description: String = "", validate: @escaping (Value) -> String? = { _ in nil },
        fileID: String = #fileID, line: Int = #line
    ) {
        self.init(description, type: .of(), defaultValue: wrappedValue, check: validate, fileID, line)
    }

    /// A required input.
    ///
    /// `validate` returns what is wrong with a value, or nil when it is right.
    public init(
        _ description: String, validate: @escaping (Value) -> String? = { _ in nil }, fileID: String = #fileID,
        line: Int = #line
    ) {
        self.init(description, type: .of(), defaultValue: nil, check: validate, fileID, line)
    }
}

extension Input where Value: InputValue & Comparable {
    /// An input with a default and a range.
    public init(
        wrappedValue: Value, _ description: String = "", in range: ClosedRange<Value>, fileID: String = #fileID,
        line: Int = #line
    ) {
        self.init(description, type: .of(), defaultValue: wrappedValue, check: within(range), fileID, line)
    }

    /// A required input with a range.
    public init(
        _ description: String, in range: ClosedRange<Value>, fileID: String = #fileID, line: Int = #line
    ) {
        self.init(description, type: .of(), defaultValue: nil, check: within(range), fileID, line)
    }
}

extension Input where Value: RawRepresentable<String> & CaseIterable {
    /// An input with a default, one of the enumeration's cases.
    public init(
        wrappedValue: Value, _ description: String = "", fileID: String = #fileID, line: Int = #line
    ) {
        self.init(description, type: .cases(), defaultValue: wrappedValue, check: { _ in nil }, fileID, line)
    }

    /// A required input, one of the enumeration's cases.
    public init(_ description: String, fileID: String = #fileID, line: Int = #line) {
        self.init(description, type: .cases(), defaultValue: nil, check: { _ in nil }, fileID, line)
    }
}

private func within<Value: InputValue & Comparable>(_ range: ClosedRange<Value>) -> (Value) -> String? {
    { value in
        range.contains(value)
            ? nil : "it must be from \(range.lowerBound.inputText) to \(range.upperBound.inputText)"
    }
}

/// The shared state of one input; the stack's copies all see the bound value.
final class InputStorage<Value: Sendable> {
    let description: String
    let type: InputType<Value>
    let defaultValue: Value?
    let check: (Value) -> String?
    let location: SourceLocation
    private(set) var value: Value?

    init(
        description: String, type: InputType<Value>, defaultValue: Value?, check: @escaping (Value) -> String?,
        location: SourceLocation
    ) {
        self.description = description
        self.type = type
        self.defaultValue = defaultValue
        self.check = check
        self.location = location
        value = defaultValue
    }

    func bind(name: String, to given: GivenInputs.Given?) -> (input: StackInput, problems: [Diagnostic]) {
        var problems: [Diagnostic] = []
        if let given {
            if let parsed = type.read(given.value) {
                value = parsed
            } else {
                let found = given.value.stringValue.map { "\"\($0)\"" } ?? given.value.serialized()
                problems.append(
                    Diagnostic(
                        code: "SC1112", summary: "the input \(name) must be \(type.article), not \(found)",
                        detail: "It was given by \(given.source).", hint: type.hint(name), location: location))
            }
        } else if defaultValue == nil {
            problems.append(
                Diagnostic(
                    code: "SC1111", summary: "the input \(name) has no value",
                    detail: description.isEmpty ? nil : description + ".",
                    hint: "add --var \(name)=\(type.example)", location: location))
        }
        if problems.isEmpty, let value, let complaint = check(value) {
            let from = given.map { "It was given by \($0.source)." } ?? "It is the input's default."
            problems.append(
                Diagnostic(
                    code: "SC1114", summary: "the input \(name) cannot be \(type.text(value)): \(complaint)",
                    detail: from, location: location))
        }
        let input = StackInput(
            name: name, type: type.name, description: description, defaultValue: defaultValue.map(type.json),
            required: defaultValue == nil, value: value.map(type.json), location: location)
        return (input, problems)
    }
}
