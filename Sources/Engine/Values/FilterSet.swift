import JSONText
import Linux

/// The `filters` parameter: names with accepted values.
package struct FilterSet: Sendable, Hashable {
    private var values: [String: [String]] = [:]

    /// No filter.
    package init() {}

    /// Reads both of Docker's notations: `{"label":["a=b"]}` and `{"label":{"a=b":true}}`.
    ///
    /// - Throws: for anything else, and for a name that is not `allowed`.
    package init(_ text: String?, allowed: Set<String>) throws(EngineError) {
        guard let text, !text.isEmpty else { return }
        guard let object = (try? JSONValue.parse(text))?.objectValue else {
            throw EngineError(.invalid, "invalid filter: the filters are not a JSON object")
        }
        for (name, value) in object {
            guard allowed.contains(name) else { throw EngineError(.invalid, "invalid filter '\(name)'") }
            switch value {
            case .array(let list):
                values[name] = list.compactMap(\.stringValue)
            case .object(let set):
                values[name] = set.keys.filter { set[$0] == .bool(true) }
            default: throw EngineError(.invalid, "invalid filter '\(name)': expected a list")
            }
        }
    }

    /// Whether nothing is filtered.
    package var isEmpty: Bool { values.isEmpty }

    /// Whether nothing is filtered by `name`.
    package func lacks(_ name: String) -> Bool { values[name]?.isEmpty ?? true }

    /// The accepted values.
    package subscript(name: String) -> [String] { values[name] ?? [] }

    /// Whether there is no such filter, or one of its values satisfies `test`.
    package func allows(_ name: String, where test: (String) -> Bool) -> Bool {
        guard let accepted = values[name], !accepted.isEmpty else { return true }
        return accepted.contains(where: test)
    }

    /// Whether every `label` filter is met and no `label!` is.
    package func allows(labels: [String: String]) -> Bool {
        self["label"].allSatisfy { Self.matches($0, labels) } && !self["label!"].contains { Self.matches($0, labels) }
    }

    /// The time of an `until` filter: a time, or an age.
    ///
    /// - Throws: for more than one, and for what is neither.
    package func until(named name: String = "until", now: Timestamp = Clock.now()) throws(EngineError) -> Timestamp? {
        guard let text = self[name].first else { return nil }
        guard self[name].count == 1 else { throw EngineError(.invalid, "more than one \(name) filter specified") }
        guard let time = ClientTime.read(text, before: now) else {
            throw EngineError(.invalid, "invalid filter '\(name)': \"\(text)\" is neither a time nor an age")
        }
        return time
    }

    /// Whether a filter that takes a boolean is met by the value.
    package func allows(_ name: String, _ value: Bool) -> Bool {
        allows(name) { ["1", "true", "True", "TRUE", "t", "T"].contains($0) == value }
    }

    private static func matches(_ filter: String, _ labels: [String: String]) -> Bool {
        let sides = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = sides.first, let value = labels[String(name)] else { return false }
        return sides.count == 1 || value == sides[1]
    }
}
