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
                    request.address == nil || request.address == known.address
                {
                    known.aliases = request.aliases
                    try transaction.save(known.row)
                    return known
                }
                guard let network = try transaction.networkSpecification(id: request.networkID) else {
                    throw Diagnostic(
                        code: "SC6013", summary: "there is no network with the id \(request.networkID.prefix(12))")
                }
                let others = try transaction.endpointSpecifications(networkID: network.id)
                let address = try request.decideAddress(in: network, among: others)
                let endpoint = EndpointSpecification(
                    containerID: request.containerID, networkID: network.id, address: address,
                    macAddress: request.macAddress ?? MACAddress(derivedFrom: address), aliases: request.aliases,
                    index: own.first { $0.networkID == network.id }?.index ?? Self.freeIndex(own))
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
        let (database, firewall) = (database, firewall)
        return try await blocking { links in
            let places = try database.read { try $0.places(containerID: containerID) }
            let chosen = try PortReservation(database: database, host: links.host).reserve(ports, for: containerID)
            do {
                for place in places where try links.routes.link(named: place.network.bridgeName) == nil {
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
        try await blocking { links in try Self.detach(containerID, database, links, firewall) }
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
            // The default route went with its link; the next network may have another.
            try ContainerLinks(netns).setDefaultRoute(places.filter { $0.network.id != networkID })
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
        let mappings = try database.read { try $0.portMappings(containerID: containerID) }
        if try database.read({ !(try $0.publishedPorts(container: containerID).isEmpty) }) {
            try database.write { try $0.deletePublishedPorts(container: containerID) }
        }
        try firewall.remove(mappings)
        try links.endpoints.disconnect(database.read { try $0.endpointSpecifications(containerID: containerID) })
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
        let taken = Set(others.filter { $0.containerID != containerID }.map(\.address) + [network.gateway])
        guard let address else {
            guard let free = AddressPool.freeAddress(in: network.subnet, avoiding: taken) else {
                throw Diagnostic(
                    code: "SC6021", summary: "network \(network.name) is full",
                    detail: "every address of \(network.subnet) is taken", hint: "give the network a larger subnet")
            }
            return free
        }
        guard network.subnet.hasHost(address) else {
            throw Diagnostic(
                code: "SC6022", summary: "address \(address) is outside network \(network.name)",
                detail: "its hosts are \(network.subnet.firstHost) to \(network.subnet.lastHost)")
        }
        guard !taken.contains(address) else {
            let holder = address == network.gateway ? "the network's gateway" : "another container"
            throw Diagnostic(
                code: "SC6023", summary: "address \(address) of network \(network.name) is taken",
                detail: "it belongs to \(holder)", hint: "choose another address, or leave it out")
        }
        return address
    }
}
