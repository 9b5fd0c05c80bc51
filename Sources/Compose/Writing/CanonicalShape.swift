/// The order in which Docker Compose prints the members of a value, and which of them it leaves out (compose-go, types).
indirect enum CanonicalShape: Sendable {
    /// Anything; keys of maps are sorted.
    case any
    /// A map of names.
    case each(CanonicalShape)
    /// A list.
    case list(CanonicalShape)
    /// A map of attributes: in this order, then the rest by name; those that say nothing are left out, but for `kept`.
    case members(Members)

    /// Attributes of one kind of map.
    struct Members: Sendable {
        /// The attributes in order.
        var order: [String: Int]
        /// Shapes that are not `any`.
        var shapes: [String: CanonicalShape] = [:]
        /// Attributes that are printed even where they are empty, zero or false.
        var kept: Set<String> = []
        /// Attributes that are printed only where they are false.
        var optOut: Set<String> = []
        /// What JSON always has, as Go's encoder writes structs and nil lists.
        var filled: [String: Filling] = [:]
    }

    /// What stands for an attribute that is not there.
    enum Filling: Sendable {
        case null
        case empty
    }

    /// A map of attributes.
    static func members(
        _ order: [String], _ shapes: [String: CanonicalShape] = [:], kept: Set<String> = [],
        optOut: Set<String> = [], filled: [String: Filling] = [:]
    ) -> CanonicalShape {
        let positions = Dictionary(order.enumerated().map { ($1, $0) }) { first, _ in first }
        return .members(Members(order: positions, shapes: shapes, kept: kept, optOut: optOut, filled: filled))
    }
}
