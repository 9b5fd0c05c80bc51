import Linux
import Networking

extension HostEngine {
    /// Names the container whose network is shared by its id, and takes over what is its host name.
    func resolveNetworkMode(_ specification: inout ContainerSpecification) throws(EngineError) {
        if specification.isNetworkDisabled { specification.networkMode = "none" }
        guard let text = specification.networkOwner else { return }
        let owner = try containers.find(text)
        specification.networkMode = "container:\(owner.id)"
        let facts = owner.snapshot.specification
        specification.hostname = facts.hostname.isEmpty ? String(owner.id.prefix(12)) : facts.hostname
        specification.domainname = facts.domainname
    }

    /// The networks by id, the one with the default route first.
    func resolvedEndpoints(_ specification: ContainerSpecification) async throws -> [EndpointSettings] {
        let mode = specification.networkMode
        guard specification.hasOwnNetwork, mode != "none" else {
            // Clients name the mode once more, with nothing in it.
            for endpoint in specification.endpoints { try Self.checkWithoutNetwork(endpoint) }
            return []
        }
        var given: [EndpointSettings] = []
        for var endpoint in specification.endpoints {
            let network = try await network(named: endpoint.network)
            try Self.check(endpoint, in: network)
            endpoint.network = network.id
            guard !given.contains(where: { $0.network == endpoint.network }) else {
                throw EngineError(.invalid, "network \(endpoint.network) is given twice")
            }
            given.append(endpoint)
        }
        if mode != "default" || given.isEmpty {
            let primary = try await network(named: mode).id
            if let index = given.firstIndex(where: { $0.network == primary }) {
                given.insert(given.remove(at: index), at: 0)
            } else {
                given.insert(EndpointSettings(network: primary), at: 0)
            }
        }
        if given[0].macAddress == nil, !specification.macAddress.isEmpty {
            given[0].macAddress = specification.macAddress
        }
        return given
    }

    private static func checkWithoutNetwork(_ endpoint: EndpointSettings) throws(EngineError) {
        if endpoint.address != nil || endpoint.address6 != nil {
            throw EngineError(.invalid, "user specified IP address is supported on user defined networks only")
        }
        if !endpoint.aliases.isEmpty {
            throw EngineError(
                .invalid, "network-scoped alias is supported only for containers in user defined networks")
        }
    }

    /// Refuses what a network does not give, in Docker's words.
    static func check(_ endpoint: EndpointSettings, in network: NetworkSpecification) throws(EngineError) {
        if network.name == defaultNetworkName { return try checkWithoutNetwork(endpoint) }
        guard endpoint.address == nil || network.isSubnetGiven,
            endpoint.address6 == nil || network.ipv6?.isGiven == true
        else {
            throw EngineError(
                .invalid,
                "user specified IP address is supported only when connecting to networks with user configured subnets")
        }
    }

    /// Gives a container its place in a network.
    func reserve(_ endpoint: EndpointSettings, for container: Container) async throws {
        var request = EndpointRequest(
            containerID: container.id, networkID: endpoint.network, aliases: endpoint.aliases)
        if let text = endpoint.address {
            guard let address = IPv4Address(text) else { throw EngineError(.invalid, "invalid IPv4 address: \(text)") }
            request.address = address
        }
        if let text = endpoint.address6 {
            guard let address = IPText.address(text), !address.isV4 else {
                throw EngineError(.invalid, "invalid IPv6 address: \(text)")
            }
            request.address6 = address
        }
        if let text = endpoint.macAddress {
            guard let mac = MACAddress(text) else { throw EngineError(.invalid, "invalid MAC address: \(text)") }
            request.macAddress = mac
        }
        request.gatewayPriority = endpoint.gatewayPriority
        if let name = endpoint.driverOptions["com.docker.network.endpoint.ifname"] {
            guard NetworkOptions.isInterfaceName(name), name != "lo" else {
                throw EngineError(.invalid, "invalid interface name: \(name)")
            }
            request.interfaceName = name
        }
        if let text = endpoint.driverOptions["com.docker.network.endpoint.sysctls"] {
            request.sysctls = text.split(separator: ",").map(String.init)
            if let wrong = request.sysctls.first(where: { !EndpointSysctls.isValid($0) }) {
                throw EngineError(
                    .invalid, "invalid endpoint sysctl \(wrong): expected such as net.ipv4.conf.IFNAME.name=value")
            }
        }
        do {
            _ = try await networks.reserveEndpoint(request)
        } catch {
            throw EngineError.network(error)
        }
    }

    /// The network namespace that a container of the mode `container:` joins.
    func sharedNamespace(_ ownerID: String) throws -> SharedDescriptor {
        guard let owner = containers.container(id: ownerID) else {
            throw EngineError(
                .notFound, "joining network namespace of container: No such container: \(ownerID)")
        }
        let pid = owner.state.supervisorPID
        guard owner.state.isActive, pid > 0 else {
            throw EngineError(.conflict, "cannot join network of a non running container: \(owner.id)")
        }
        return SharedDescriptor(try Namespaces.open(pid, .network))
    }

    /// Where the hosts, hostname and resolv.conf files of a container are: it may share another's.
    func networkFilesDirectory(_ id: String, _ specification: ContainerSpecification) -> String {
        configuration.containerDirectory(specification.networkOwner ?? id)
    }
}
