/// What a plan does to one resource.
package enum ChangeAction: String, Sendable, Hashable, CaseIterable {
    /// Made, because it is new or its object is gone.
    case create
    /// Changed while it runs.
    case update
    /// Changed in place with a stop and a start.
    case restart
    /// Deleted and made again.
    case recreate
    /// Started again or made whole; attributes that can change live are set too.
    case repair
    /// Deleted, because it is no longer declared.
    case delete
    /// Left alone.
    case noChange

    /// Whether the object stays and is changed.
    var isInPlace: Bool { self == .update || self == .restart || self == .repair }
}
