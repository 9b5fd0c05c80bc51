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
    /// What each replica is, where they differ; `attributes` is then that of the first.
    let variants: [AttributeDraft]

    init(
        kind: ResourceKind, name: String, replicas: Int? = nil, location: SourceLocation, protect: Bool = false,
        draft: AttributeDraft, variants: [AttributeDraft] = []
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
        self.variants = variants
    }

    /// The address of the resource, or of the whole group when it has replicas.
    var address: ResourceAddress { ResourceAddress(kind: kind, name: name) }

    /// One address per replica.
    var addresses: [ResourceAddress] {
        guard let replicas else { return [address] }
        guard replicas > 0 else { return [] }
        return (1...replicas).map { ResourceAddress(kind: kind, name: name, index: $0) }
    }

    /// What has to be checked: each replica where they differ, else the one that stands for all; how many it stands for.
    var instances: [(attributes: JSONObject, locations: [String: SourceLocation], count: Int)] {
        guard !variants.isEmpty else { return [(attributes, locations, addresses.count)] }
        return variants.map { ($0.attributes, $0.locations, 1) }
    }

    /// What the replica of a number is.
    func variant(_ number: Int?) -> (attributes: JSONObject, locations: [String: SourceLocation], edges: [Edge]) {
        guard let number, variants.indices.contains(number - 1) else { return (attributes, locations, edges) }
        let variant = variants[number - 1]
        return (variant.attributes, variant.locations, variant.edges)
    }
}

/// One resource refers to another.
struct Edge: Sendable {
    var node: ResourceNode
    var until: DependencyCondition
    /// The replica that is meant; all of them when nil.
    var number: Int?
    /// The line that made the edge; the resource's own when nil.
    var location: SourceLocation?

    init(node: ResourceNode, until: DependencyCondition, number: Int? = nil, location: SourceLocation? = nil) {
        self.node = node
        self.until = until
        self.number = number
        self.location = location
    }

    /// The resources that it leads to.
    var addresses: [ResourceAddress] {
        number.map { number in node.addresses.filter { $0.index == number } } ?? node.addresses
    }
}
