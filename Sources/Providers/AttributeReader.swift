import Diagnostics
import JSONText
import StackModel

/// Reads the attributes of one resource into their normal form and collects everything that is wrong with them.
///
/// What is known only after apply, a `$ref` or a `$text`, passes through unchanged.
struct AttributeReader {
    /// What is wrong.
    private(set) var problems: [Diagnostic] = []
    private let attributes: JSONObject
    private var result = JSONObject()

    init(_ attributes: JSONObject) { self.attributes = attributes }

    /// The normal form, once everything has been read.
    func finished(known: [String]) throws(DiagnosticList) -> JSONObject {
        var problems = problems
        for key in attributes.keys where !known.contains(key) {
            problems.append(
                Diagnostic(
                    code: "SC5101", summary: "there is no attribute \"\(key)\"",
                    hint: nearest(key, among: known).map { "did you mean \"\($0)\"?" }))
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
        return result
    }

    /// Whether a value is known only after apply.
    static func isUnknown(_ value: JSONValue) -> Bool { !StackReference.references(in: value).isEmpty }

    mutating func report(_ key: String, _ expected: String, _ found: JSONValue) {
        problems.append(
            Diagnostic(
                code: "SC5102", summary: "\(key) must be \(expected)",
                detail: "it is \(found.serialized(.compact).prefix(200))"))
    }

    /// Copies a string.
    mutating func text(_ key: String, _ check: (String) -> String? = { $0 }, expected: String = "a string") {
        guard let value = present(key) else { return }
        guard !Self.isUnknown(value) else { return result[key] = value }
        guard let text = value.stringValue, let normal = check(text) else { return report(key, expected, value) }
        result[key] = .string(normal)
    }

    /// Copies a truth value.
    mutating func flag(_ key: String) {
        guard let value = present(key) else { return }
        guard value.boolValue != nil else { return report(key, "true or false", value) }
        result[key] = value
    }

    /// Copies a whole number within a range.
    mutating func integer(_ key: String, in range: ClosedRange<Int64>) {
        guard let value = present(key) else { return }
        guard let number = value.intValue, range.contains(number) else {
            return report(key, "a whole number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        result[key] = .int(number)
    }

    /// Copies a list of strings; a set is sorted.
    mutating func strings(_ key: String, isSet: Bool = false) {
        guard let value = present(key) else { return }
        guard let elements = value.arrayValue, elements.allSatisfy({ Self.isUnknown($0) || $0.stringValue != nil })
        else { return report(key, "a list of strings", value) }
        guard isSet else { return result[key] = value }
        result[key] = .array(Set(elements.compactMap(\.stringValue)).sorted().map { .string($0) })
    }

    /// Copies a list of strings that are each of a form; a set is sorted, and the empty one says nothing.
    mutating func texts(
        _ key: String, isSet: Bool = false, expected: String = "", _ check: (String) -> String? = { $0 }
    ) {
        guard let value = present(key) else { return }
        guard let elements = value.arrayValue else { return report(key, "a list of strings", value) }
        var normal: [JSONValue] = []
        for element in elements {
            if Self.isUnknown(element) {
                normal.append(element)
            } else if let text = element.stringValue, let checked = check(text) {
                normal.append(.string(checked))
            } else {
                return report(key, "a list of \(expected.isEmpty ? "strings" : expected)", value)
            }
        }
        if isSet, normal.allSatisfy({ $0.stringValue != nil }) {
            normal = Set(normal.compactMap(\.stringValue)).sorted().map { .string($0) }
        }
        if !normal.isEmpty { result[key] = .array(normal) }
    }

    /// Copies a list of lists of strings.
    mutating func lists(_ key: String) {
        guard let value = present(key) else { return }
        let isOne = value.arrayValue?.allSatisfy { $0.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false }
        guard isOne ?? false else { return report(key, "a list of lists of strings", value) }
        result[key] = value
    }

    /// Copies names with string values.
    mutating func dictionary(_ key: String) {
        guard let value = present(key) else { return }
        guard let object = value.objectValue,
            object.allSatisfy({ Self.isUnknown($0.value) || $0.value.stringValue != nil })
        else { return report(key, "an object of strings", value) }
        result[key] = value
    }

    /// Rewrites an object member by member.
    mutating func object(_ key: String, _ body: (JSONObject) throws(DiagnosticList) -> JSONObject) {
        guard let value = present(key) else { return }
        guard let object = value.objectValue else { return report(key, "an object", value) }
        do {
            result[key] = .object(try body(object))
        } catch {
            problems += error.diagnostics.map { $0.within(key) }
        }
    }

    /// Rewrites a list of objects; with `order` the list is a set.
    mutating func objects(
        _ key: String, order: ((JSONObject) -> String)? = nil,
        _ body: (JSONObject) throws(DiagnosticList) -> JSONObject
    ) {
        guard let value = present(key) else { return }
        guard let elements = value.arrayValue else { return report(key, "a list of objects", value) }
        var normal: [JSONObject] = []
        for element in elements {
            guard let object = element.objectValue else {
                report(key, "a list of objects", value)
                continue
            }
            do {
                normal.append(try body(object))
            } catch {
                problems += error.diagnostics.map { $0.within(key) }
            }
        }
        if let order { normal.sort { order($0) < order($1) } }
        result[key] = .array(normal.map { .object($0) })
    }

    /// Rewrites an object whose members are objects; the empty one says nothing.
    mutating func members(_ key: String, _ body: (String, inout AttributeReader) -> Void) {
        guard let value = present(key) else { return }
        guard let object = value.objectValue else { return report(key, "an object of objects", value) }
        var normal = JSONObject()
        for (name, member) in object {
            guard let member = member.objectValue else { return report(key, "an object of objects", value) }
            var reader = AttributeReader(member)
            body(name, &reader)
            do {
                normal[name] = .object(try reader.finished(known: reader.read))
            } catch {
                problems += error.diagnostics.map { $0.within("\(key).\(name)") }
            }
        }
        if !normal.isEmpty { result[key] = .object(normal) }
    }

    /// Refuses an object without a member.
    mutating func require(_ key: String, _ expected: String) {
        guard present(key) == nil else { return }
        problems.append(Diagnostic(code: "SC5103", summary: "\(key) is missing", detail: "it must be \(expected)"))
    }

    /// Refuses what no single member is wrong of.
    mutating func refuse(_ summary: String, detail: String? = nil, hint: String? = nil) {
        problems.append(Diagnostic(code: "SC5104", summary: summary, detail: detail, hint: hint))
    }

    /// Sets a member that was not given.
    mutating func fill(_ key: String, _ value: JSONValue) {
        if result[key] == nil, attributes[key] == nil || attributes[key] == .null { result[key] = value }
    }

    /// What was read so far.
    subscript(key: String) -> JSONValue? {
        get { result[key] }
        set { result[key] = newValue }
    }

    /// The members that have been asked for.
    private(set) var read: [String] = []

    private mutating func present(_ key: String) -> JSONValue? {
        read.append(key)
        guard let value = attributes[key], value != .null else { return nil }
        return value
    }
}

extension Diagnostic {
    /// The same problem one level up: `ports: published must be …`.
    fileprivate func within(_ key: String) -> Diagnostic {
        var copy = self
        copy.summary = "\(key): \(summary)"
        return copy
    }
}

extension JSONObject {
    /// The string members.
    func strings(_ key: String) -> [String: String] {
        var result: [String: String] = [:]
        for (name, value) in self[key]?.objectValue ?? JSONObject() { result[name] = value.stringValue }
        return result
    }

    /// The strings of a list.
    func list(_ key: String) -> [String]? { self[key]?.arrayValue?.compactMap(\.stringValue) }
}
