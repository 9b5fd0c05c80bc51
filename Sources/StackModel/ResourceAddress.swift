/// The kinds of resource, in the order they are created.
public enum ResourceKind: String, Sendable, Hashable, CaseIterable, Comparable {
    /// A container image.
    case image
    /// A private network.
    case network
    /// A named volume.
    case volume
    /// A container.
    case container

    /// Whether the left kind is created before the right one.
    public static func < (left: ResourceKind, right: ResourceKind) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .image: 0
        case .network: 1
        case .volume: 2
        case .container: 3
        }
    }
}

/// The name of a resource inside its stack: `container.web`, or `container.web[1]` for a replica.
public struct ResourceAddress: Sendable, Hashable {
    /// The kind.
    public var kind: ResourceKind
    /// The name the author gave.
    public var name: String
    /// The replica, from 1; nil when the author gave no number of replicas.
    public var index: Int?

    /// An address.
    public init(kind: ResourceKind, name: String, index: Int? = nil) {
        self.kind = kind
        self.name = name
        self.index = index
    }

    /// Reads `description`; nil when the text is no address.
    public init?(_ text: String) {
        guard let dot = text.firstIndex(of: "."), let kind = ResourceKind(rawValue: String(text[..<dot])) else {
            return nil
        }
        var rest = text[text.index(after: dot)...]
        var index: Int?
        if rest.last == "]" {
            guard let open = rest.lastIndex(of: "["), let number = Int(rest[rest.index(after: open)...].dropLast()),
                number >= 0
            else { return nil }
            index = number
            rest = rest[..<open]
        }
        guard !rest.isEmpty, !rest.contains("["), !rest.contains("]") else { return nil }
        self.init(kind: kind, name: String(rest), index: index)
    }
}

extension ResourceAddress: CustomStringConvertible {
    /// `kind.name` or `kind.name[index]`.
    public var description: String { index.map { "\(kind.rawValue).\(name)[\($0)]" } ?? "\(kind.rawValue).\(name)" }
}

extension ResourceAddress: Comparable {
    /// By kind, then name, then replica.
    public static func < (left: ResourceAddress, right: ResourceAddress) -> Bool {
        if left.kind != right.kind { return left.kind < right.kind }
        if left.name != right.name { return left.name < right.name }
        return (left.index ?? -1) < (right.index ?? -1)
    }
}
