import Diagnostics
import Linux
import Networking
import Synchronization

extension HostEngine {
    /// The network containers are in when none is named.
    package static let defaultNetworkName = "bridge"

    /// A network by name, id or unambiguous start of an id.
    ///
    /// The default one is made when it is first asked for.
    package func network(named text: String) async throws -> NetworkSpecification {
        let isStart = text.utf8.count >= 12 && defaultNetworkID.hasPrefix(text)
        if text == "default" || text == Self.defaultNetworkName || isStart { return try await defaultNetwork() }
        return try await findNetwork(text)
    }

    private func findNetwork(_ text: String) async throws -> NetworkSpecification {
        let all = try await networks.networks()
        if let exact = all.first(where: { $0.id == text }) ?? all.first(where: { $0.name == text }) { return exact }
        let found = text.isEmpty ? [] : all.filter { $0.id.hasPrefix(text) }
        if found.count > 1 {
            throw EngineError(.invalid, "network \(text) is ambiguous (\(found.count) matches found)")
        }
        guard let network = found.first else { throw EngineError.noNetwork(text) }
        return network
    }

    private func defaultNetwork() async throws -> NetworkSpecification {
        try await defaultNetworkQueue.run {
            let name = Self.defaultNetworkName
            if let network = try await self.networks.networks().first(where: { $0.name == name }) { return network }
            return try await self.networks.createNetwork(
                NetworkRequest(
                    id: self.defaultNetworkID, name: name, subnet: nil, gateway: nil, isInternal: false, labels: [:],
                    mtu: nil))
        }
    }

    /// Makes a network.
    package func createNetwork(_ request: NetworkRequest) async throws -> NetworkSpecification {
        guard ObjectName.isValid(request.name) else {
            throw EngineError(
                .invalid,
                request.name.isEmpty ? "network name cannot be blank" : "invalid network name: \(request.name)")
        }
        guard !["host", "none", "default"].contains(request.name) else {
            throw EngineError(.forbidden, "operation is not permitted on predefined \(request.name) network")
        }
        let existing = try await networks.networks().first { $0.name == request.name }
        if let existing, existing.id == request.id { return existing }
        guard existing == nil else {
            throw EngineError(.conflict, "network with name \(request.name) already exists")
        }
        let network: NetworkSpecification
        do {
            network = try await networks.createNetwork(request)
        } catch {
            throw EngineError.network(error)
        }
        await publish(
            .network, "create", actor: network.id, ["name": network.name, "type": network.driver.rawValue])
        return network
    }

    /// Removes a network nobody is in.
    package func removeNetwork(_ text: String) async throws {
        if let name = PredefinedNetwork(text)?.rawValue ?? (text == Self.defaultNetworkName ? text : nil) {
            throw EngineError(.forbidden, "\(name) is a pre-defined network and cannot be removed")
        }
        let network = try await findNetwork(text)
        let endpoints = try await networks.endpoints(networkID: network.id)
        let active = endpoints.filter { endpoint in
            containers.container(id: endpoint.containerID)?.state.isActive
                ?? (containers.isDamaged(endpoint.containerID)
                    || stepEndpoints.withLock { $0.contains(endpoint.containerID) })
        }
        guard active.isEmpty else {
            throw EngineError(
                .forbidden,
                "error while removing network: network \(network.name) id \(network.id) has active endpoints")
        }
        for endpoint in endpoints {
            try await networks.releaseEndpoint(containerID: endpoint.containerID, networkID: network.id)
            guard let container = containers.container(id: endpoint.containerID) else { continue }
            try? await exclusively(container) {
                container.change { $0.specification.endpoints.removeAll { $0.network == network.id } }
                try await self.save(container)
            }
        }
        do {
            try await networks.deleteNetwork(id: network.id)
        } catch {
            throw EngineError.network(error)
        }
        await publish(
            .network, "destroy", actor: network.id, ["name": network.name, "type": network.driver.rawValue])
    }

    /// Puts a container into a network, live where it runs.
    package func connect(_ container: Container, to network: NetworkSpecification, _ settings: EndpointSettings)
        async throws
    {
        try Self.requireOwnNetwork(container)
        try Self.check(settings, in: network)
        try await exclusively(container) {
            var settings = settings
            settings.network = network.id
            guard !container.specification.endpoints.contains(where: { $0.network == network.id }) else {
                throw EngineError(
                    .forbidden, "endpoint with name \(container.name) already exists in network \(network.name)")
            }
            if container.state.isActive {
                try await self.reserve(settings, for: container)
            } else {
                try await self.reserveUnlessTaken(settings, for: container)
            }
            do {
                if container.state.isActive {
                    let namespace = try self.namespace(of: container)
                    try await self.networks.connect(
                        containerID: container.id, networkID: network.id, netns: namespace)
                }
            } catch {
                try? await self.networks.releaseEndpoint(containerID: container.id, networkID: network.id)
                throw EngineError.network(error)
            }
            let added = settings
            container.change { facts in
                if facts.specification.networkMode == "none" { facts.specification.networkMode = network.name }
                facts.specification.endpoints.append(added)
            }
            try await self.save(container)
            if container.state.isActive {
                try await self.publishMissing(container)
                try await self.refreshNetworks(container)
                try await self.rewriteFiles(container, left: [])
            }
        }
        await publish(
            .network, "connect", actor: network.id,
            ["container": container.id, "name": network.name, "type": network.driver.rawValue])
    }

    /// Publishes the ports of a container that had no network by which they could be reached until now.
    private func publishMissing(_ container: Container) async throws {
        guard try await networks.publishedPorts(containerID: container.id).isEmpty else { return }
        let ports = try await publishedPorts(container.specification)
        guard !ports.isEmpty else { return }
        do {
            _ = try await networks.setPorts(containerID: container.id, ports: ports)
        } catch {
            await log("container \(container.name) joined a network, but its ports cannot be published: \(error)")
        }
    }

    /// What is done to a container in the host's network would be done to the host.
    static func requireOwnNetwork(_ container: Container) throws(EngineError) {
        guard container.specification.hasOwnNetwork else {
            throw EngineError(
                .invalid,
                "container sharing network namespace with another container or host cannot be connected to any other network"
            )
        }
    }

    /// Takes a container out of a network, live where it runs.
    package func disconnect(_ container: Container, from network: NetworkSpecification) async throws {
        try await exclusively(container) {
            guard container.specification.endpoints.contains(where: { $0.network == network.id }) else {
                throw EngineError(
                    .forbidden, "container \(container.id) is not connected to network \(network.name)")
            }
            let left = try await self.networks.endpoints(containerID: container.id)
                .filter { $0.networkID == network.id }.flatMap(\.addresses)
            let namespace = container.state.isActive ? try? self.namespace(of: container) : nil
            try await self.networks.disconnect(
                containerID: container.id, networkID: network.id, netns: namespace)
            try await self.networks.releaseEndpoint(containerID: container.id, networkID: network.id)
            container.change { $0.specification.endpoints.removeAll { $0.network == network.id } }
            try await self.save(container)
            if container.state.isActive {
                try? await self.names.removeNames(containerID: container.id, networkID: network.id)
                try await self.refreshNetworks(container)
                try await self.rewriteFiles(container, left: left)
            }
        }
        await publish(
            .network, "disconnect", actor: network.id,
            ["container": container.id, "name": network.name, "type": network.driver.rawValue])
    }

    /// The network namespace of a container that runs.
    package func namespace(of container: Container) throws -> SharedDescriptor {
        let pid = container.state.supervisorPID
        guard pid > 0 else { throw EngineError.notRunning(container.id) }
        try Self.requireOwnNetwork(container)
        return SharedDescriptor(try Namespaces.open(pid, .network))
    }
}
