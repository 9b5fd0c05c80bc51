import Diagnostics
import JSONText
import StackModel

/// A private network of the stack; containers on it find each other by name.
public struct Network: Sendable {
    /// Nil for one outside the stack.
    let node: ResourceNode?
    let literal: String
    let declaredSubnet: Subnet?

    /// A network.
    ///
    /// - Parameters:
    ///   - name: its name in the stack.
    ///   - hostName: its name on the host; made of the stack's and its own when nil.
    ///   - subnet: its IPv4 addresses; chosen at apply when nil.
    ///   - gateway: the host's address on it; the first one when nil.
    ///   - range: the part of the subnet that containers get addresses of.
    ///   - auxiliary: addresses that containers do not get, by name.
    ///   - isInternal: whether it has no way out of the host.
    ///   - isAttachable: whether containers outside the stack may join; everywhere the case on one host.
    ///   - ipv6: whether it has IPv6 addresses.
    ///   - subnet6: its IPv6 addresses; chosen at apply when nil.
    ///   - gateway6: the host's IPv6 address on it.
    ///   - range6: the part of the IPv6 subnet that containers get addresses of.
    ///   - auxiliary6: IPv6 addresses that containers do not get, by name.
    ///   - driver: "bridge" is the only one, and the one when nil.
    ///   - options: of the driver, such as "com.docker.network.bridge.name".
    ///   - labels: free text for tools.
    public init(
        _ name: String, name hostName: String? = nil, subnet: Subnet? = nil, gateway: String? = nil,
        range: String? = nil, auxiliary: [String: String] = [:], internal isInternal: Bool = false,
        attachable isAttachable: Bool? = nil, ipv6: Bool? = nil, subnet6: String? = nil, gateway6: String? = nil,
        range6: String? = nil, auxiliary6: [String: String] = [:], driver: String? = nil,
        options: [String: String] = [:], labels: [String: String] = [:], fileID: String = #fileID, line: Int = #line
    ) {
        var draft = AttributeDraft()
        checkName(name, "network", &draft)
        draft.setHostName(hostName, "network")
        draft.setIPv4(subnet, gateway, range, auxiliary)
        if isInternal { draft.set("internal", true) }
        if let isAttachable { draft.set("attachable", .bool(isAttachable)) }
        if let ipv6 { draft.set("ipv6", .bool(ipv6)) }
        draft.setIPv6(subnet6, gateway6, range6, auxiliary6)
        if let driver { draft.set("driver", .string(driver)) }
        if !options.isEmpty { draft.set("options", .object(sorted(options))) }
        setLabels(labels, &draft)
        declaredSubnet = subnet
        literal = name
        node = ResourceNode(
            kind: .network, name: name, location: SourceLocation(fileID: fileID, line: line), draft: draft)
    }

    private init(existing name: String) {
        node = nil
        literal = name
        declaredSubnet = nil
    }

    /// A network outside the stack, by its name on the host; it must be there.
    public static func existing(_ name: String) -> Network { Network(existing: name) }

    /// What endpoints have of it.
    var json: JSONValue {
        node.map { StackReference(address: $0.address, attribute: "id").json } ?? .string(literal)
    }

    private func reference(_ attribute: String) -> Reference {
        if let node { return Reference(node: node, attribute: attribute) }
        return Reference(
            literal: literal,
            problem: Diagnostic(
                code: "SC1122", summary: "the \(attribute) of the network \"\(literal)\" is not known to the stack",
                hint: "declare it: let network = Network(\"\(literal)\")"))
    }

    /// The network's id.
    public var id: Reference { reference("id") }

    /// The network's subnet in CIDR form.
    public var subnet: Reference { reference("subnet") }

    /// The host's address on the network.
    public var gateway: Reference { reference("gateway") }

    /// The name of the bridge interface on the host.
    public var bridge: Reference { reference("bridge") }
}

extension AttributeDraft {
    fileprivate mutating func setIPv4(
        _ subnet: Subnet?, _ gateway: String?, _ range: String?, _ auxiliary: [String: String]
    ) {
        if let subnet {
            set("subnet", .string(subnet.description))
            if let problem = Self.problem(subnet: subnet) { problems.append(problem) }
        }
        if let gateway {
            set("gateway", .string(gateway))
            if let problem = Self.problem(gateway: gateway, in: subnet) { problems.append(problem) }
        }
        if let range {
            set("range", .string(range))
            let isInside = AddressRange(range).flatMap { part in subnet?.range.map { $0.contains(part.first) } }
            if isInside != true {
                problems.append(
                    Diagnostic(code: "SC1116", summary: "the range \"\(range)\" is no part of the subnet"))
            }
        }
        if !auxiliary.isEmpty { set("auxiliary", .object(sorted(auxiliary))) }
        for (name, address) in auxiliary.sorted(by: { $0.key < $1.key }) where parseIPv4(address) == nil {
            problems.append(
                Diagnostic(code: "SC1116", summary: "\"\(address)\" of \(name) is no IPv4 address"))
        }
    }

    fileprivate mutating func setIPv6(
        _ subnet: String?, _ gateway: String?, _ range: String?, _ auxiliary: [String: String]
    ) {
        for (key, range) in [("subnet6", subnet), ("range6", range)] {
            guard let range else { continue }
            set(key, .string(range))
            if !isIPv6Subnet(range) {
                problems.append(
                    Diagnostic(
                        code: "SC1116", summary: "\"\(range)\" is no IPv6 subnet", hint: "write \"fd00:1::/64\""))
            }
        }
        if let gateway { set("gateway6", .string(gateway)) }
        if !auxiliary.isEmpty { set("auxiliary6", .object(sorted(auxiliary))) }
        for address in [gateway].compactMap(\.self) + auxiliary.values.sorted() where !isIPv6(address) {
            problems.append(Diagnostic(code: "SC1116", summary: "\"\(address)\" is no IPv6 address"))
        }
    }

    /// Sets the name on the host.
    mutating func setHostName(_ name: String?, _ kind: String) {
        guard let name else { return }
        set("name", .string(name))
        guard !isHostObjectName(name) else { return }
        problems.append(
            Diagnostic(
                code: "SC1109", summary: "\"\(name)\" is no name for a \(kind)",
                hint: "use letters, digits, '_', '.' and '-'"))
    }

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
