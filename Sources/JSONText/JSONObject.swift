/// The members of a JSON object, in the order they were written.
///
/// Two objects are equal when they have the same members, whatever the order.
public struct JSONObject: Sendable {
    /// One member.
    public typealias Element = (key: String, value: JSONValue)

    private var entries: [Entry] = []
    /// Positions by key; only kept once a linear search would cost more.
    private var positions: [String: Int]?

    fileprivate struct Entry: Sendable {
        var key: String
        var value: JSONValue
    }

    private static let linearLimit = 12

    /// An object without members.
    public init() {}

    /// An object of these members; a key given twice keeps its first place and its last value.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    /// The number of members.
    public var count: Int { entries.count }

    /// Whether there is no member.
    public var isEmpty: Bool { entries.isEmpty }

    /// The keys in order.
    public var keys: [String] { entries.map(\.key) }

    /// The values in order.
    public var values: [JSONValue] { entries.map(\.value) }

    /// The member's value; setting nil removes the member.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { entries[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                entries[position].value = value
            case (let position?, nil):
                entries.remove(at: position)
                positions = nil
                indexIfLarge()
            case (nil, let value?):
                entries.append(Entry(key: key, value: value))
                if positions != nil {
                    positions?[key] = entries.count - 1
                } else {
                    indexIfLarge()
                }
            case (nil, nil):
                break
            }
        }
    }

    /// The same members with their keys in ascending order of Unicode scalars.
    public func sortedByKey() -> JSONObject {
        var sorted = JSONObject()
        sorted.entries = entries.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
        sorted.indexIfLarge()
        return sorted
    }

    private func position(of key: String) -> Int? {
        if let positions { return positions[key] }
        return entries.firstIndex { $0.key == key }
    }

    private mutating func indexIfLarge() {
        guard entries.count > Self.linearLimit else { return }
        var index: [String: Int] = [:]
        index.reserveCapacity(entries.count)
        for (offset, entry) in entries.enumerated() { index[entry.key] = offset }
        positions = index
    }
}

extension JSONObject: Sequence {
    /// The members in order.
    public struct Iterator: IteratorProtocol {
        private var inner: [Entry].Iterator

        fileprivate init(_ entries: [Entry]) { inner = entries.makeIterator() }

        /// The next member.
        public mutating func next() -> Element? { inner.next().map { ($0.key, $0.value) } }
    }

    /// Walks the members in order.
    public func makeIterator() -> Iterator { Iterator(entries) }
}

extension JSONObject: Hashable {
    /// Whether both have the same members, in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        // Same order is the common case and needs no search.
        for (offset, entry) in left.entries.enumerated() {
            let other = right.entries[offset]
            let value: JSONValue? = other.key == entry.key ? other.value : right[entry.key]
            guard value == entry.value else { return false }
        }
        return true
    }

    /// Feeds the members independently of their order.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for entry in entries {
            var member = Hasher()
            member.combine(entry.key)
            member.combine(entry.value)
            combined ^= member.finalize()
        }
        hasher.combine(count)
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object; a key given twice keeps the later value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
