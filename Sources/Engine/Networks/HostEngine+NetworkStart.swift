import Diagnostics
import Linux
import Networking

extension HostEngine {
    /// A network namespace with links, addresses, names and published ports; `nil` for the host's.
    func network(for container: Container, _ facts: Container.Facts) async throws -> SharedDescriptor? {
        let specification = facts.specification
        if specification.networkMode == "host" { return nil }
        if let owner = specification.networkOwner { return try sharedNamespace(owner) }
        let namespace = try await namespaces.take(work)
        let ports = try await publishedPorts(specification)
        do {
            try checkLinks(container)
            try await reserveMissing(container)
            _ = try await networks.attach(containerID: container.id, netns: namespace, ports: ports)
            try await attachNames(container, namespace)
            try await attachRelays(container)
            return namespace
        } catch {
            await releaseNetwork(container)
            throw EngineError.networkStart(
                error, name: facts.name,
                endpoint: Self.endpointID(container.id, specification.endpoints.first?.network ?? ""), ports: ports)
        }
    }

    /// The ports to publish; those that are only exposed only where all are asked for.
    ///
    /// None where nothing leads into any of its networks; Docker takes no offence at that either.
    func publishedPorts(_ specification: ContainerSpecification) async throws -> [PublishedPort] {
        var isReachable = false
        for endpoint in specification.endpoints where !isReachable {
            let network = try await networks.network(id: endpoint.network)
            isReachable = network.map { !$0.isInternal && $0.driver == .bridge } ?? false
        }
        guard isReachable else { return [] }
        var ports = try specification.ports.map { binding throws(EngineError) in try PublishedPort(binding) }
        if specification.publishesAllPorts {
            let bound = Set(specification.ports.map(\.container))
            for port in specification.exposedPorts where !bound.contains(port) {
                ports.append(try PublishedPort(PortBinding(container: port, hostPort: 0)))
            }
        }
        return ports
    }

    /// Takes links, ports and names away; reservations stay.
    func releaseNetwork(_ container: Container) async {
        guard container.specification.hasOwnNetwork else { return }
        try? await networks.detach(containerID: container.id)
        if !container.specification.endpoints.isEmpty { try? await names.remove(containerID: container.id) }
    }

    /// The same for a container that is removed with its run: nobody waits for its links to go.
    private func leaveNetwork(_ container: Container) async {
        guard container.specification.hasOwnNetwork, !container.specification.endpoints.isEmpty,
            let places = try? await networks.endpoints(containerID: container.id), !places.isEmpty
        else { return await releaseNetwork(container) }
        try? await networks.closePorts(containerID: container.id)
        try? await names.remove(containerID: container.id)
        let isSeenTo = work.spawn { [self] in try? await networks.takeLeft(places) }.isRunning
        if !isSeenTo { await releaseNetwork(container) }
    }

    /// Gives back what a run that is over had of networks.
    func endNetwork(_ container: Container) async {
        if container.isOnLastRun {
            await leaveNetwork(container)
        } else {
            await releaseNetwork(container)
        }
    }

    /// Tells the subscribers of events that a container joins its networks, or has left them.
    func publishConnections(_ action: String, _ container: Container) async {
        let specification = container.specification
        if ["host", "none"].contains(specification.networkMode), specification.endpoints.isEmpty {
            guard let network = PredefinedNetwork(rawValue: specification.networkMode) else { return }
            await publish(
                .network, action, actor: network.id,
                ["container": container.id, "name": network.rawValue, "type": network.driver])
        }
        for endpoint in specification.endpoints {
            guard let network = try? await networks.network(id: endpoint.network) else { continue }
            await publish(
                .network, action, actor: network.id,
                ["container": container.id, "name": network.name, "type": network.driver.rawValue])
        }
    }

    /// A made-up id, since a place in a network is known by its two ends.
    static func endpointID(_ container: String, _ network: String) -> String {
        "\(container.prefix(32))\(network.prefix(32))"
    }
}
