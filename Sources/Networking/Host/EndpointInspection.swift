import Linux

/// What is not as it was made of a container's links, told from what the kernel has on both sides.
struct EndpointInspection: Sendable {
    /// The host's links.
    let host: LinkTable
    /// The container's.
    let inside: ContainerLinkTable

    /// What is not as it was made, for each of the container's places.
    func observe(_ places: [EndpointPlace]) -> [EndpointObservation] {
        let hops = ContainerLinks.defaultHops(places)
        return places.map { place in
            var problems = hostProblems(place) + insideProblems(place)
            let missing = hops.contains { hop in
                hop.endpoint == place.endpoint && hop.gateway.map { !inside.gateways.contains($0) } ?? false
            }
            if problems.isEmpty, missing { problems.append(.defaultRouteMissing) }
            return EndpointObservation(specification: place.endpoint, problems: problems)
        }
    }

    private func hostProblems(_ place: EndpointPlace) -> [NetworkProblem] {
        guard place.network.driver == .bridge else { return [] }
        let name = place.endpoint.hostInterfaceName
        guard let link = host.link(named: name) else { return [.linkMissing(interface: name)] }
        var problems: [NetworkProblem] = link.isUp ? [] : [.linkDown(interface: name)]
        if let bridge = host.link(named: place.network.bridgeName), link.master != bridge.index {
            problems.append(.linkDetached(interface: name, bridge: place.network.bridgeName))
        }
        return problems
    }

    private func insideProblems(_ place: EndpointPlace) -> [NetworkProblem] {
        let name = place.endpoint.interfaceName
        guard let link = inside.links.link(named: name) else { return [.linkMissing(interface: name)] }
        var problems: [NetworkProblem] = link.isUp ? [] : [.linkDown(interface: name)]
        let present = inside.links.addresses(of: link)
        for address in place.endpoint.addresses where !present.contains(address) {
            problems.append(.addressMissing(interface: name, address: address))
        }
        return problems
    }
}

/// The links and the ways out of a container at one moment.
struct ContainerLinkTable: Sendable {
    let links: LinkTable
    /// Where its default routes lead.
    let gateways: Set<IPAddress>

    init(links: LinkTable, gateways: Set<IPAddress>) {
        self.links = links
        self.gateways = gateways
    }

    /// Asks the kernel, in the calling thread's namespace.
    ///
    /// Blocks.
    init() throws(SystemError) {
        let routes = try RouteSocket()
        links = try LinkTable(routes)
        gateways = Set(try routes.routes().filter { $0.destination == nil }.compactMap(\.gateway))
    }
}
