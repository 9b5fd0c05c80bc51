import Builder
import Linux
import Networking
import Synchronization

extension HostEngine {
    /// A network namespace with a place in a network, for a process that is no container's.
    func joinStep(to network: NetworkSpecification) async throws -> StepNetwork {
        let id = try Random.hexID()
        let namespace = try await namespaces.take(work)
        stepEndpoints.withLock { _ = $0.insert(id) }
        do {
            _ = try await networks.reserveEndpoint(EndpointRequest(containerID: id, networkID: network.id))
            _ = try await networks.attach(containerID: id, netns: namespace, ports: [])
            let isServed = try await serveNames(of: network, to: id, namespace)
            let resolver = await BlockingExecutor.shared.run { Self.stepResolver(isServed: isServed) }
            return StepNetwork(
                id: id, namespace: namespace, resolver: resolver, gateway: network.gateway.description)
        } catch {
            await removeStep(id)
            throw EngineError.network(error)
        }
    }

    /// Takes a place away that a process had, with its links and names.
    func removeStep(_ id: String) async {
        // Whoever gives up a build must not leave its links.
        await Task {
            do {
                try await networks.detach(containerID: id)
                try? await names.remove(containerID: id)
                try await networks.releaseEndpoints(containerID: id)
            } catch {
                await log("the network of a build step is not taken away: \(error)")
            }
            stepEndpoints.withLock { _ = $0.remove(id) }
        }.value
    }

    /// A namespace with nothing but its own loopback.
    func isolatedStep() async throws -> StepNetwork {
        let namespace = try await namespaces.take(work)
        _ = try await networks.attach(containerID: try Random.hexID(), netns: namespace, ports: [])
        return StepNetwork(id: "", namespace: namespace, resolver: "")
    }

    /// Lets our name server answer where containers of the network use it, too.
    private func serveNames(
        of network: NetworkSpecification, to id: String, _ namespace: SharedDescriptor
    ) async throws -> Bool {
        let isDefault = network.name == Self.defaultNetworkName
        let asksHosts = await BlockingExecutor.shared.run {
            !ContainerFiles.sharedResolvers(inResolvConf: HostResolvers.text()).isEmpty
        }
        if isDefault, asksHosts { return false }
        if try await names.ensureRunning() { await reattachNames(except: nil) }
        try await names.attach(
            containerID: id, netns: namespace, networks: isDefault ? [] : [network.id],
            forwards: !network.isInternal)
        return true
    }

    /// The text of a step's `resolv.conf`.
    ///
    /// Blocks.
    private static func stepResolver(isServed: Bool) -> String {
        let host = HostResolvers.text()
        let search = ContainerFiles.searchDomains(inResolvConf: host)
        var options = ContainerFiles.options(inResolvConf: host)
        guard isServed else {
            return ContainerFiles.resolvConf(
                servers: ContainerFiles.sharedResolvers(inResolvConf: host), search: search == ["."] ? [] : search,
                options: options)
        }
        if !options.contains(where: { $0.hasPrefix("ndots:") }) { options.append("ndots:0") }
        return ContainerFiles.resolvConf(search: search == ["."] ? [] : search, options: options)
    }
}
