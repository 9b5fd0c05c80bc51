import Linux

/// Something that is not as it was made.
///
/// Its text completes "network x is damaged: …".
package enum NetworkProblem: Sendable, Hashable, CustomStringConvertible {
    /// The network's bridge does not exist.
    case bridgeMissing(name: String)
    /// The network's bridge is down.
    case bridgeDown(name: String)
    /// The bridge does not have the gateway's address.
    case gatewayMissing(bridge: String, address: IPAddress)
    /// The firewall table, or this network's part of it, is gone.
    case rulesMissing(table: String)
    /// A published port's map element is gone.
    case portMissing(PublishedPort)
    /// The kernel no longer forwards packets.
    case forwardingDisabled
    /// The interface of the host that the network's interfaces are made on does not exist.
    case parentMissing(name: String)
    /// The container's interface does not exist.
    case linkMissing(interface: String)
    /// The container's interface, or its other end on the host, is down.
    case linkDown(interface: String)
    /// The host's end is not a port of the network's bridge.
    case linkDetached(interface: String, bridge: String)
    /// The container's interface does not have its address.
    case addressMissing(interface: String, address: IPAddress)
    /// The container has no default route.
    case defaultRouteMissing

    package var description: String {
        switch self {
        case .bridgeMissing(let name): "bridge \(name) is missing"
        case .bridgeDown(let name): "bridge \(name) is down"
        case .gatewayMissing(let bridge, let address): "bridge \(bridge) has lost its address \(address)"
        case .rulesMissing(let table): "firewall rules in table inet \(table) are missing"
        case .portMissing(let port): "published port \(port) is missing in the firewall"
        case .forwardingDisabled:
            "packet forwarding (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding) is switched off"
        case .parentMissing(let name): "parent interface \(name) is missing"
        case .linkMissing(let interface): "link \(interface) is missing"
        case .linkDown(let interface): "link \(interface) is down"
        case .linkDetached(let interface, let bridge): "link \(interface) is not attached to bridge \(bridge)"
        case .addressMissing(let interface, let address): "link \(interface) has lost its address \(address)"
        case .defaultRouteMissing: "the default route is missing"
        }
    }
}

/// What is really there of a network.
package struct NetworkObservation: Sendable, Hashable {
    /// The network as it was decided.
    package var specification: NetworkSpecification
    /// What is not so; empty when all is well.
    package var problems: [NetworkProblem]
}

/// A container's place in a network.
package struct EndpointPlace: Sendable, Hashable {
    package var endpoint: EndpointSpecification
    package var network: NetworkSpecification
}

/// What is really there of a running container's endpoint.
package struct EndpointObservation: Sendable, Hashable {
    /// The endpoint as it was decided.
    package var specification: EndpointSpecification
    /// What is not so; empty when all is well.
    package var problems: [NetworkProblem]
}
