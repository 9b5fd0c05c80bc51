import Diagnostics
import JSONText
import StackModel

/// Evaluates a stack with the given inputs; every mistake found is in the document's diagnostics.
func evaluate<Manifest: Stack>(_ type: Manifest.Type, inputs given: GivenInputs) -> StackDocument {
    let stack = Manifest()
    let bound = bindInputs(of: stack, to: given)
    // Without its inputs the body would work on values nobody gave, and report what is not so.
    guard !DiagnosticList(bound.problems).hasErrors else {
        return StackDocument(name: Manifest.name, inputs: bound.inputs, diagnostics: bound.problems)
    }
    var document = document(of: stack.resources, name: stack.name)
    document.inputs = bound.inputs
    document.diagnostics = DiagnosticList(bound.problems + document.diagnostics + PluginSession.takeMisuses()).sorted
    return document
}

/// Finds the `@Input` properties of a stack and gives them their values.
private func bindInputs(of stack: some Stack, to given: GivenInputs) -> (inputs: [StackInput], problems: [Diagnostic]) {
    var inputs: [StackInput] = []
    var problems = given.problems
    let values = Dictionary(given.values.map { ($0.name, $0.given) }, uniquingKeysWith: { $1 })
    for child in Mirror(reflecting: stack).children {
        guard let input = child.value as? any AnyInput, let label = child.label else { continue }
        // The property behind `@Input var servers` is named `_servers`.
        let name = label.hasPrefix("_") ? String(label.dropFirst()) : label
        let (declared, found) = input.bind(name: name, to: values[name])
        inputs.append(declared)
        problems += found
    }
    let names = inputs.map(\.name)
    for (name, value) in given.values where !names.contains(name) {
        let guess = nearest(name, among: names).map { "did you mean \($0)?" }
        let list = names.isEmpty ? "the stack declares no inputs" : "declared inputs: \(names.joined(separator: ", "))"
        problems.append(
            Diagnostic(
                severity: value.mustBeDeclared ? .error : .warning, code: "SC1113",
                summary: "the stack has no input named \(name)", detail: "It was given by \(value.source).",
                hint: guess ?? list))
    }
    return (inputs, problems)
}

/// The document of a list: the listed resources, all that they refer to, the outputs, and what is wrong.
func document(of resources: Resources, name: String) -> StackDocument {
    var collector = NodeCollector()
    var outputs: [Output] = []
    for item in resources.items {
        switch item {
        case .resource(let node): collector.visit(node)
        case .output(let output):
            outputs.append(output)
            for edge in output.text.edges { collector.visit(edge.node) }
        }
    }
    let nodes = collector.nodes
    var document = StackDocument(name: name)
    var checks = StackChecks(nodes: nodes)
    checks.run(name: name, outputs: outputs)
    document.resources = stackResources(of: nodes)
    document.outputs = outputs.map {
        StackOutput(name: $0.name, value: $0.text.json, location: $0.location, sensitive: $0.isSensitive)
    }
    document.diagnostics = DiagnosticList(checks.problems).sorted
    return document
}

/// Walks from the listed resources to all that they refer to; each declaration is met once.
private struct NodeCollector {
    var nodes: [ResourceNode] = []
    private var seen: Set<ObjectIdentifier> = []

    mutating func visit(_ node: ResourceNode) {
        guard seen.insert(ObjectIdentifier(node)).inserted else { return }
        for edge in node.edges { visit(edge.node) }
        nodes.append(node)
    }
}

/// One resource per address, kinds in the order of creation.
private func stackResources(of nodes: [ResourceNode]) -> [StackResource] {
    let completed = Set(
        nodes.flatMap(\.edges).filter { $0.until == .completed }.map { $0.node.address })
    var known: Set<ResourceAddress> = []
    var resources: [StackResource] = []
    for kind in ResourceKind.allCases {
        for node in nodes where node.kind == kind && known.insert(node.address).inserted {
            for address in node.addresses {
                var variant = node.variant(address.index)
                // What another container waits for to complete is meant to end.
                if kind == .container, completed.contains(node.address) { variant.attributes["oneShot"] = true }
                resources.append(
                    StackResource(
                        address: address, attributes: variant.attributes, dependencies: dependencies(variant.edges),
                        location: node.location, protect: node.protect, locations: variant.locations))
            }
        }
    }
    return resources
}

/// The edges of a resource; several to one resource become the one that waits longest.
private func dependencies(_ edges: [Edge]) -> [StackDependency] {
    let order: [DependencyCondition] = DependencyCondition.allCases
    var dependencies: [StackDependency] = []
    var offsets: [ResourceAddress: Int] = [:]
    for edge in edges {
        for address in edge.addresses {
            guard let offset = offsets[address] else {
                offsets[address] = dependencies.count
                dependencies.append(StackDependency(address: address, until: edge.until))
                continue
            }
            let current = order.firstIndex(of: dependencies[offset].until) ?? 0
            if (order.firstIndex(of: edge.until) ?? 0) > current { dependencies[offset].until = edge.until }
        }
    }
    return dependencies
}
