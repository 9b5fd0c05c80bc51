import Diagnostics
import JSONText
import StackModel

/// A private network of the stack; containers on it find each other by name.
public struct Network: Sendable {
    let node: ResourceNode
    let declaredSubnet: Subnet?

    /// A network.
    ///
    /// - Parameters:
    ///   - name: its name in the stack.
    ///   - subnet: its IPv4 addresses; chosen at apply when nil.
    ///   - gateway: the host's address on it; the first one when nil.
    ///   - isInternal: whether it has no way out of the host.
    ///   - labels: free text for tools.
    public init(
        _ name: String, subnet: Subnet? = nil, gateway: String? = nil, internal isInternal: Bool = false,
        labels: [String: String] = [:], fileID: String = #fileID, line: Int = #line
    ) {
        var draft = AttributeDraft()
        checkName(name, "network", &draft)
        if let subnet {
            draft.set("subnet", .string(subnet.description))
            if let problem = Self.problem(subnet: subnet) { draft.problems.append(problem) }
        }
        if let gateway {
            draft.set("gateway", .string(gateway))
            if let problem = Self.problem(gateway: gateway, in: subnet) { draft.problems.append(problem) }
        }
        if isInternal { draft.set("internal", true) }
        setLabels(labels, &draft)
        declaredSubnet = subnet
        node = ResourceNode(
            kind: .network, name: name, location: SourceLocation(fileID: fileID, line: line), draft: draft)
    }

    /// The network's id.
    public var id: Reference { Reference(node: node, attribute: "id") }

    /// The network's subnet in CIDR form.
    public var subnet: Reference { Reference(node: node, attribute: "subnet") }

    /// The host's address on the network.
    public var gateway: Reference { Reference(node: node, attribute: "gateway") }

    /// The name of the bridge interface on the host.
    public var bridge: Reference { Reference(node: node, attribute: "bridge") }

    private static func problem(subnet: Subnet) -> Diagnostic? {
        guard let range = subnet.range else {
            return Diagnostic(
                code: "SC1116", summary: "\"\(subnet)\" is no IPv4 subnet",
                hint: "write an address and a prefix length from 1 to 30, such as \"10.42.0.0/24\"")
        }
        guard range.isCanonical else {
            let canonical = "\(formatIPv4(range.first))/\(range.prefixLength)"
            return Diagnostic(
                code: "SC1116", summary: "\"\(subnet)\" does not start at its first address",
                hint: "write \"\(canonical)\"")
        }
        return nil
    }

    private static func problem(gateway: String, in subnet: Subnet?) -> Diagnostic? {
        guard let address = parseIPv4(gateway) else {
            return Diagnostic(code: "SC1116", summary: "the gateway \"\(gateway)\" is no IPv4 address")
        }
        guard let subnet else {
            return Diagnostic(
                code: "SC1116", summary: "a gateway needs a subnet", hint: "add subnet: with the range it is in")
        }
        guard let range = subnet.range, !range.contains(address) else { return nil }
        return Diagnostic(code: "SC1116", summary: "the gateway \(gateway) is not in \(subnet)")
    }
}
