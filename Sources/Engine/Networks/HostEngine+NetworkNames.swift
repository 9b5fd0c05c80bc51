import Diagnostics
import Linux
import Networking

extension HostEngine {
    /// Gives the container its resolver and its names to the others.
    func attachNames(_ container: Container, _ namespace: SharedDescriptor) async throws {
        let endpoints = try await networks.endpoints(containerID: container.id)
        guard try await usesNameServer(container, endpoints) else { return }
        if try await names.ensureRunning() { await reattachNames(except: container.id) }
        try await attach(container, namespace, endpoints)
    }

    private func attach(
        _ container: Container, _ namespace: SharedDescriptor, _ endpoints: [EndpointSpecification]
    ) async throws {
        let specification = container.specification
        try await names.attach(
            containerID: container.id, netns: namespace, networks: try await namedNetworks(endpoints),
            forwards: try await forwards(endpoints))
        if !specification.dns.isEmpty { try await names.setServers(containerID: container.id, specification.dns) }
        let links = try await nameLinks(specification)
        if !links.isEmpty { try await names.setLinks(containerID: container.id, links) }
        try await setNames(container, endpoints)
    }

    private func setNames(_ container: Container, _ endpoints: [EndpointSpecification]) async throws {
        let named = Set(try await namedNetworks(endpoints))
        for endpoint in endpoints where named.contains(endpoint.networkID) {
            try await names.setNames(
                containerID: container.id, networkID: endpoint.networkID, address: endpoint.address,
                address6: endpoint.address6, names: dnsNames(container, endpoint))
        }
    }

    /// Gives the container the sockets that its ports need beside the firewall.
    func attachRelays(_ container: Container) async throws {
        let relays = try await networks.relays(containerID: container.id)
        guard !relays.isEmpty else { return }
        if try await names.ensureRunning() { await reattachNames(except: container.id) }
        try await names.setRelays(containerID: container.id, relays)
    }

    /// The same, after ports or networks of a running container have changed.
    func refreshRelays(_ container: Container) async throws {
        // Without any, a name server that is not there has nothing to forget.
        try? await names.setRelays(containerID: container.id, [])
        try await attachRelays(container)
    }

    /// The networks whose containers find each other by name: all but the default one.
    private func namedNetworks(_ endpoints: [EndpointSpecification]) async throws -> [String] {
        var found: [String] = []
        for endpoint in endpoints {
            let network = try await networks.network(id: endpoint.networkID)
            if network?.name != Self.defaultNetworkName { found.append(endpoint.networkID) }
        }
        return found
    }

    /// Whether a container asks our name server: in the default network it asks the host's resolvers itself, where they
    /// can be reached from there.
    func usesNameServer(_ container: Container, _ endpoints: [EndpointSpecification]) async throws -> Bool {
        if endpoints.isEmpty { return false }
        if try await !namedNetworks(endpoints).isEmpty { return true }
        guard container.specification.dns.isEmpty else { return false }
        return await BlockingExecutor.shared.run {
            ContainerFiles.sharedResolvers(inResolvConf: HostResolvers.text()).isEmpty
        }
    }

    /// Names outside are forwarded unless every network is internal.
    func forwards(_ endpoints: [EndpointSpecification]) async throws -> Bool {
        for endpoint in endpoints {
            if let network = try await networks.network(id: endpoint.networkID), !network.isInternal { return true }
        }
        return false
    }

    /// What others on the network may call the container.
    func dnsNames(_ container: Container, _ endpoint: EndpointSpecification) -> [String] {
        let facts = container.snapshot
        var names = [facts.name] + endpoint.aliases + [String(container.id.prefix(12))]
        if !facts.specification.hostname.isEmpty { names.append(facts.specification.hostname) }
        var seen = Set<String>()
        return names.filter { seen.insert($0.lowercased()).inserted }
    }

    /// Tells the resolver a running container's names again.
    func refreshNames(_ container: Container) async throws {
        guard container.state.isActive else { return }
        try await setNames(container, try await networks.endpoints(containerID: container.id))
    }

    /// Tells the resolver which networks a running container is in.
    func refreshNetworks(_ container: Container) async throws {
        guard container.state.isActive else { return }
        let endpoints = try await networks.endpoints(containerID: container.id)
        try await refreshRelays(container)
        do {
            try await names.setNetworks(
                containerID: container.id, networks: try await namedNetworks(endpoints),
                forwards: try await forwards(endpoints))
        } catch {
            // It was in the default network alone.
            return try await attachNames(container, try namespace(of: container))
        }
        try await names.setLinks(containerID: container.id, try await nameLinks(container.specification))
        try await refreshNames(container)
    }

    /// A new name server knows nobody: every running container is told to it again.
    func reattachNames(except id: String?) async {
        for container in containers.all where container.state.isActive && container.id != id {
            if let relays = try? await networks.relays(containerID: container.id), !relays.isEmpty {
                try? await names.setRelays(containerID: container.id, relays)
            }
            guard let namespace = try? namespace(of: container),
                let endpoints = try? await networks.endpoints(containerID: container.id),
                (try? await usesNameServer(container, endpoints)) == true
            else { continue }
            try? await attach(container, namespace, endpoints)
        }
    }
}
