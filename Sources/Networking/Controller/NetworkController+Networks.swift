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
        let pools = addressPools
        return try await blocking { links in
            try turn.run { try Self.make(request, pools, database, links, firewall, forwarding) }
        }
    }

    private static func make(
        _ request: NetworkRequest, _ pools: [AddressPool.Range], _ database: StateDatabase, _ links: HostLinks,
        _ firewall: Firewall, _ forwarding: Forwarding
    ) throws -> NetworkSpecification {
        let hostRoutes = try HostRoutes(links.routes)
        let (network, isNew) = try database.write { transaction in
            if let known = try transaction.networkSpecification(id: request.id) { return (known, false) }
            let site = try request.needsSite ? UniqueLocalSite.ofRoot(transaction) : nil
            var network = try request.decided(
                among: transaction.networkSpecifications(), hostRoutes, site: site, pools: pools)
            network.usesForeignLink = try links.bridges.isForeign(network)
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

    /// Changes what is kept of a network but not read here.
    package func note(id: String, labels: [String: String], isAttachable: Bool) async throws {
        let database = database
        try await blocking { _ in
            try database.write { transaction in
                guard var network = try transaction.networkSpecification(id: id) else { return }
                network.labels = labels
                network.isAttachable = isAttachable
                try transaction.save(network.row)
            }
        }
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
        let (database, pools) = (database, addressPools)
        do {
            return try await blocking { links in
                let all = try database.read { try $0.networkSpecifications() }
                let bridges = Set(all.filter { gone.contains($0.id) && $0.driver == .bridge }.map(\.bridgeName))
                let hostRoutes = try HostRoutes(links.routes).without(bridges: bridges)
                var known = all.filter { !gone.contains($0.id) }
                var found: [Diagnostic] = []
                for request in requests where !known.contains(where: { $0.id == request.id }) {
                    do throws(Diagnostic) {
                        known.append(
                            try request.decided(among: known, hostRoutes, site: UniqueLocalSite.example, pools: pools))
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
        try forwarding.restoreUnneeded(isLast: isLast, neighbours: { try firewall.hasNeighbours() })
    }
}

extension NetworkRequest {
    /// Whether an IPv6 subnet must be found.
    var needsSite: Bool { hasIPv6 && subnet6 == nil }

    /// The network with everything decided, or why it cannot be.
    ///
    /// - Parameters:
    ///   - site: where an IPv6 subnet comes from that is not given.
    ///   - pools: where an IPv4 subnet comes from.
    func decided(
        among known: [NetworkSpecification], _ hostRoutes: HostRoutes, site: IPPrefix? = nil,
        pools: [AddressPool.Range] = AddressPool.usual
    ) throws(Diagnostic) -> NetworkSpecification {
        if known.contains(where: { $0.name == name }) {
            throw Diagnostic(code: "SC6015", summary: "a network named \(name) exists already")
        }
        let settings = try NetworkOptions(options, driver: driver)
        try checkLinks(settings, among: known)
        let bridges = Set(
            known.filter { $0.driver == .bridge }.map(\.bridgeName)
                + [settings.bridgeName ?? InterfaceName.bridge(networkID: id)])
        let foreign = hostRoutes.without(bridges: bridges)
        let subnet = try decideSubnet(among: known, foreign, pools)
        let gateway = gateway ?? freeGateway(subnet)
        guard subnet.hasHost(gateway), subnet.prefixLength <= 30 else {
            throw Diagnostic(
                code: "SC6016", summary: "\(gateway) cannot be the gateway of network \(name)",
                detail: "a gateway is a host address of the subnet \(subnet), which needs room for two at least",
                hint: "leave the gateway out to take \(subnet.firstHost)")
        }
        let mtu = mtu ?? settings.mtu
        if let mtu, !(576...65_535).contains(mtu) {
            throw Diagnostic(
                code: "SC6017", summary: "\(mtu) is no MTU for network \(name)", detail: "expected 576 to 65535 bytes")
        }
        var network = NetworkSpecification(
            id: id, name: name, subnet: subnet, gateway: gateway, isInternal: isInternal, labels: labels, mtu: mtu,
            createdAt: Clock.now())
        network.driver = driver
        network.setOptions(options)
        // A dummy parent leads nowhere.
        if driver != .bridge, settings.parent == nil { network.isInternal = true }
        network.isAttachable = isAttachable
        network.isSubnetGiven = self.subnet != nil
        network.range = range
        network.auxiliary = auxiliary
        network.addressOptions = addressOptions
        network.ipv6 = try decideIPv6(among: known, foreign, site)
        try checkParts(of: network)
        return network
    }

    /// The first host address that is not kept for somebody else.
    private func freeGateway(_ subnet: Subnet) -> IPv4Address {
        AddressPool.freeAddress(in: subnet, within: range, avoiding: Set(auxiliary.values)) ?? subnet.firstHost
    }

    /// Two networks cannot have one bridge.
    private func checkLinks(_ settings: NetworkOptions, among known: [NetworkSpecification]) throws(Diagnostic) {
        let other = known.first { other in
            switch driver {
            case .bridge:
                settings.bridgeName != nil && other.driver == .bridge && other.bridgeName == settings.bridgeName
            case .macvlan, .ipvlan:
                other.driver != .bridge && other.driver != driver && other.parentName == settings.parent
            }
        }
        guard let other else { return }
        throw Diagnostic(
            code: "SC6036",
            summary: "network \(name) cannot have interface \(settings.bridgeName ?? settings.parent ?? "")",
            detail: "network \(other.name) has it", hint: "choose another interface, or leave it out")
    }

    private func checkParts(of network: NetworkSpecification) throws(Diagnostic) {
        var outside: String?
        if let range, !network.subnet.overlaps(range) || range.prefixLength < network.subnet.prefixLength {
            outside = "range \(range)"
        }
        if let address = auxiliary.values.first(where: { !network.subnet.contains($0) }) {
            outside = "auxiliary address \(address)"
        }
        if let ipv6 = network.ipv6 {
            if let range6, !ipv6.subnet.overlaps(range6) || range6.length < ipv6.subnet.length {
                outside = "range \(range6)"
            }
            if let address = auxiliary6.values.first(where: { !ipv6.subnet.contains($0) }) {
                outside = "auxiliary address \(address)"
            }
        }
        guard let outside else { return }
        throw Diagnostic(
            code: "SC6037", summary: "\(outside) is outside the subnet of network \(name)",
            detail: "its subnets are \(network.subnet)" + (network.ipv6.map { " and \($0.subnet)" } ?? ""))
    }

    private func decideSubnet(
        among known: [NetworkSpecification], _ foreign: HostRoutes, _ pools: [AddressPool.Range]
    ) throws(Diagnostic) -> Subnet {
        guard let subnet else {
            let taken = known.map(\.subnet) + foreign.entries.map(\.subnet)
            guard let free = AddressPool.freeSubnet(avoiding: taken, in: pools) else {
                throw Diagnostic(
                    code: "SC6018", summary: "no automatic subnet is left for network \(name)",
                    detail:
                        "each subnet of \(pools.map(\.description).joined(separator: ", ")) overlaps a network or a route",
                    hint: "give the network a subnet, or remove networks that are not used")
            }
            return free
        }
        if let other = known.first(where: { $0.subnet.overlaps(subnet) }) {
            throw overlap("\(subnet)", other, "\(other.subnet)")
        }
        // A macvlan network is the host's own neighbourhood.
        if driver == .bridge, let route = foreign.entries.first(where: { $0.subnet.overlaps(subnet) }) {
            throw overlap("\(subnet)", route: "\(route.subnet)", route.interface)
        }
        return subnet
    }

    private func decideIPv6(
        among known: [NetworkSpecification], _ foreign: HostRoutes, _ site: IPPrefix?
    ) throws(Diagnostic) -> IPv6Subnet? {
        guard hasIPv6 else { return nil }
        let taken = known.compactMap(\.ipv6?.subnet)
        var subnet = subnet6
        if let subnet {
            if let other = known.first(where: { $0.ipv6?.subnet.overlaps(subnet) ?? false }) {
                throw overlap("\(subnet)", other, other.ipv6.map { "\($0.subnet)" } ?? "")
            }
            if driver == .bridge, let route = foreign.entries6.first(where: { $0.subnet.overlaps(subnet) }) {
                throw overlap("\(subnet)", route: "\(route.subnet)", route.interface)
            }
        } else if let site {
            subnet = AddressPool.freeSubnet6(site: site, avoiding: taken + foreign.entries6.map(\.subnet))
        }
        guard let subnet else {
            throw Diagnostic(
                code: "SC6018", summary: "no automatic IPv6 subnet is left for network \(name)",
                hint: "give the network a subnet, or remove networks that are not used")
        }
        let gateway = gateway6 ?? range6?.firstHost ?? subnet.firstHost
        guard subnet.contains(gateway), subnet.length <= 126 else {
            throw Diagnostic(
                code: "SC6016", summary: "\(gateway) cannot be the gateway of network \(name)",
                detail: "a gateway is an address of the subnet \(subnet), which needs room for two at least")
        }
        return IPv6Subnet(
            subnet: subnet, gateway: gateway, range: range6, auxiliary: auxiliary6, isGiven: subnet6 != nil)
    }

    private func overlap(_ subnet: String, _ other: NetworkSpecification, _ taken: String) -> Diagnostic {
        Diagnostic(
            code: "SC6019", summary: "subnet \(subnet) of network \(name) overlaps network \(other.name)",
            detail: "network \(other.name) has \(taken)", hint: "choose another subnet, or leave it out")
    }

    private func overlap(_ subnet: String, route: String, _ interface: String) -> Diagnostic {
        Diagnostic(
            code: "SC6020", summary: "subnet \(subnet) of network \(name) overlaps a route of this host",
            detail: "the host reaches \(route) through interface \(interface)",
            hint: "choose another subnet, or leave it out to get a free one")
    }
}

/// The unique local addresses of a data root (RFC 4193): fd00::/8 and 40 random bits, the same for its whole life.
enum UniqueLocalSite {
    private static let key = "networking.ipv6.site"

    /// The site's /48, chosen when it is first asked for.
    static func ofRoot(_ transaction: borrowing WriteTransaction) throws -> IPPrefix? {
        if let known = try transaction.value(forKey: key).flatMap({ IPPrefix($0) }) { return known }
        let bytes = try [0xFD] + Random.bytes(5) + [UInt8](repeating: 0, count: 10)
        guard let address = IPAddress(bytes: bytes), let site = IPPrefix(address: address, length: 48) else {
            return nil
        }
        try transaction.setValue("\(site)", forKey: key)
        return site
    }

    /// A site for plans, of which nothing comes.
    static var example: IPPrefix? { IPPrefix("fd00::/48") }
}
