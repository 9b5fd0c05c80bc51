import Apply
import Engine
import ImageStore
import JSONText
import Linux
import Networking
import OCI
import StackModel

/// Brings the attributes of a container that change in place to what a stack asks for.
///
/// What the stack does not change is left as it is, whoever set it. Setting what is set already does nothing.
struct ContainerSettings {
    let engine: HostEngine
    let stack: String
    let address: ResourceAddress
    let from: JSONObject
    let to: JSONObject
    let changes: [AttributeChange]

    func apply(to container: Container) async throws {
        let wanted = ContainerSpecification(stack: stack, address: address, attributes: to)
        try await applyLimits(wanted, container)
        if changes("labels", "healthcheck", "stopSignal", "stopTimeout") { try await applySettings(wanted, container) }
        if changes("ports"), Set(wanted.ports) != Set(container.specification.ports) {
            try await engine.setPorts(container, wanted.ports)
        }
        if changes("networks") { try await applyNetworks(wanted, container) }
        if changes("name") { try await rename(container) }
        let noted = ContainerAttributes.all.filter { attribute in
            switch attribute.effect {
            case .noted, .restart: changes(attribute.name)
            case .none, .live, .recreate: false
            }
        }
        let limits = LimitAttribute.all.filter { $0.effect == .restart && changes("limits.\($0.name)") }
        guard !noted.isEmpty || !limits.isEmpty else { return }
        let to = to
        try await engine.reconfigure(container) { specification in
            for attribute in noted { attribute.write(to[attribute.name], &specification) }
            for limit in limits { limit.write(to["limits"]?[limit.name], &specification.limits) }
        }
    }

    private func rename(_ container: Container) async throws {
        let name = HostNames.container(stack: stack, address, to)
        if container.name != name { try await engine.rename(container, to: name) }
    }

    /// Whether one of these attributes, or a part of it, changes.
    private func changes(_ keys: String...) -> Bool {
        changes.contains { change in keys.contains { change.path == $0 || change.path.hasPrefix($0 + ".") } }
    }

    private func applyLimits(_ wanted: ContainerSpecification, _ container: Container) async throws {
        var update = ContainerUpdate()
        if changes("limits") {
            // The kernel's where it runs: they may be other ones than recorded.
            let active = container.state.isActive
            let held = active ? try? engine.kernelLimits(of: container) : nil
            var limits = container.specification.limits
            if let held {
                let swap = limits.memorySwapBytes
                limits.takeMain(from: held)
                limits.memorySwapBytes = swap
            }
            for limit in LimitAttribute.all where changes("limits.\(limit.name)") {
                limit.write(to["limits"]?[limit.name], &limits)
            }
            // What is left of swap is Docker's: twice the memory.
            if to["limits"]?["memorySwap"] == nil { limits.memorySwapBytes = nil }
            update.limits = limits
        }
        if changes("restart"), container.specification.restart != wanted.restart { update.restart = wanted.restart }
        if update != ContainerUpdate() { try await engine.update(container, update) }
    }

    private func applySettings(_ wanted: ContainerSpecification, _ container: Container) async throws {
        let image = try await engine.images.resolve(container.snapshot.imageID)?.config.execution
        let current = container.specification
        var defaults = ContainerSpecification()
        defaults.labels = wanted.labels
        defaults.healthcheck = wanted.healthcheck
        defaults.stopSignal = wanted.stopSignal
        defaults.stopTimeout = wanted.stopTimeout
        if let image { defaults.merge(image) }
        // Labels somebody else put there are not ours to take away.
        let mine = Set(from.strings("labels").keys)
        let gone = Set(changes.filter { $0.to == nil }.map(\.path))
        let kept = current.labels.filter { !mine.contains($0.key) || !gone.contains("labels.\($0.key)") }
        try await engine.setSettings(
            container,
            labels: changes("labels") ? kept.merging(defaults.labels) { $1 } : current.labels,
            healthcheck: changes("healthcheck") ? defaults.healthcheck : current.healthcheck,
            stopSignal: changes("stopSignal") ? defaults.stopSignal : current.stopSignal,
            stopTimeout: changes("stopTimeout") ? defaults.stopTimeout : current.stopTimeout)
    }

    private func applyNetworks(_ wanted: ContainerSpecification, _ container: Container) async throws {
        let current = container.specification.endpoints
        var endpoints: [EndpointSettings] = []
        for var endpoint in wanted.endpoints {
            endpoint.network = try await engine.network(named: endpoint.network).id
            endpoints.append(endpoint)
        }
        if let first = endpoints.first, first.macAddress == nil, !wanted.macAddress.isEmpty {
            endpoints[0].macAddress = wanted.macAddress
        }
        for endpoint in current where !endpoints.contains(endpoint) {
            guard let network = try await engine.networks.network(id: endpoint.network) else { continue }
            try await engine.disconnect(container, from: network)
        }
        for endpoint in endpoints where !current.contains(endpoint) {
            try await engine.connect(container, to: try await engine.network(named: endpoint.network), endpoint)
        }
    }
}
