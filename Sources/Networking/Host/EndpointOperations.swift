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
        let bases = try places.map { try base(of: $0.network) }
        let inside = try ContainerLinks(netns)
        for (place, base) in zip(places, bases) { try create(place, on: base, netns: netns) }
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
            let base = try base(of: place.network)
            let isInside = try inside.hasLink(place.endpoint)
            if place.network.driver != .bridge {
                if !isInside { try create(place, on: base, netns: netns) }
            } else if isInside, let host = try routes.link(named: place.endpoint.hostInterfaceName) {
                if host.master != base.index { try makePort(host, of: base, place.network) }
                if !host.isUp { try routes.setUp(host.index) }
            } else {
                try create(place, on: base, netns: netns)
            }
            try inside.configure(place)
        }
        try inside.bringUpLoopback()
        try inside.setDefaultRoute(places)
    }

    /// Makes what there is of these containers' host ends ports of a bridge that was made anew.
    func reattach(_ endpoints: [EndpointSpecification], to network: NetworkSpecification) throws {
        guard network.driver == .bridge else { return }
        let bridge = try base(of: network)
        for endpoint in endpoints {
            guard let link = try routes.link(named: endpoint.hostInterfaceName) else { continue }
            if link.master != bridge.index { try makePort(link, of: bridge, network) }
        }
    }

    /// Makes the container's interface: one end of a pair, or a child of the parent interface.
    private func create(_ place: EndpointPlace, on base: Link, netns: SharedDescriptor) throws {
        switch place.network.driver {
        case .bridge: try createPair(place, bridge: base, netns: netns)
        case .macvlan: try routes.createMacvlan(child(place, on: base, netns), mode: Self.macvlanMode(place.network))
        case .ipvlan:
            let settings = place.network.settings
            let mode = ["l2", "l3", "l3s"].firstIndex(of: settings.childMode) ?? 0
            let flag = ["bridge", "private", "vepa"].firstIndex(of: settings.childFlag) ?? 0
            var link = child(place, on: base, netns)
            // It has its parent's.
            link.address = nil
            try routes.createIPvlan(link, mode: UInt16(mode), flags: UInt16(flag))
        }
    }

    private func child(_ place: EndpointPlace, on base: Link, _ netns: SharedDescriptor) -> RouteSocket.ChildLink {
        RouteSocket.ChildLink(
            name: place.endpoint.interfaceName, parent: base.index, namespace: netns.raw,
            address: place.endpoint.macAddress, mtu: place.network.mtu.map { UInt32($0) })
    }

    private static func macvlanMode(_ network: NetworkSpecification) -> UInt32 {
        switch network.settings.childMode {
        case "private": 1
        case "vepa": 2
        case "passthru": 8
        default: 4
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
        try routes.setHairpin(link.index, true, isolated: !place.network.settings.joinsContainers)
        try routes.setUp(link.index)
    }

    /// A port that changes its bridge loses what it was told before.
    private func makePort(_ link: Link, of bridge: Link, _ network: NetworkSpecification) throws {
        try routes.setMaster(link.index, bridge.index)
        try routes.setHairpin(link.index, true, isolated: !network.settings.joinsContainers)
    }

    /// The bridge, or the parent interface.
    private func base(of network: NetworkSpecification) throws -> Link {
        try routes.existingLink(named: network.driver == .bridge ? network.bridgeName : network.parentName)
    }
}
