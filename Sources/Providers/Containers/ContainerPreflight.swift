import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import Networking
import StackModel

/// What would make containers fail to start, found while planning.
struct ContainerPreflight {
    let engine: HostEngine
    let desired: [PlannedResource]

    func diagnostics() async -> [Diagnostic] {
        let freed = portsBeingFreed
        var found: [Diagnostic] = []
        for resource in desired where resource.action != .noChange && resource.action != .delete {
            found += names(resource) + sources(resource)
            let ports = ContainerSpecification.ports(resource.attributes)
                .filter { $0.hostPort != 0 && !freed.contains($0.key) }
            let asked = ports.compactMap(\.published)
            found += await engine.networks.diagnosePorts(asked, containerID: resource.objectID)
                .map { $0.about(resource, path: "ports") }
        }
        return found
    }

    /// Ports that this plan takes away from one of the stack's own containers.
    private var portsBeingFreed: Set<String> {
        var ports = Set<String>()
        for resource in desired where resource.action != .noChange && resource.action != .create {
            guard let id = resource.objectID, let container = engine.containers.container(id: id) else { continue }
            ports.formUnion(container.specification.ports.map(\.key))
        }
        return ports
    }

    private func names(_ resource: PlannedResource) -> [Diagnostic] {
        guard resource.action == .create else { return [] }
        let name = HostNames.container(stack: resource.stack, resource.address)
        guard let other = engine.containers.all.first(where: { $0.name == name }),
            other.snapshot.stack != resource.stack || other.snapshot.address != resource.address.description
        else { return [] }
        return [
            Diagnostic(
                code: "SC5132", summary: "the container \(name) exists already and is not of this stack",
                detail: "its id is \(other.id.prefix(12))", hint: "remove or rename it: stackctl rm \(name)"
            ).about(resource)
        ]
    }

    private func sources(_ resource: PlannedResource) -> [Diagnostic] {
        (resource.attributes["mounts"]?.arrayValue ?? []).compactMap { mount in
            guard mount["type"] == "bind", let source = mount["source"]?.stringValue, !Files.exists(source) else {
                return nil
            }
            return Diagnostic(
                code: "SC5133", summary: "\(source), which is to be mounted, does not exist",
                hint: "make it first: mkdir -p \(source)"
            ).about(resource, path: "mounts")
        }
    }
}

extension PortBinding {
    fileprivate var key: String { "\(hostAddress)|\(hostPort)|\(container.transport)" }

    fileprivate var published: PublishedPort? {
        guard let transport = TransportProtocol(rawValue: container.transport) else { return nil }
        return PublishedPort(
            hostAddress: hostAddress.isEmpty ? nil : IPv4Address(hostAddress), hostPort: hostPort,
            containerPort: container.number, transport: transport)
    }
}
