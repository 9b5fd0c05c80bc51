import YAMLText

/// Values of a project as YAML nodes.
struct CanonicalYAML {
    /// Whether a `$` is doubled, so that the text is read back as it is.
    let doublesDollars: Bool

    func text(_ text: String) -> String { doublesDollars ? CanonicalMembers.doubled(text) : text }

    func node(_ map: ComposeMap, _ shape: CanonicalShape) -> YAMLNode {
        let members = CanonicalMembers(map, shape, precedes: YAMLWriter.precedes)
        return .map(members.entries.map { (text($0.key), node($0.value, $0.shape)) })
    }

    func node(_ value: ComposeNode, _ shape: CanonicalShape) -> YAMLNode {
        switch value.value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let string): .string(text(string))
        case .list(let elements): .list(elements.map { node($0, CanonicalMembers.element(shape)) })
        case .map(let members): node(members, shape)
        }
    }
}
