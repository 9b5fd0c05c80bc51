import Diagnostics
import JSONText
import StackModel

/// What only the whole stack shows: names, ports, subnets, addresses and cycles.
struct StackChecks {
    let nodes: [ResourceNode]
    var problems: [Diagnostic] = []

    init(nodes: [ResourceNode]) { self.nodes = nodes }

    mutating func run(name: String, outputs: [Output]) {
        checkStackName(name)
        collectOwnProblems()
        checkDuplicates()
        checkOutputs(outputs)
        checkPorts()
        checkSubnets()
        checkEndpoints()
        checkMountTargets()
        checkHostNames()
        checkNetworkModes()
        checkCycles()
    }

    private mutating func checkStackName(_ name: String) {
        guard !isStackName(name) else { return }
        problems.append(
            Diagnostic(
                code: "SC1123", summary: "\"\(name)\" is no name for a stack",
                hint: "write static let name = \"my-stack\" with lower-case letters, digits, '-' and '_'"))
    }

    private mutating func collectOwnProblems() {
        for node in nodes {
            for problem in node.problems {
                var located = problem
                located.address = problem.address ?? node.address.description
                located.location = problem.location ?? node.location
                problems.append(located)
            }
        }
    }

    private mutating func checkDuplicates() {
        var first: [ResourceAddress: ResourceNode] = [:]
        for node in nodes {
            guard let earlier = first[node.address] else {
                first[node.address] = node
                continue
            }
            let isSameLine = earlier.location == node.location
            // A passive resource made twice by one line, such as a computed property, is one resource.
            if isSameLine, node.kind != .container, earlier.attributes == node.attributes { continue }
            problems.append(
                Diagnostic(
                    code: "SC1101", summary: "two \(node.kind.rawValue)s are named \"\(node.name)\"",
                    detail: isSameLine
                        ? "Both are made by this line." : "The other one is at \(earlier.location).",
                    hint: isSameLine
                        ? "make it once with let and pass the value, or put the loop's variable into the name"
                        : "give each its own name",
                    address: node.address.description, location: node.location))
        }
    }

    private mutating func checkOutputs(_ outputs: [Output]) {
        var first: [String: SourceLocation] = [:]
        for output in outputs {
            problems += output.text.problems.map { problem in
                var located = problem
                located.location = output.location
                return located
            }
            if output.name.isEmpty {
                problems.append(
                    Diagnostic(code: "SC1125", summary: "an output needs a name", location: output.location))
            } else if let earlier = first[output.name] {
                problems.append(
                    Diagnostic(
                        code: "SC1125", summary: "two outputs are named \"\(output.name)\"",
                        detail: "The other one is at \(earlier).", location: output.location))
            }
            first[output.name] = first[output.name] ?? output.location
        }
    }

    private mutating func checkSubnets() {
        var ranges: [(node: ResourceNode, range: AddressRange, text: String)] = []
        for node in nodes where node.kind == .network {
            guard let text = node.attributes["subnet"]?.stringValue, let range = AddressRange(text),
                !ranges.contains(where: { $0.node.address == node.address })
            else { continue }
            if let other = ranges.first(where: { $0.range.overlaps(range) }) {
                problems.append(
                    Diagnostic(
                        code: "SC1103", summary: "the subnet \(text) overlaps \(other.text) of \(other.node.address)",
                        detail: "\(other.node.address) is declared at \(other.node.location).",
                        hint: "choose another range, or leave subnet: out to have one chosen",
                        address: node.address.description, location: node.location))
            }
            ranges.append((node, range, text))
        }
    }

    /// Walks the graph of addresses; values cannot make a cycle, names that are used twice can.
    private mutating func checkCycles() {
        var edges: [ResourceAddress: [ResourceAddress]] = [:]
        var places: [ResourceAddress: SourceLocation] = [:]
        for node in nodes {
            edges[node.address, default: []] += node.edges.map(\.node.address)
            places[node.address] = places[node.address] ?? node.location
        }
        var finished: Set<ResourceAddress> = []
        for node in nodes where !finished.contains(node.address) {
            if let cycle = findCycle(from: node.address, edges, path: [], &finished) {
                let names = (cycle + [cycle[0]]).map(\.description).joined(separator: " → ")
                problems.append(
                    Diagnostic(
                        code: "SC1104", summary: "the resources depend on each other in a circle", detail: names,
                        hint: "remove one of the references", address: cycle[0].description, location: places[cycle[0]])
                )
            }
        }
    }

    private func findCycle(
        from address: ResourceAddress, _ edges: [ResourceAddress: [ResourceAddress]], path: [ResourceAddress],
        _ finished: inout Set<ResourceAddress>
    ) -> [ResourceAddress]? {
        if let start = path.firstIndex(of: address) { return Array(path[start...]) }
        guard !finished.contains(address) else { return nil }
        for next in edges[address] ?? [] {
            if let cycle = findCycle(from: next, edges, path: path + [address], &finished) {
                finished.insert(address)
                return cycle
            }
        }
        finished.insert(address)
        return nil
    }
}
