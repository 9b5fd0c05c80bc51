import Diagnostics

/// The members of a map, in the order written.
package struct ComposeMap: Sendable, Hashable {
    /// One member.
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var value: ComposeNode
        /// Where the key is written.
        package var location: SourceLocation

        package init(key: String, value: ComposeNode, location: SourceLocation) {
            self.key = key
            self.value = value
            self.location = location
        }
    }

    /// The members; no key stands twice.
    package private(set) var entries: [Entry] = []
    /// The places of the keys; empty while the members are few enough to look through.
    private var positions: [String: Int] = [:]

    private static let fewEntries = 8

    /// A map without members.
    package init() {}

    /// A map of these members; of two with one key the later value counts, at the first one's place in the order.
    package init(_ entries: some Sequence<Entry>) {
        for entry in entries { set(entry) }
    }

    /// Whether there is no member.
    package var isEmpty: Bool { entries.isEmpty }

    /// The number of members.
    package var count: Int { entries.count }

    /// The keys in order.
    package var keys: [String] { entries.map(\.key) }

    /// The member of a key.
    package func entry(_ key: String) -> Entry? { position(key).map { entries[$0] } }

    private func position(_ key: String) -> Int? {
        entries.count > Self.fewEntries ? positions[key] : entries.firstIndex { $0.key == key }
    }

    private mutating func note(_ positions: Range<Int>) {
        for position in positions { self.positions[entries[position].key] = position }
    }

    /// Sets a member, at its place where the key is there already.
    package mutating func set(_ entry: Entry) {
        if let position = position(entry.key) {
            entries[position] = entry
            return
        }
        entries.append(entry)
        if entries.count == Self.fewEntries + 1 {
            note(0..<entries.count)
        } else if entries.count > Self.fewEntries {
            note(entries.count - 1..<entries.count)
        }
    }

    /// Changes each value in order.
    package mutating func updateValues(_ change: (_ key: String, _ value: inout ComposeNode) -> Void) {
        for position in entries.indices { change(entries[position].key, &entries[position].value) }
    }

    /// Takes a member out and returns it.
    @discardableResult
    package mutating func remove(_ key: String) -> Entry? {
        guard let position = position(key) else { return nil }
        let removed = entries.remove(at: position)
        positions = [:]
        if entries.count > Self.fewEntries { note(0..<entries.count) }
        return removed
    }

    /// The value of a key.
    ///
    /// Setting one puts the key at the value's place; nil takes the member out.
    package subscript(key: String) -> ComposeNode? {
        get { entry(key)?.value }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            set(Entry(key: key, value: newValue, location: entry(key)?.location ?? newValue.location))
        }
    }
}
