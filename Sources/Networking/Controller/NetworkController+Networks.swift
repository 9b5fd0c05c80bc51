import Diagnostics
import Linux
import StateStore

extension NetworkController {
    /// Makes a network.
    ///
    /// With the id of one that is there it makes what is missing of it, and changes nothing else.
    ///
    /// - Throws: a `Diagnostic` if the name is taken, the subnet overlaps, or no automatic subnet is left.
    package func createNetwork(_ request: NetworkRequest) async throws -> NetworkSpecification {
        let (database, firewall, forwarding, turn) = (database, firewall, forwarding, turn)
        return try await blocking { links in
            try turn.run { try Self.make(request, database, links, firewall, forwarding) }
        }
    }

    private static func make(
        _ request: NetworkRequest, _ database: StateDatabase, _ links: HostLinks, _ firewall: Firewall,
        _ forwarding: Forwarding
    ) throws -> NetworkSpecification {
        let hostRoutes = try HostRoutes(links.routes)
        let (network, isNew) = try database.write { transaction in
            if let known = try transaction.networkSpecification(id: request.id) { return (known, false) }
            let network = try request.decided(among: transaction.networkSpecifications(), hostRoutes)
            try transaction.save(network.row)
            return (network, true)
        }
        do {
            // The rules come first, so that the host is at no moment a router for others.
            try forwarding.remember()
            try links.bridges.ensure(network)
            try firewall.replace()
            try forwarding.enable()
        } catch {
            guard isNew else { throw error }
            // A half-made network must not stay. What fails here fails in heal() as well, and is told there.
            try? Self.remove(network, database, links, firewall, forwarding)
            throw error
        }
        return network
    }

    /// Removes a network; one that is not there is fine.
    ///
    /// - Throws: a `Diagnostic` while containers have an endpoint in it.
    package func deleteNetwork(id: String) async throws {
        let (database, firewall, forwarding, turn) = (database, firewall, forwarding, turn)
        try await blocking { links in
            try turn.run {
                guard let network = try database.read({ try $0.networkSpecification(id: id) }) else { return }
                try Self.requireUnused(network, database)
                try Self.remove(network, database, links, firewall, forwarding)
            }
        }
    }

    private static func requireUnused(_ network: NetworkSpecification, _ database: StateDatabase) throws {
        let names = try database.read { transaction in
            try transaction.endpoints(network: network.id).map {
                // A row that cannot be read stands in nobody's way.
                (try? transaction.container(id: $0.container))?.name ?? "\($0.container.prefix(12))"
            }
        }
        guard !names.isEmpty else { return }
        throw Diagnostic(
            code: "SC6012", summary: "network \(network.name) is in use",
            detail: "containers in it: \(names.sorted().joined(separator: ", "))",
            hint: "remove or disconnect them first")
    }

    /// Every network, oldest first.
    package func networks() async throws -> [NetworkSpecification] {
        let database = database
        return try await BlockingExecutor.shared.run { try database.read { try $0.networkSpecifications() } }
    }

    /// The network of this id.
    package func network(id: String) async throws -> NetworkSpecification? {
        let database = database
        return try await BlockingExecutor.shared.run { try database.read { try $0.networkSpecification(id: id) } }
    }

    /// Makes what is missing of a network, its containers' ports on the bridge included.
    package func repairNetwork(id: String) async throws {
        let (database, firewall, forwarding, turn) = (database, firewall, forwarding, turn)
        try await blocking { links in
            try turn.run {
                guard let network = try database.read({ try $0.networkSpecification(id: id) }) else {
                    throw Diagnostic(code: "SC6013", summary: "there is no network with the id \(id.prefix(12))")
                }
                try forwarding.remember()
                try Self.ensure(network, database, links)
                _ = try firewall.heal()
                try forwarding.enable()
            }
        }
    }

    /// What would stop these networks from being made, before anything is.
    ///
    /// `gone` are the ids of networks that will have been removed by then.
    package func diagnose(_ requests: [NetworkRequest], without gone: Set<String> = []) async -> [Diagnostic] {
        let database = database
        do {
            return try await blocking { links in
                let bridges = Set(gone.map { InterfaceName.bridge(networkID: $0) })
                let hostRoutes = HostRoutes(entries: try HostRoutes(links.routes).excluding(bridges: bridges))
                var known = try database.read { try $0.networkSpecifications() }.filter { !gone.contains($0.id) }
                var found: [Diagnostic] = []
                for request in requests where !known.contains(where: { $0.id == request.id }) {
                    do throws(Diagnostic) {
                        known.append(try request.decided(among: known, hostRoutes))
                    } catch {
                        found.append(error)
                    }
                }
                return found
            }
        } catch let error as Diagnostic {
            return [error]
        } catch {
            return [Diagnostic(code: "SC6014", summary: "the networks of this host cannot be read", detail: "\(error)")]
        }
    }

    /// The kernel's part goes first: a crash in between leaves a record, by which the rest is found.
    private static func remove(
        _ network: NetworkSpecification, _ database: StateDatabase, _ links: HostLinks, _ firewall: Firewall,
        _ forwarding: Forwarding
    ) throws {
        try firewall.replace(without: network.id)
        try links.bridges.delete(network)
        let isLast = try database.write { transaction in
            try transaction.deleteNetwork(id: network.id)
            return try transaction.networks().isEmpty
        }
        if isLast { try forwarding.restore(neighbours: try firewall.hasNeighbours()) }
    }
}

extension NetworkRequest {
    /// The network with everything decided, or why it cannot be.
    func decided(among known: [NetworkSpecification], _ hostRoutes: HostRoutes) throws(Diagnostic)
        -> NetworkSpecification
    {
        if known.contains(where: { $0.name == name }) {
            throw Diagnostic(code: "SC6015", summary: "a network named \(name) exists already")
        }
        let subnet = try decideSubnet(among: known, hostRoutes)
        let gateway = gateway ?? subnet.firstHost
        guard subnet.hasHost(gateway), subnet.prefixLength <= 30 else {
            throw Diagnostic(
                code: "SC6016", summary: "\(gateway) cannot be the gateway of network \(name)",
                detail: "a gateway is a host address of the subnet \(subnet), which needs room for two at least",
                hint: "leave the gateway out to take \(subnet.firstHost)")
        }
        if let mtu, !(576...65_535).contains(mtu) {
            throw Diagnostic(
                code: "SC6017", summary: "\(mtu) is no MTU for network \(name)", detail: "expected 576 to 65535 bytes")
        }
        return NetworkSpecification(
            id: id, name: name, subnet: subnet, gateway: gateway, isInternal: isInternal, labels: labels, mtu: mtu,
            createdAt: Clock.now())
    }

    private func decideSubnet(
        among known: [NetworkSpecification], _ hostRoutes: HostRoutes
    ) throws(Diagnostic) -> Subnet {
        let foreign = hostRoutes.excluding(
            bridges: Set(known.map(\.bridgeName) + [InterfaceName.bridge(networkID: id)]))
        guard let subnet else {
            guard let free = AddressPool.freeSubnet(avoiding: known.map(\.subnet) + foreign.map(\.subnet)) else {
                throw Diagnostic(
                    code: "SC6018", summary: "no automatic subnet is left for network \(name)",
                    detail:
                        "each /24 of \(AddressPool.ranges.map(\.description).joined(separator: ", ")) overlaps a network or a route",
                    hint: "give the network a subnet, or remove networks that are not used")
            }
            return free
        }
        if let other = known.first(where: { $0.subnet.overlaps(subnet) }) {
            throw Diagnostic(
                code: "SC6019", summary: "subnet \(subnet) of network \(name) overlaps network \(other.name)",
                detail: "network \(other.name) has \(other.subnet)", hint: "choose another subnet, or leave it out")
        }
        if let route = foreign.first(where: { $0.subnet.overlaps(subnet) }) {
            throw Diagnostic(
                code: "SC6020", summary: "subnet \(subnet) of network \(name) overlaps a route of this host",
                detail: "the host reaches \(route.subnet) through interface \(route.interface)",
                hint: "choose another subnet, or leave it out to get a free one")
        }
        return subnet
    }
}
