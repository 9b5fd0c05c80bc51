import Diagnostics
import JSONText
import StackModel

/// What a resource value points to.
///
/// Copies of a value share the node, so the node is the declaration's identity.
final class ResourceNode: Sendable {
    let kind: ResourceKind
    let name: String
    /// The number of replicas, when the author gave one.
    let replicas: Int?
    let location: SourceLocation
    let protect: Bool
    let attributes: JSONObject
    let locations: [String: SourceLocation]
    let edges: [Edge]
    let problems: [Diagnostic]

    init(
        kind: ResourceKind, name: String, replicas: Int? = nil, location: SourceLocation, protect: Bool = false,
        draft: AttributeDraft
    ) {
        self.kind = kind
        self.name = name
        self.replicas = replicas
        self.location = location
        self.protect = protect
        attributes = draft.attributes
        locations = draft.locations
        edges = draft.edges
        problems = draft.problems
    }

    /// The address of the resource, or of the whole group when it has replicas.
    var address: ResourceAddress { ResourceAddress(kind: kind, name: name) }

    /// One address per replica.
    var addresses: [ResourceAddress] {
        guard let replicas else { return [address] }
        guard replicas > 0 else { return [] }
        return (1...replicas).map { ResourceAddress(kind: kind, name: name, index: $0) }
    }
}

/// One resource refers to another.
struct Edge: Sendable {
    var node: ResourceNode
    var until: DependencyCondition
    /// The line that made the edge; the resource's own when nil.
    var location: SourceLocation?
}
