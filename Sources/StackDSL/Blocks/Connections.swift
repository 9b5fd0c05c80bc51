import Diagnostics
import JSONText
import StackModel

/// Puts the container on a network.
public struct Attach: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A network with more names for the container on it, and fixed addresses if wanted.
    ///
    /// - Parameters:
    ///   - network: a network of the stack, or `.existing("name")`.
    ///   - aliases: more names on the network.
    ///   - address: a fixed IPv4 address.
    ///   - address6: a fixed IPv6 address.
    ///   - macAddress: the address of the interface, such as "02:42:ac:11:00:02".
    ///   - linkLocal: more addresses of the interface.
    ///   - options: for the network's driver.
    ///   - gatewayPriority: the network with the highest one has the default route; 0 unless written.
    ///   - interfaceName: the interface's name in the container.
    public init(
        _ network: Network, aliases: String..., address: String? = nil, address6: String? = nil,
        macAddress: String? = nil, linkLocal: [String] = [], options: [String: String] = [:],
        gatewayPriority: Int? = nil, interfaceName: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var endpoint: JSONObject = [
            "network": network.json, "aliases": .array(aliases.map { .string($0) }),
        ]
        if let address { endpoint["address"] = .string(address) }
        if let address6 { endpoint["address6"] = .string(address6) }
        if let macAddress { endpoint["macAddress"] = .string(macAddress) }
        if !linkLocal.isEmpty { endpoint["linkLocal"] = .array(linkLocal.map { .string($0) }) }
        if !options.isEmpty { endpoint["driverOptions"] = .object(sorted(options)) }
        if let gatewayPriority { endpoint["gatewayPriority"] = .int(Int64(gatewayPriority)) }
        if let interfaceName { endpoint["interfaceName"] = .string(interfaceName) }
        var element = BlockElement("Attach", fileID, line, changes: [.append(list: "networks", .object(endpoint))])
        if let node = network.node { element.edges = [Edge(node: node, until: .created)] }
        for alias in aliases where !isHostName(alias) {
            element.problem("SC1109", "the alias \"\(alias)\" is no host name", hint: "use letters, digits and '-'")
        }
        if let address { element.requireAddress(address, in: network) }
        if let address6, !isIPv6(address6) { element.problem("SC1116", "\"\(address6)\" is no IPv6 address") }
        for address in linkLocal where parseIPv4(address) == nil && !isIPv6(address) {
            element.problem("SC1116", "\"\(address)\" is no address")
        }
        if let macAddress { element.requireMACAddress(macAddress) }
        if let interfaceName, interfaceName.isEmpty || interfaceName.utf8.count > 15 || interfaceName.contains("/") {
            element.problem("SC1109", "\"\(interfaceName)\" is no name of an interface", hint: "use at most 15 bytes")
        }
        self.element = element
    }
}

extension BlockElement {
    fileprivate mutating func requireAddress(_ address: String, in network: Network) {
        guard let number = parseIPv4(address) else {
            problem("SC1116", "\"\(address)\" is no IPv4 address")
            return
        }
        guard let node = network.node, let subnet = network.declaredSubnet, let range = subnet.range,
            !range.contains(number)
        else { return }
        problem(
            "SC1116", "\(address) is not in the subnet \(subnet)",
            detail: "\(node.address) is declared at \(node.location).")
    }

    /// Reports a text that is no address of an interface.
    mutating func requireMACAddress(_ text: String) {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
        guard parts.count != 6 || !parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) }) else {
            return
        }
        problem("SC1116", "\"\(text)\" is no MAC address", hint: "write \"02:42:ac:11:00:02\"")
    }
}

/// How far another container must be.
public enum Readiness: Sendable {
    /// Its process runs.
    case started
    /// Its health check has passed.
    case healthy
    /// The health check that its image has, has passed.
    case imageHealthy
    /// It has ended with exit code 0.
    case completed

    var condition: DependencyCondition {
        switch self {
        case .started: .started
        case .healthy, .imageHealthy: .healthy
        case .completed: .completed
        }
    }
}

/// Starts the container only once others are far enough.
public struct DependsOn: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// The containers to wait for.
    public init(
        _ containers: Container..., until readiness: Readiness = .started, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("DependsOn", fileID, line)
        for container in containers {
            element.edges.append(
                Edge(
                    node: container.node, until: readiness.condition, number: container.number,
                    location: element.location))
            if container.number != nil, let problem = container.id.problem { element.problems.append(problem) }
            if readiness == .healthy, container.node.attributes["healthcheck"] == nil {
                element.problem(
                    "SC1107", "\(container.node.address) has no health check, so it never becomes healthy",
                    detail: "It is declared at \(container.node.location).",
                    hint:
                        "add Healthcheck(...) to it, or wait until: .started, or .imageHealthy where its image has one")
            }
        }
        self.element = element
    }
}

/// Pushes the image to a registry once it is made.
///
///     let site = Image("shop/site", debian: .bookworm) { Push("registry.example.com/shop/site:2") }
public struct Push: ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A name in a registry, with its tag.
    public init(_ reference: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement(
            "Push", fileID, line, changes: [.append(list: "push", .string(reference))])
        if !isImageReference(reference) || reference.contains("@") {
            element.problem(
                "SC1109", "\"\(reference)\" is no name to push to",
                hint: "write registry/repository:tag, such as \"registry.example.com/shop/site:2\"")
        }
        self.element = element
    }
}

/// Another name of the image in the local store.
public struct Tag: ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A name, with its tag.
    public init(_ reference: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Tag", fileID, line, changes: [.append(list: "tags", .string(reference))])
        if !isImageReference(reference) || reference.contains("@") {
            element.problem("SC1109", "\"\(reference)\" is no name for an image", hint: "write \"shop/site:2\"")
        }
        self.element = element
    }
}
