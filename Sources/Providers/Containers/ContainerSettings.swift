import Engine
import ImageStore
import JSONText
import Networking
import OCI
import StackModel

/// Brings what can be changed in place to what a stack asks for.
///
/// Setting what is set already does nothing.
struct ContainerSettings {
    let engine: HostEngine
    let stack: String
    let address: ResourceAddress
    let from: JSONObject
    let to: JSONObject

    func apply(to container: Container) async throws {
        let wanted = ContainerSpecification(stack: stack, address: address, attributes: to)
        try await applyLimits(wanted, container)
        try await applySettings(wanted, container)
        let ports = Set(wanted.ports)
        if ports != Set(container.specification.ports) { try await engine.setPorts(container, wanted.ports) }
        if to["networks"] != nil { try await applyNetworks(wanted, container) }
        try await engine.reconfigure(container) { specification in
            specification.hostname = wanted.hostname
            specification.usesInit = wanted.usesInit
            specification.readOnlyRoot = wanted.readOnlyRoot
        }
    }

    /// Limits are set even where our record already has them: the kernel's may be other ones.
    private func applyLimits(_ wanted: ContainerSpecification, _ container: Container) async throws {
        var update = ContainerUpdate()
        let isSet = container.specification.limits == wanted.limits
        let isHeld = !container.state.isActive || (try? engine.kernelLimits(of: container)) == wanted.limits
        if !isSet || !isHeld { update.limits = wanted.limits }
        if container.specification.restart != wanted.restart { update.restart = wanted.restart }
        if update != ContainerUpdate() { try await engine.update(container, update) }
    }

    private func applySettings(_ wanted: ContainerSpecification, _ container: Container) async throws {
        let image = try await engine.images.resolve(container.snapshot.imageID)?.config.execution
        var defaults = ContainerSpecification()
        defaults.labels = wanted.labels
        defaults.healthcheck = wanted.healthcheck
        defaults.stopSignal = wanted.stopSignal
        defaults.stopTimeout = wanted.stopTimeout
        if let image { defaults.merge(image) }
        let current = container.specification
        // Labels somebody else put there are not ours to take away.
        let mine = Set(from.strings("labels").keys)
        let labels = current.labels.filter { !mine.contains($0.key) }.merging(defaults.labels) { $1 }
        guard
            labels != current.labels || defaults.healthcheck != current.healthcheck
                || defaults.stopSignal != current.stopSignal || defaults.stopTimeout != current.stopTimeout
        else { return }
        try await engine.setSettings(
            container, labels: labels, healthcheck: defaults.healthcheck, stopSignal: defaults.stopSignal,
            stopTimeout: defaults.stopTimeout)
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
