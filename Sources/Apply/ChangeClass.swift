/// What a change costs, cheapest first.
package enum ChangeClass: Int, Comparable, Sendable, Hashable, CaseIterable {
    /// Nothing happens to the object.
    case none
    /// Changed while it runs.
    case live
    /// The process is stopped and started again; the object stays.
    case restart
    /// The object is deleted and made again.
    case recreate
    /// The object is deleted and made again, and the data in it is lost.
    case dataLoss

    package static func < (left: ChangeClass, right: ChangeClass) -> Bool { left.rawValue < right.rawValue }

    /// The word used in JSON and in text.
    package var name: String {
        switch self {
        case .none: "none"
        case .live: "live"
        case .restart: "restart"
        case .recreate: "recreate"
        case .dataLoss: "dataLoss"
        }
    }

    /// The class of this name.
    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}
