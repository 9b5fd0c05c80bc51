/// The members of a map that are printed, in their order.
struct CanonicalMembers {
    /// The members, each with its shape.
    private(set) var entries: [(key: String, value: ComposeNode, shape: CanonicalShape)] = []
    /// Whether they are attributes, not names.
    private(set) var isAttributes = false

    init(_ map: ComposeMap, _ shape: CanonicalShape, precedes: (String, String) -> Bool) {
        switch shape {
        case .members(let attributes):
            isAttributes = true
            let printed = map.entries.filter { Self.isPrinted($0, attributes) }
            let ranked = printed.map { (rank: attributes.order[$0.key] ?? .max, entry: $0) }
            let sorted = ranked.sorted {
                $0.rank == $1.rank ? precedes($0.entry.key, $1.entry.key) : $0.rank < $1.rank
            }
            entries = sorted.map { ($0.entry.key, $0.entry.value, attributes.shapes[$0.entry.key] ?? .any) }
        case .each(let shape):
            entries = map.entries.sorted { precedes($0.key, $1.key) }.map { ($0.key, $0.value, shape) }
        case .any, .list:
            entries = map.entries.sorted { precedes($0.key, $1.key) }.map { ($0.key, $0.value, .any) }
        }
    }

    /// The shape of a list's elements.
    static func element(_ shape: CanonicalShape) -> CanonicalShape {
        if case .list(let element) = shape { element } else { .any }
    }

    /// A text that is read back as it is: every `$` doubled.
    static func doubled(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        return text.replacing("$", with: "$$")
    }

    private static func isPrinted(_ entry: ComposeMap.Entry, _ attributes: CanonicalShape.Members) -> Bool {
        if entry.value.isNull { return entry.key.hasPrefix("x-") }
        if attributes.optOut.contains(entry.key) { return entry.value.bool == false }
        if attributes.kept.contains(entry.key) || entry.key.hasPrefix("x-") { return true }
        switch entry.value.value {
        case .null: return false
        case .bool(let flag): return flag
        case .int(let number): return number != 0
        case .double(let number): return number != 0
        case .string(let text): return !text.isEmpty
        case .list(let elements): return !elements.isEmpty
        case .map(let members):
            // A struct of Go is left out where all of it is.
            guard case .members(let inner)? = attributes.shapes[entry.key] else { return !members.isEmpty }
            return members.entries.contains { isPrinted($0, inner) }
        }
    }
}
