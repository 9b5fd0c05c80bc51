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
        guard changes("hostname", "init", "readOnlyRoot") else { return }
        let (hostname, usesInit, readOnlyRoot) = (changes("hostname"), changes("init"), changes("readOnlyRoot"))
        try await engine.reconfigure(container) { specification in
            if hostname { specification.hostname = wanted.hostname }
            if usesInit { specification.usesInit = wanted.usesInit }
            if readOnlyRoot { specification.readOnlyRoot = wanted.readOnlyRoot }
        }
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
            if let held { limits.takeMain(from: held) }
            if changes("limits.memory") {
                limits.memoryBytes = wanted.limits.memoryBytes
                limits.memorySwapBytes = wanted.limits.memorySwapBytes
            }
            if changes("limits.nanoCPUs") { limits.nanoCPUs = wanted.limits.nanoCPUs }
            if changes("limits.pids") { limits.pids = wanted.limits.pids }
            if changes("limits.cpuShares") { limits.cpuShares = wanted.limits.cpuShares }
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
        for endpoint in current where !wanted.endpoints.contains(endpoint) {
            guard let network = try await engine.networks.network(id: endpoint.network) else { continue }
            try await engine.disconnect(container, from: network)
        }
        for endpoint in wanted.endpoints where !current.contains(endpoint) {
            try await engine.connect(container, to: try await engine.network(named: endpoint.network), endpoint)
        }
    }
}
