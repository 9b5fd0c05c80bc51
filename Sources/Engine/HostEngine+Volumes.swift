import JSONText
import Linux

extension HostEngine {
    /// Makes a volume.
    package func createVolume(_ volume: Volume) async throws -> Volume {
        let isNew = try await volumes.find(volume.name) == nil
        let made = try await volumes.create(volume)
        if isNew { await publish(.volume, "create", actor: made.name, ["driver": "local"]) }
        return made
    }

    /// The containers that mount a volume.
    package func users(ofVolume name: String) -> [Container] {
        containers.all.filter { container in
            container.specification.mounts.contains { $0.kind == .volume && $0.source == name }
        }
    }

    /// Removes a volume nothing mounts.
    package func removeVolume(_ name: String, force: Bool = false) async throws {
        guard try await volumes.find(name) != nil else {
            if force { return }
            throw EngineError.noVolume(name)
        }
        try await volumes.remove(name) { [self] in
            let damaged = containers.damaged.filter { $0.mayUse(volume: name) }
            let users = users(ofVolume: name).map(\.id) + damaged.map(\.id)
            return volumeClaims.isClaimed(name) ? users + ["a container that is being made"] : users
        }
        await publish(.volume, "destroy", actor: name, ["driver": "local"])
    }

    /// Docker's `Volume`.
    package func inspection(_ volume: Volume) -> JSONObject {
        var labels = volume.labels
        if volume.isAnonymous { labels["com.docker.volume.anonymous"] = "" }
        return [
            "CreatedAt": .string(volume.created.rfc3339Seconds), "Driver": "local",
            "Labels": .object(.strings(labels)), "Mountpoint": .string(volumes.dataPath(volume.name)),
            "Name": .string(volume.name), "Options": .null, "Scope": "local",
        ]
    }

    /// Docker's list of volumes.
    package func volumeList(_ filter: FilterSet) async throws -> [JSONObject] {
        var result: [JSONObject] = []
        for volume in try await volumes.all() {
            let used = !users(ofVolume: volume.name).isEmpty
            guard filter.allows("name", where: { volume.name.contains($0) }), filter.allows(labels: volume.labels),
                filter.allows("driver", where: { $0 == "local" }),
                filter.allows("dangling", where: { ["1", "true"].contains($0) != used })
            else { continue }
            result.append(inspection(volume))
        }
        return result
    }
}
