import JSONText

/// Reads typed members of a JSON object from a client and says which one is wrong.
///
/// An absent or null member counts as not given, as in Docker's own decoder. Unknown members are ignored.
package struct FieldReader {
    private let object: JSONObject
    private let path: String
    /// Whether the object is one of ours: it was checked when it came in, and rules may have changed since.
    package let isStored: Bool

    /// A reader of `value`, which must be an object (or null).
    package init(_ value: JSONValue, path: String = "", isStored: Bool = false) throws(EngineError) {
        self.isStored = isStored
        switch value {
        case .object(let object): self.object = object
        case .null: object = JSONObject()
        default: throw EngineError(.invalid, "\(path.isEmpty ? "the body" : path) must be an object")
        }
        self.path = path
    }

    /// The members' names.
    package var keys: [String] { object.keys }

    private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private func given(_ key: String) -> JSONValue? {
        guard let value = object[key], value != .null else { return nil }
        return value
    }

    /// Any value.
    package func value(_ key: String) -> JSONValue? { given(key) }

    /// Holds a request to a rule; what is stored is taken as it is.
    package func require(_ holds: @autoclosure () -> Bool, _ message: @autoclosure () -> String) throws(EngineError) {
        guard isStored || holds() else { throw EngineError(.invalid, message()) }
    }

    /// Refuses members of a request that would be ignored.
    ///
    /// Nothing, the empty and zero are what clients send for what they do not ask for; so are the `accepted` texts.
    ///
    /// - Throws: the error that names the member.
    package func refuse(_ names: [String], accepting accepted: [String] = []) throws(EngineError) {
        guard !isStored else { return }
        for key in names {
            guard let value = given(key), !value.asksForNothing else { continue }
            if let text = value.stringValue, accepted.contains(text) { continue }
            throw EngineError(.notImplemented, "\(name(key)) is not supported by this engine")
        }
    }

    /// A string.
    package func string(_ key: String) throws(EngineError) -> String? {
        guard let value = given(key) else { return nil }
        guard let text = value.stringValue else { throw bad(key, "a string") }
        guard !text.utf8.contains(0) else { throw EngineError(.invalid, "\(name(key)) contains a NUL byte") }
        return text
    }

    /// A string, empty where not given.
    package func text(_ key: String) throws(EngineError) -> String { try string(key) ?? "" }

    /// A whole number.
    package func integer(_ key: String) throws(EngineError) -> Int64? {
        guard let value = given(key) else { return nil }
        guard let number = value.intValue else { throw bad(key, "a whole number") }
        return number
    }

    /// A whole number within bounds.
    package func integer(_ key: String, in range: ClosedRange<Int64>) throws(EngineError) -> Int64? {
        guard let number = try integer(key) else { return nil }
        if isStored { return min(max(number, range.lowerBound), range.upperBound) }
        guard range.contains(number) else {
            throw EngineError(
                .invalid, "\(name(key)) must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    /// True or false.
    package func boolean(_ key: String) throws(EngineError) -> Bool? {
        guard let value = given(key) else { return nil }
        guard let flag = value.boolValue else { throw bad(key, "true or false") }
        return flag
    }

    /// True only where so given.
    package func flag(_ key: String) throws(EngineError) -> Bool { try boolean(key) ?? false }

    /// A list of strings; one string counts as a list of one (Docker's `Cmd`, `Entrypoint`).
    package func strings(_ key: String) throws(EngineError) -> [String]? {
        guard let value = given(key) else { return nil }
        if let one = value.stringValue { return one.isEmpty ? [] : [one] }
        guard let values = value.arrayValue else { throw bad(key, "a list of strings") }
        var texts: [String] = []
        for value in values {
            guard let text = value.stringValue else { throw bad(key, "a list of strings") }
            guard !text.utf8.contains(0) else { throw EngineError(.invalid, "\(name(key)) contains a NUL byte") }
            texts.append(text)
        }
        return texts
    }

    /// A list of values.
    package func array(_ key: String) throws(EngineError) -> [JSONValue] {
        guard let value = given(key) else { return [] }
        guard let values = value.arrayValue else { throw bad(key, "a list") }
        return values
    }

    /// A list of objects.
    package func objects(_ key: String) throws(EngineError) -> [FieldReader] {
        var readers: [FieldReader] = []
        for (index, value) in try array(key).enumerated() {
            readers.append(try FieldReader(value, path: "\(name(key))[\(index)]", isStored: isStored))
        }
        return readers
    }

    /// An object.
    package func reader(_ key: String) throws(EngineError) -> FieldReader? {
        guard let value = given(key) else { return nil }
        return try FieldReader(value, path: name(key), isStored: isStored)
    }

    /// The names of an object used as a set.
    package func set(_ key: String) throws(EngineError) -> [String] { try reader(key)?.keys.sorted() ?? [] }

    /// An object of strings.
    package func dictionary(_ key: String) throws(EngineError) -> [String: String] {
        guard let inner = try reader(key) else { return [:] }
        var result: [String: String] = [:]
        for name in inner.keys { result[name] = try inner.text(name) }
        return result
    }

    private func bad(_ key: String, _ expected: String) -> EngineError {
        EngineError(.invalid, "\(name(key)) must be \(expected), not \(object[key]?.kindDescription ?? "absent")")
    }
}

extension JSONObject {
    /// An object whose names are a set.
    static func set(_ members: [String]) -> JSONObject {
        JSONObject(members.sorted().map { ($0, .object(JSONObject())) })
    }
}

extension JSONValue {
    /// Whether a client that fills in every member means nothing by it.
    fileprivate var asksForNothing: Bool {
        switch self {
        case .null, .bool(false), .int(0), .string(""): true
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// A list of strings, or null.
    static func strings(orNull texts: [String]?) -> JSONValue { texts.map { .strings($0) } ?? .null }
}
