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
        guard let volume = try await volumes.find(name) else {
            if force { return }
            throw EngineError.noVolume(name)
        }
        if volume.settings.mount != nil { await volumeMounts.sweep([volumes.dataPath(name)]) }
        try await volumes.remove(name) { [self] in
            let damaged = containers.damaged.filter { $0.mayUse(volume: name) }
            let users = users(ofVolume: name).map(\.id) + damaged.map(\.id)
            return volumeClaims.isClaimed(name) ? users + ["a container or a copy that is being made"] : users
        }
        await publish(.volume, "destroy", actor: name, ["driver": "local"])
    }

    /// Docker's `Volume`.
    package func inspection(_ volume: Volume) -> JSONObject {
        var labels = volume.labels
        if volume.isAnonymous { labels[MountSpecification.anonymousLabel] = "" }
        return [
            "CreatedAt": .string(volume.created.rfc3339Seconds), "Driver": "local",
            "Labels": labels.isEmpty ? .null : .object(.strings(labels)),
            "Mountpoint": .string(volumes.dataPath(volume.name)), "Name": .string(volume.name),
            "Options": volume.options.map { .object(.strings($0)) } ?? .null, "Scope": "local",
        ]
    }

    /// Docker's list of volumes.
    package func volumeList(_ filter: FilterSet) async throws -> [JSONObject] {
        for text in filter["dangling"] where !["0", "1", "true", "false"].contains(text.lowercased()) {
            throw EngineError(.invalid, "invalid filter 'dangling=[\(text)]'")
        }
        var result: [JSONObject] = []
        for volume in try await volumes.all() {
            let object = inspection(volume)
            var labels = volume.labels
            if volume.isAnonymous { labels[MountSpecification.anonymousLabel] = "" }
            let used = !users(ofVolume: volume.name).isEmpty
            guard filter.allows("name", where: { Self.matches(volume.name, pattern: $0) }),
                filter.allows(labels: labels), filter.allows("driver", where: { $0 == "local" }),
                filter.allows("dangling", where: { ["1", "true"].contains($0.lowercased()) != used })
            else { continue }
            result.append(object)
        }
        return result
    }

    /// A part of the name; `^` and `$` tie it to the name's begin and end.
    private static func matches(_ name: String, pattern: String) -> Bool {
        var text = Substring(pattern)
        let isBegin = text.first == "^"
        if isBegin { text.removeFirst() }
        let isEnd = text.last == "$"
        if isEnd { text.removeLast() }
        switch (isBegin, isEnd) {
        case (true, true): return name == text
        case (true, false): return name.hasPrefix(text)
        case (false, true): return name.hasSuffix(text)
        case (false, false): return name.contains(text)
        }
    }

    /// Docker's list of volumes with what each takes on the disk.
    package func volumeUsage() async throws -> [JSONObject] {
        var result: [JSONObject] = []
        for volume in try await volumes.all() {
            var object = inspection(volume)
            // What is mounted there may be far away and large: Docker does not count it either.
            let size = volume.settings.mount == nil ? (try? await volumes.usage(volume.name)) ?? -1 : -1
            object["UsageData"] = [
                "Size": .int(size), "RefCount": .int(Int64(users(ofVolume: volume.name).count)),
            ]
            result.append(object)
        }
        return result
    }
}
