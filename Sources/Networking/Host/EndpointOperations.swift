import Linux

/// The links between containers and bridges.
///
/// Blocking; every operation finds what is there and adds what is missing.
///
/// One end of a veth(4) pair is a port of the network's bridge, the other is made inside the container's namespace, so
/// that it is never seen half configured on the host.
struct EndpointOperations: Sendable {
    let routes: RouteSocket
    let host: HostNamespace

    /// Connects a container to all of its networks.
    ///
    /// - Parameter places: in the order of their numbers.
    func connect(_ places: [EndpointPlace], netns: SharedDescriptor) throws {
        let bridges = try places.map { try bridge(of: $0.network) }
        let inside = try ContainerLinks(netns)
        for (place, bridge) in zip(places, bridges) { try createPair(place, bridge: bridge, netns: netns) }
        try inside.bringUpLoopback()
        for place in places { try inside.configure(place) }
        try inside.setDefaultRoute(places)
    }

    /// Removes a container's links from the host's side, which removes both ends; already gone is fine.
    func disconnect(_ endpoints: [EndpointSpecification]) throws {
        for endpoint in endpoints {
            try routes.delete(named: endpoint.hostInterfaceName)
        }
    }

    /// Makes again what is missing, in the running container.
    func repair(_ places: [EndpointPlace], netns: SharedDescriptor) throws {
        let inside = try ContainerLinks(netns)
        for place in places {
            let bridge = try bridge(of: place.network)
            let host = try routes.link(named: place.endpoint.hostInterfaceName)
            if let host, try inside.hasLink(place.endpoint) {
                if host.master != bridge.index { try makePort(host, of: bridge) }
                if !host.isUp { try routes.setUp(host.index) }
            } else {
                try createPair(place, bridge: bridge, netns: netns)
            }
            try inside.configure(place)
        }
        try inside.bringUpLoopback()
        try inside.setDefaultRoute(places)
    }

    /// Makes what there is of these containers' host ends ports of a bridge that was made anew.
    func reattach(_ endpoints: [EndpointSpecification], to network: NetworkSpecification) throws {
        let bridge = try bridge(of: network)
        for endpoint in endpoints {
            guard let link = try routes.link(named: endpoint.hostInterfaceName) else { continue }
            if link.master != bridge.index { try makePort(link, of: bridge) }
        }
    }

    private func createPair(_ place: EndpointPlace, bridge: Link, netns: SharedDescriptor) throws {
        let endpoint = place.endpoint
        // A pair of an earlier life, whose namespace somebody still holds, has the name.
        try disconnect([endpoint])
        let mtu = place.network.mtu.map { UInt32($0) }
        let name = endpoint.hostInterfaceName
        // The kernel makes the peer first, and cannot switch it on before it has its other end.
        try routes.createVeth(
            VethEnd(name: name, master: bridge.index, mtu: mtu),
            peer: VethEnd(name: endpoint.interfaceName, namespace: netns.raw, address: endpoint.macAddress, mtu: mtu))
        try host.run { try InterfaceSettings.disableIPv6(name) }
        let link = try routes.existingLink(named: name)
        try routes.setHairpin(link.index, true)
        try routes.setUp(link.index)
    }

    /// A port that changes its bridge loses what it was told before.
    private func makePort(_ link: Link, of bridge: Link) throws {
        try routes.setMaster(link.index, bridge.index)
        try routes.setHairpin(link.index, true)
    }

    private func bridge(of network: NetworkSpecification) throws -> Link {
        try routes.existingLink(named: network.bridgeName)
    }
}
