import Diagnostics
import JSONText
import StackModel

/// The resources of a stack and what each is made after, by position.
package struct DependencyGraph: Sendable {
    /// One thing a resource is made after.
    package struct Edge: Sendable, Hashable {
        /// The position of the resource that comes first.
        package var target: Int
        /// How far it must be.
        package var until: DependencyCondition
        /// Whether an attribute refers to it, beyond the order.
        package var refers: Bool
    }

    /// In the order declared.
    package let resources: [StackResource]
    /// The edges of each resource, at its position.
    package let edges: [[Edge]]
    /// Positions, everything after what it depends on.
    package let order: [Int]
    private let index: AddressIndex

    /// Builds the graph and orders it.
    ///
    /// - Throws: a diagnostic for each address declared twice, each edge that leads nowhere, and for a cycle.
    package init(_ resources: [StackResource]) throws(DiagnosticList) {
        let index = AddressIndex(resources.map(\.address))
        var problems = Self.duplicates(in: resources)
        var edges: [[Edge]] = []
        edges.reserveCapacity(resources.count)
        for resource in resources {
            edges.append(Self.edges(of: resource, index, &problems))
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
        switch TopologicalOrder.of(count: resources.count, edges: { edges[$0].map(\.target) }) {
        case .ordered(let order): self.order = order
        case .cycle(let members): throw DiagnosticList(Self.cycle(members.map { resources[$0] }))
        }
        self.resources = resources
        self.edges = edges
        self.index = index
    }

    /// The position an address leads to; the first replica where the address has no number.
    package func position(of address: ResourceAddress) -> Int? { index.targets(of: address).first }

    /// All positions an address leads to.
    func positions(of address: ResourceAddress) -> [Int] { index.targets(of: address) }

    private static func edges(
        of resource: StackResource, _ index: AddressIndex, _ problems: inout [Diagnostic]
    ) -> [Edge] {
        var found: [Edge] = []
        func add(_ address: ResourceAddress, _ until: DependencyCondition, refers: Bool) {
            let targets = index.targets(of: address)
            if targets.isEmpty { problems.append(nowhere(resource, address)) }
            for target in targets {
                // "Created" is part of every other condition.
                let same = found.firstIndex {
                    $0.target == target && ($0.until == until || $0.until == .created || until == .created)
                }
                if let same {
                    found[same].refers = found[same].refers || refers
                    if found[same].until == .created { found[same].until = until }
                } else {
                    found.append(Edge(target: target, until: until, refers: refers))
                }
            }
        }
        for dependency in resource.dependencies { add(dependency.address, dependency.until, refers: false) }
        for (_, value) in resource.attributes where value.holdsReference {
            for reference in StackReference.references(in: value) { add(reference.address, .created, refers: true) }
        }
        return found
    }

    private static func duplicates(in resources: [StackResource]) -> [Diagnostic] {
        var first: [ResourceAddress: SourceLocation] = [:]
        var problems: [Diagnostic] = []
        for resource in resources {
            if let earlier = first.updateValue(resource.location, forKey: resource.address) {
                problems.append(
                    Diagnostic(
                        code: "SC3101", summary: "\(resource.address) is declared twice",
                        hint: "give one of them another name", address: resource.address.description,
                        location: resource.location, notes: ["the other is at \(earlier)"]))
            }
        }
        return problems
    }

    private static func nowhere(_ resource: StackResource, _ address: ResourceAddress) -> Diagnostic {
        Diagnostic(
            code: "SC3102", summary: "\(resource.address) refers to \(address), which the stack does not have",
            address: resource.address.description, location: resource.location)
    }

    private static func cycle(_ members: [StackResource]) -> Diagnostic {
        let names = (members + members.prefix(1)).map { $0.address.description }
        return Diagnostic(
            code: "SC3103", summary: "resources depend on each other in a circle",
            detail: names.joined(separator: " → "),
            hint: "take one of these dependencies away", address: members.first?.address.description,
            location: members.first?.location, notes: members.map { "\($0.address) is declared at \($0.location)" })
    }
}

/// Finds the positions an address leads to.
struct AddressIndex: Sendable {
    private var exact: [ResourceAddress: Int] = [:]
    private var replicas: [ResourceAddress: [Int]] = [:]

    init(_ addresses: [ResourceAddress]) {
        exact.reserveCapacity(addresses.count)
        for (position, address) in addresses.enumerated() {
            exact[address] = position
            guard address.index != nil else { continue }
            replicas[ResourceAddress(kind: address.kind, name: address.name), default: []].append(position)
        }
    }

    /// The resource itself, or all replicas of the name where the address has no number.
    func targets(of address: ResourceAddress) -> [Int] {
        if let position = exact[address] { return [position] }
        return replicas[address] ?? []
    }
}

extension JSONValue {
    /// Whether a part of the value is known only after apply.
    package var holdsReference: Bool {
        switch self {
        case .array(let elements):
            return elements.contains(where: \.holdsReference)
        case .object(let object):
            if object["$ref"] != nil || object["$text"] != nil { return true }
            return object.contains { $0.value.holdsReference }
        default:
            return false
        }
    }

    /// Whether the value is one leaf for comparison: anything but an object of attributes.
    var isLeaf: Bool {
        guard case .object(let object) = self else { return true }
        return object["$ref"] != nil || object["$text"] != nil
    }
}
