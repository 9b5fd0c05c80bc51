import Diagnostics

extension ComposeNode {
    /// A text.
    static func text(_ text: String, at location: SourceLocation) -> ComposeNode {
        ComposeNode(.string(text), at: location)
    }

    /// The same node with another value.
    func with(_ value: Value) -> ComposeNode {
        ComposeNode(value, at: location, instruction: instruction)
    }

    /// The node as a text, where it is a number or a truth value.
    var asText: ComposeNode {
        guard string == nil, let text = text else { return self }
        return with(.string(text))
    }

    /// Whether both mean the same, wherever they are written.
    func isEquivalent(to other: ComposeNode) -> Bool {
        switch (value, other.value) {
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isEquivalent(to: $1) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && left.entries.allSatisfy { entry in
                    right[entry.key].map { entry.value.isEquivalent(to: $0) } ?? false
                }
        default: return value == other.value
        }
    }
}

extension ComposeMap {
    /// The map with every value replaced; a nil takes the member out.
    func mapValues(_ change: (Entry) -> ComposeNode?) -> ComposeMap {
        ComposeMap(
            entries.compactMap { entry in
                change(entry).map { Entry(key: entry.key, value: $0, location: entry.location) }
            })
    }

    /// Sets a member where there is none.
    mutating func fill(_ key: String, _ value: ComposeNode.Value, at location: SourceLocation) {
        guard entry(key) == nil else { return }
        self[key] = ComposeNode(value, at: location)
    }
}
