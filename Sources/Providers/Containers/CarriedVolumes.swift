import Engine
import ImageStore
import JSONText
import Linux
import OCI
import StackModel
import StateStore

/// Anonymous volumes that go from a container to the one that takes its place.
struct CarriedVolumes: Sendable {
    let engine: HostEngine
    let stack: String
    let address: ResourceAddress

    private var note: StoredNote {
        StoredNote(database: engine.database, key: "carried-volumes.\(stack)/\(address)")
    }

    /// Takes note of the volumes of a container that is about to be replaced, unless another has them already.
    func keep(of container: Container) async throws {
        var volumes = try await noted()
        for (target, volume) in own(container) where engine.users(ofVolume: volume).allSatisfy({ $0 === container }) {
            volumes[target] = volume
        }
        try await write(volumes)
    }

    /// Hands the volumes on to a container that is about to be made: those that its image or it asks for.
    ///
    /// - Parameter predecessors: containers it takes the place of that are still there.
    func hand(to specification: inout ContainerSpecification, predecessors: [Container]) async throws {
        var volumes = try await noted()
        for container in predecessors { volumes.merge(own(container)) { $1 } }
        guard !volumes.isEmpty else { return }
        for index in specification.mounts.indices {
            let mount = specification.mounts[index]
            guard mount.kind == .volume, mount.source.isEmpty,
                let volume = volumes.removeValue(forKey: MountSpecification.cleaned(mount.target))
            else { continue }
            specification.mounts[index].source = volume
            specification.mounts[index].isAnonymous = true
        }
        let taken = Set(specification.mounts.map { MountSpecification.cleaned($0.target) })
        let image = try await engine.images.resolve(specification.image)?.config.execution.volumes ?? []
        for path in image.map({ MountSpecification.cleaned($0) }) where !taken.contains(path) {
            guard let volume = volumes[path] else { continue }
            var mount = MountSpecification(.volume, source: volume, target: path)
            mount.origin = .volumes
            mount.isAnonymous = true
            specification.mounts.append(mount)
        }
    }

    /// Whether volumes wait for the next container.
    var hasNotes: Bool {
        get async throws { try await !noted().isEmpty }
    }

    /// The new container is made: what it has not taken over goes.
    func settle() async throws {
        let volumes = try await noted()
        guard !volumes.isEmpty else { return }
        for volume in volumes.values where engine.users(ofVolume: volume).isEmpty {
            guard try await engine.volumes.find(volume)?.isAnonymous == true else { continue }
            try? await engine.removeVolume(volume)
        }
        try await write([:])
    }

    private func own(_ container: Container) -> [String: String] {
        let mounts = container.specification.mounts.filter {
            $0.kind == .volume && $0.isAnonymous && $0.origin != .volumesFrom
        }
        return Dictionary(mounts.map { (MountSpecification.cleaned($0.target), $0.source) }) { first, _ in first }
    }

    private func noted() async throws -> [String: String] {
        guard let object = try await note.read() else { return [:] }
        return JSONObject([("volumes", object)]).strings("volumes")
    }

    private func write(_ volumes: [String: String]) async throws {
        try await note.write(volumes.isEmpty ? nil : .object(.strings(volumes)))
    }
}
