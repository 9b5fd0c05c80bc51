import Diagnostics
import JSONText
import StackModel

/// Puts the container on a network.
public struct Attach: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A network with more names for the container on it, and a fixed address if wanted.
    public init(
        _ network: Network, aliases: String..., address: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var endpoint: JSONObject = [
            "network": StackReference(address: network.node.address, attribute: "id").json,
            "aliases": .array(aliases.map { .string($0) }),
        ]
        if let address { endpoint["address"] = .string(address) }
        var element = BlockElement("Attach", fileID, line, changes: [.append(list: "networks", .object(endpoint))])
        element.edges = [Edge(node: network.node, until: .created)]
        for alias in aliases where !isHostName(alias) {
            element.problem("SC1109", "the alias \"\(alias)\" is no host name", hint: "use letters, digits and '-'")
        }
        if let address {
            if let number = parseIPv4(address) {
                if let range = network.declaredSubnet?.range, !range.contains(number) {
                    element.problem(
                        "SC1116", "\(address) is not in the subnet \(network.declaredSubnet?.description ?? "")",
                        detail: "\(network.node.address) is declared at \(network.node.location).")
                }
            } else {
                element.problem("SC1116", "\"\(address)\" is no IPv4 address")
            }
        }
        self.element = element
    }
}

/// The protocol of a port.
public enum PortProtocol: String, Sendable {
    /// TCP.
    case tcp
    /// UDP.
    case udp
}

/// Makes a port of the container reachable on the host.
public struct Publish: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A port of the host leads to a port of the container.
    ///
    /// - Parameters:
    ///   - port: the port of the host.
    ///   - target: the port of the container.
    ///   - transport: TCP unless written.
    ///   - hostAddress: the host's address to listen on; all of them when nil.
    public init(
        _ port: UInt16, to target: UInt16, protocol transport: PortProtocol = .tcp, on hostAddress: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(Int64(port), Int64(target), transport, hostAddress, fileID, line)
    }

    /// A port from a variable, such as an input.
    @_disfavoredOverload
    public init(
        _ port: some BinaryInteger, to target: some BinaryInteger, protocol transport: PortProtocol = .tcp,
        on hostAddress: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(
            Int64(clamping: port), Int64(clamping: target), transport, hostAddress, fileID, line)
    }

    private static func element(
        _ port: Int64, _ target: Int64, _ transport: PortProtocol, _ hostAddress: String?, _ fileID: String,
        _ line: Int
    ) -> BlockElement {
        var entry: JSONObject = [
            "published": .int(port), "target": .int(target), "protocol": .string(transport.rawValue),
        ]
        if let hostAddress { entry["hostAddress"] = .string(hostAddress) }
        var element = BlockElement("Publish", fileID, line, changes: [.append(list: "ports", .object(entry))])
        for number in [port, target] where !(1...65535).contains(number) {
            element.problem("SC1127", "\(number) is no port", hint: "use 1 to 65535")
        }
        if let hostAddress, parseIPv4(hostAddress) == nil {
            element.problem(
                "SC1127", "\"\(hostAddress)\" is no IPv4 address of the host",
                hint: "write \"127.0.0.1\" or leave it out")
        }
        return element
    }
}

/// Documents a port that containers of the image listen on.
public struct Expose: ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A port.
    public init(
        _ port: UInt16, protocol transport: PortProtocol = .tcp, fileID: String = #fileID, line: Int = #line
    ) {
        let value = JSONValue.string("\(port)/\(transport.rawValue)")
        var element = BlockElement("Expose", fileID, line, changes: [.append(list: "exposed", value)])
        if port == 0 { element.problem("SC1127", "port 0 cannot be exposed", hint: "use 1 to 65535") }
        self.element = element
    }
}

/// How far another container must be.
public enum Readiness: Sendable {
    /// Its process runs.
    case started
    /// Its health check has passed.
    case healthy
    /// It has ended with exit code 0.
    case completed

    var condition: DependencyCondition {
        switch self {
        case .started: .started
        case .healthy: .healthy
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
            element.edges.append(Edge(node: container.node, until: readiness.condition, location: element.location))
            if readiness == .healthy, container.node.attributes["healthcheck"] == nil {
                element.problem(
                    "SC1107", "\(container.node.address) has no health check, so it never becomes healthy",
                    detail: "It is declared at \(container.node.location).",
                    hint: "add Healthcheck(...) to it, or wait until: .started")
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
