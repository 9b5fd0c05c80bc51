import Linux
import StateStore

/// What is really there. Many are looked at together: the host's links and rules are asked for once.
extension NetworkController {
    /// What is really there of networks, by id; one that is not known is not in the answer.
    package func observe(networks ids: [String]) async throws -> [String: NetworkObservation] {
        guard !ids.isEmpty else { return [:] }
        let (database, firewall, forwarding) = (database, firewall, forwarding)
        return try await blocking { links in
            let known = try database.read { transaction in
                try ids.compactMap { try transaction.networkSpecification(id: $0) }
            }
            let host = try LinkTable(links.routes)
            let rules = try firewall.listing()
            let isForwarding = try forwarding.isEnabled()
            var found: [String: NetworkObservation] = [:]
            for network in known {
                var problems = BridgeOperations.problems(of: network, in: host)
                if network.driver == .bridge, rules?.holds(network) != true {
                    problems.append(.rulesMissing(table: firewall.table))
                }
                if !isForwarding { problems.append(.forwardingDisabled) }
                found[network.id] = NetworkObservation(specification: network, problems: problems)
            }
            return found
        }
    }

    /// What is really there of running containers' links and ports, by id.
    ///
    /// - Parameters:
    ///   - containers: their network namespaces. One that cannot be entered, or has no network, is not in the answer.
    ///   - places: where they are, as `places(containerIDs:)` says.
    package func observe(
        containers: [String: SharedDescriptor], at places: [String: [EndpointPlace]]
    ) async throws -> [String: [EndpointObservation]] {
        let (database, firewall) = (database, firewall)
        let asked = containers.filter { places[$0.key]?.isEmpty == false }.map { (id: $0.key, netns: $0.value) }
        guard !asked.isEmpty else { return [:] }
        return try await blocking { links in
            let mappings = try database.read { transaction in
                try asked.map { try transaction.portMappings(containerID: $0.id) }
            }
            let host = try LinkTable(links.routes)
            let rules = mappings.allSatisfy(\.isEmpty) ? nil : try firewall.listing() ?? TableListing("")
            let inside = try Namespaces.inEachNetworkNamespace(asked.map(\.netns.raw)) {
                _ throws(SystemError) in try ContainerLinkTable()
            }
            var found: [String: [EndpointObservation]] = [:]
            for (position, (id, _)) in asked.enumerated() {
                guard case .success(let inside) = inside[position], let own = places[id] else { continue }
                var endpoints = EndpointInspection(host: host, inside: inside).observe(own)
                if let rules { Self.addMissing(mappings[position], rules, to: &endpoints) }
                found[id] = endpoints
            }
            return found
        }
    }

    /// The networks that containers have places in, by the container's id, in the order of their interfaces.
    package func places(containerIDs: [String]) async throws -> [String: [EndpointPlace]] {
        let database = database
        return try await BlockingExecutor.shared.run {
            try database.read { transaction in
                try containerIDs.reduce(into: [:]) { found, id in
                    let places = try transaction.places(containerID: id)
                    if !places.isEmpty { found[id] = places }
                }
            }
        }
    }

    private static func addMissing(
        _ mappings: [PortMapping], _ rules: TableListing, to endpoints: inout [EndpointObservation]
    ) {
        for mapping in mappings where !rules.holds(mapping) {
            guard let place = endpoints.firstIndex(where: { $0.specification.addresses.contains(mapping.address) })
            else {
                continue
            }
            endpoints[place].problems.append(.portMissing(mapping.port))
        }
    }
}
