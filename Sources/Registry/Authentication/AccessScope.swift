/// What a token is to allow, as token servers name it.
///
/// Source: distribution, "Token Scope Documentation".
struct AccessScope: Sendable, Hashable, Comparable, CustomStringConvertible {
    let repository: String
    let actions: String

    static func pull(_ repository: String) -> AccessScope { AccessScope(repository: repository, actions: "pull") }
    static func push(_ repository: String) -> AccessScope { AccessScope(repository: repository, actions: "pull,push") }
    static func delete(_ repository: String) -> AccessScope {
        AccessScope(repository: repository, actions: "delete,pull")
    }

    var description: String { "repository:\(repository):\(actions)" }

    static func < (left: AccessScope, right: AccessScope) -> Bool { left.description < right.description }
}
