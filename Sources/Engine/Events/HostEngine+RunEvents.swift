import Linux
import Networking

extension HostEngine {
    /// Tells of the volumes and networks that a run of a container begins to use.
    func publishUse(by container: Container) async {
        for mount in container.specification.mounts where mount.kind == .volume {
            await publish(
                .volume, "mount", actor: mount.source,
                [
                    "container": container.id, "destination": mount.target, "driver": "local", "propagation": "",
                    "read/write": mount.readOnly ? "false" : "true",
                ])
        }
        await publishNetworks("connect", container)
    }

    /// Tells of the volumes and networks that a run of a container has used.
    func publishEndOfUse(by container: Container) async {
        await publishNetworks("disconnect", container)
        for mount in container.specification.mounts where mount.kind == .volume {
            await publish(.volume, "unmount", actor: mount.source, ["container": container.id, "driver": "local"])
        }
    }

    private func publishNetworks(_ action: String, _ container: Container) async {
        for endpoint in (try? await networks.endpoints(containerID: container.id)) ?? [] {
            guard let network = try? await networks.network(id: endpoint.networkID) else { continue }
            await publish(
                .network, action, actor: network.id,
                ["container": container.id, "name": network.name, "type": "bridge"])
        }
    }
}
