import Linux

extension HostEngine {
    /// Tells of the volumes that a run of a container begins to use.
    func publishMounts(by container: Container) async {
        for mount in container.specification.mounts where mount.kind == .volume {
            await publish(
                .volume, "mount", actor: mount.source,
                [
                    "container": container.id, "destination": mount.target, "driver": "local",
                    "propagation": mount.propagation,
                    "read/write": mount.readOnly ? "false" : "true",
                ])
        }
    }

    /// Tells of the volumes that a run of a container has used.
    func publishUnmounts(by container: Container) async {
        for mount in container.specification.mounts where mount.kind == .volume {
            await publish(.volume, "unmount", actor: mount.source, ["container": container.id, "driver": "local"])
        }
    }
}
