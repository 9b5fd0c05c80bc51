import Diagnostics
import Linux
import StateStore

extension NetworkController {
    /// Reserves a container's place in a network: its address is committed, nothing else happens.
    ///
    /// A place that is reserved already stays as it is, but for the aliases.
    ///
    /// - Throws: a `Diagnostic` if the network is not there, the address is taken or outside, or the subnet is full.
    package func reserveEndpoint(_ request: EndpointRequest) async throws -> EndpointSpecification {
        let database = database
        return try await BlockingExecutor.shared.run {
            try database.write { transaction in
                let own = try transaction.endpointSpecifications(containerID: request.containerID)
                if var known = own.first(where: { $0.networkID == request.networkID }),
                    request.address == nil || request.address == known.address,
                    request.address6 == nil || request.address6 == known.address6
                {
                    known.aliases = request.aliases
                    known.gatewayPriority = request.gatewayPriority
                    try transaction.save(known.row)
                    return known
                }
                guard let network = try transaction.networkSpecification(id: request.networkID) else {
                    throw Diagnostic(
                        code: "SC6013", summary: "there is no network with the id \(request.networkID.prefix(12))")
                }
                let others = try transaction.endpointSpecifications(networkID: network.id)
                let address = try request.decideAddress(in: network, among: others)
                var endpoint = EndpointSpecification(
                    containerID: request.containerID, networkID: network.id, address: address,
                    macAddress: request.macAddress ?? MACAddress(derivedFrom: address), aliases: request.aliases,
                    index: own.first { $0.networkID == network.id }?.index ?? Self.freeIndex(own))
                endpoint.address6 = try request.decideAddress6(in: network, among: others)
                endpoint.gatewayPriority = request.gatewayPriority
                endpoint.sysctls = request.sysctls
                endpoint.givenInterfaceName =
                    request.interfaceName ?? network.settings.interfacePrefix.map { "\($0)\(endpoint.index)" }
                try transaction.save(endpoint.row)
                return endpoint
            }
        }
    }

    /// The places of a container, in the order of their interfaces.
    package func endpoints(containerID: String) async throws -> [EndpointSpecification] {
        let database = database
        return try await BlockingExecutor.shared.run {
            try database.read { try $0.endpointSpecifications(containerID: containerID) }
        }
    }

    /// The places in a network, in the order of their addresses.
    package func endpoints(networkID: String) async throws -> [EndpointSpecification] {
        let database = database
        return try await BlockingExecutor.shared.run {
            try database.read { try $0.endpointSpecifications(networkID: networkID) }
        }
    }

    /// Gives a container's place in a network back.
    ///
    /// Disconnect it first. Published ports then lead to the container's next network that has a way out.
    package func releaseEndpoint(containerID: String, networkID: String) async throws {
        let (database, firewall) = (database, firewall)
        try await BlockingExecutor.shared.run {
            let before = Set(try database.read { try $0.portMappings(containerID: containerID) })
            try database.write { try $0.deleteEndpoint(container: containerID, network: networkID) }
            let after = Set(try database.read { try $0.portMappings(containerID: containerID) })
            try firewall.remove(Array(before.subtracting(after)))
            try firewall.add(Array(after.subtracting(before)))
        }
    }

    /// Gives all places of a container back.
    ///
    /// Detach it first.
    package func releaseEndpoints(containerID: String) async throws {
        let database = database
        try await BlockingExecutor.shared.run {
            try database.write { transaction in
                for endpoint in try transaction.endpoints(container: containerID) {
                    try transaction.deleteEndpoint(container: containerID, network: endpoint.network)
                }
            }
        }
    }

    /// Connects a starting container to every network it has a place in, and publishes its ports.
    ///
    /// - Parameters:
    ///   - netns: the container's network namespace.
    ///   - ports: a host port of 0 asks for a free one.
    /// - Returns: the ports with host ports chosen.
    /// - Throws: a `Diagnostic`; then nothing of it is left.
    package func attach(
        containerID: String, netns: SharedDescriptor, ports: [PublishedPort]
    ) async throws -> [PublishedPort] {
        let (database, firewall, limit) = (database, firewall, publishInterfaces)
        return try await blocking { links in
            let places = try database.read { try $0.places(containerID: containerID) }
            let chosen = try PortReservation(database: database, host: links.host, publishInterfaces: limit)
                .reserve(ports, for: containerID)
            do {
                for place in places where try links.isMissingBase(of: place.network) {
                    try links.bridges.ensure(place.network)
                }
                try links.endpoints.connect(places, netns: netns)
                try firewall.add(try database.read { try $0.portMappings(containerID: containerID) })
            } catch {
                try? Self.detach(containerID, database, links, firewall)
                throw error
            }
            return chosen
        }
    }

    /// Takes a stopped container's ports and links away.
    ///
    /// Its places stay reserved.
    package func detach(containerID: String) async throws {
        let (database, firewall) = (database, firewall)
        let endpoints = try await blocking { _ in
            try Self.closePorts(containerID, database, firewall)
            return try database.read { try $0.endpointSpecifications(containerID: containerID) }
        }
        try await removeLinks(endpoints.map(\.hostInterfaceName))
    }

    /// Takes the ports of a container away that is not to run again.
    ///
    /// Its links go with its network namespace, which takes the kernel some 20 ms: `takeLeft` sees to it that they do.
    package func closePorts(containerID: String) async throws {
        let (database, firewall) = (database, firewall)
        try await blocking { _ in try Self.closePorts(containerID, database, firewall) }
    }

    /// Waits until links are gone whose namespaces have ended, and takes those away that stay.
    package func takeLeft(_ endpoints: [EndpointSpecification]) async throws {
        for _ in 0..<20 {
            let remain = try await blocking { links in
                try endpoints.contains { try links.routes.link(named: $0.hostInterfaceName) != nil }
            }
            guard remain else { return }
            do { try await EventLoop.shared.sleep(for: .milliseconds(25)) } catch { break }
        }
        try await blocking { links in try links.endpoints.disconnect(endpoints) }
    }

    /// Connects a running container to one more network, where it has a place reserved.
    ///
    /// - Throws: a `Diagnostic`; then nothing of the link is left.
    package func connect(containerID: String, networkID: String, netns: SharedDescriptor) async throws {
        do {
            // What is missing is exactly the new link, and the default route if the container had none.
            try await repairContainer(containerID: containerID, netns: netns)
        } catch {
            try? await disconnect(containerID: containerID, networkID: networkID, netns: netns)
            throw error
        }
    }

    /// Takes a running container's link to one network away.
    ///
    /// Its place stays reserved until it is released.
    package func disconnect(containerID: String, networkID: String, netns: SharedDescriptor?) async throws {
        let database = database
        try await blocking { links in
            let places = try database.read { try $0.places(containerID: containerID) }
            try links.endpoints.disconnect(places.map(\.endpoint).filter { $0.networkID == networkID })
            guard let netns else { return }
            let inside = try ContainerLinks(netns)
            for place in places where place.network.id == networkID { try inside.delete(place.endpoint) }
            // The default route went with its link; the next network may have another.
            try inside.setDefaultRoute(places.filter { $0.network.id != networkID })
        }
    }

    /// Makes what is missing of a running container's links and ports.
    package func repairContainer(containerID: String, netns: SharedDescriptor) async throws {
        let (database, firewall, forwarding) = (database, firewall, forwarding)
        try await blocking { links in
            let places = try database.read { try $0.places(containerID: containerID) }
            if !places.isEmpty { try forwarding.remember() }
            for place in places { try links.bridges.ensure(place.network) }
            try links.endpoints.repair(places, netns: netns)
            _ = try firewall.heal()
            if !places.isEmpty { try forwarding.enable() }
        }
    }

    static func detach(
        _ containerID: String, _ database: StateDatabase, _ links: HostLinks, _ firewall: Firewall
    ) throws {
        try closePorts(containerID, database, firewall)
        try links.endpoints.disconnect(database.read { try $0.endpointSpecifications(containerID: containerID) })
    }

    private static func closePorts(_ containerID: String, _ database: StateDatabase, _ firewall: Firewall) throws {
        let mappings = try database.read { try $0.portMappings(containerID: containerID) }
        if try database.read({ !(try $0.publishedPorts(container: containerID).isEmpty) }) {
            try database.write { try $0.deletePublishedPorts(container: containerID) }
        }
        try firewall.remove(mappings)
    }

    private static func freeIndex(_ endpoints: [EndpointSpecification]) -> Int {
        let taken = Set(endpoints.map(\.index))
        return (0...taken.count).first { !taken.contains($0) } ?? taken.count
    }
}

extension EndpointRequest {
    /// The address asked for, if it can be had, or the lowest free one.
    func decideAddress(
        in network: NetworkSpecification, among others: [EndpointSpecification]
    ) throws(Diagnostic) -> IPv4Address {
        let taken = Set(
            others.filter { $0.containerID != containerID }.map(\.address) + [network.gateway]
                + network.auxiliary.values)
        guard let address else {
            guard let free = AddressPool.freeAddress(in: network.subnet, within: network.range, avoiding: taken) else {
                throw Diagnostic(
                    code: "SC6021", summary: "network \(network.name) is full",
                    detail: "every address of \(network.range ?? network.subnet) is taken",
                    hint: "give the network a larger subnet")
            }
            return free
        }
        guard network.subnet.hasHost(address) else {
            throw Diagnostic(
                code: "SC6022", summary: "address \(address) is outside network \(network.name)",
                detail: "its hosts are \(network.subnet.firstHost) to \(network.subnet.lastHost)")
        }
        guard !taken.contains(address) else {
            throw Self.taken("\(address)", isGateway: address == network.gateway, network)
        }
        return address
    }

    /// The IPv6 address asked for, if it can be had, or the lowest free one; nil in a network without IPv6.
    func decideAddress6(
        in network: NetworkSpecification, among others: [EndpointSpecification]
    ) throws(Diagnostic) -> IPAddress? {
        guard let ipv6 = network.ipv6 else {
            guard let address6 else { return nil }
            throw Diagnostic(
                code: "SC6022", summary: "address \(address6) is outside network \(network.name)",
                detail: "the network has no IPv6")
        }
        let taken = Set(
            others.filter { $0.containerID != containerID }.compactMap(\.address6) + [ipv6.gateway]
                + ipv6.auxiliary.values)
        guard let address6 else {
            guard let free = AddressPool.freeAddress(in: ipv6.range ?? ipv6.subnet, avoiding: taken) else {
                throw Diagnostic(
                    code: "SC6021", summary: "network \(network.name) is full",
                    detail: "every address of \(ipv6.range ?? ipv6.subnet) is taken",
                    hint: "give the network a larger subnet")
            }
            return free
        }
        guard ipv6.subnet.contains(address6) else {
            throw Diagnostic(
                code: "SC6022", summary: "address \(address6) is outside network \(network.name)",
                detail: "its subnet is \(ipv6.subnet)")
        }
        guard !taken.contains(address6) else {
            throw Self.taken("\(address6)", isGateway: address6 == ipv6.gateway, network)
        }
        return address6
    }

    private static func taken(_ address: String, isGateway: Bool, _ network: NetworkSpecification) -> Diagnostic {
        Diagnostic(
            code: "SC6023", summary: "address \(address) of network \(network.name) is taken",
            detail: "it belongs to \(isGateway ? "the network's gateway" : "another container")",
            hint: "choose another address, or leave it out")
    }
}
