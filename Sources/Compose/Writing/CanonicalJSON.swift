import JSONText

/// Values of a project as JSON.
struct CanonicalJSON {
    /// Whether a `$` is doubled, so that the text is read back as it is.
    let doublesDollars: Bool

    func value(_ map: ComposeMap, _ shape: CanonicalShape) -> JSONValue {
        let members = CanonicalMembers(map, shape, precedes: Self.precedes)
        var result: [(String, JSONValue)] = []
        for entry in members.entries {
            // Go's encoder leaves extensions of attributes out.
            if members.isAttributes, entry.key.hasPrefix("x-") { continue }
            result.append((text(entry.key), value(entry.value, entry.shape)))
        }
        return .object(JSONObject(filled(result, shape)))
    }

    func value(_ node: ComposeNode, _ shape: CanonicalShape) -> JSONValue {
        switch node.value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let string): .string(text(string))
        case .list(let elements): .array(elements.map { value($0, CanonicalMembers.element(shape)) })
        case .map(let members): value(members, shape)
        }
    }

    private func text(_ text: String) -> String { doublesDollars ? CanonicalMembers.doubled(text) : text }

    private func filled(_ members: [(String, JSONValue)], _ shape: CanonicalShape) -> [(String, JSONValue)] {
        guard case .members(let attributes) = shape, !attributes.filled.isEmpty else { return members }
        let present = Set(members.map(\.0))
        var result = members
        for (key, filling) in attributes.filled where !present.contains(key) {
            let value: JSONValue =
                switch filling {
                case .null: .null
                case .empty: .object(JSONObject())
                }
            result.append((key, value))
        }
        return result.sorted { attributes.order[$0.0] ?? .max < attributes.order[$1.0] ?? .max }
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
