import ImageStore
import JSONText
import LaunchProgram
import Linux
import OCI
import Runtime

/// What containers mount.
extension HostEngine {
    /// Fills in what a request leaves open: mounts of other containers, names of volumes, ids of images.
    ///
    /// - Throws: for what is not there, and for two mounts at one place.
    func prepareMounts(_ specification: inout ContainerSpecification) async throws {
        var targets = Set<String>()
        for mount in specification.mounts where !targets.insert(mount.target).inserted {
            throw EngineError(.invalid, "Duplicate mount point: \(mount.target)")
        }
        for text in specification.volumesFrom {
            for mount in try mounts(from: text) where targets.insert(mount.target).inserted {
                specification.mounts.append(mount)
            }
        }
        for path in specification.volumes where targets.insert(MountSpecification.cleaned(path)).inserted {
            var mount = MountSpecification(.volume, source: "", target: path)
            mount.origin = .volumes
            try mount.validate()
            specification.mounts.append(mount)
        }
        for index in specification.mounts.indices {
            try await complete(&specification.mounts[index])
        }
    }

    private func complete(_ mount: inout MountSpecification) async throws {
        switch mount.kind {
        case .volume where mount.source.isEmpty:
            mount.source = try Random.hexID()
            mount.isAnonymous = true
        case .image where mount.imageID.isEmpty:
            // Not "not found": the stock client would pull the container's own image.
            guard let image = try await images.resolve(mount.source) else {
                throw MountSpecification.refusal(.image, "No such image: \(mount.source)")
            }
            mount.imageID = image.id.description
        case .bind where !mount.createsSource:
            let source = mount.source
            guard await BlockingExecutor.shared.run({ Files.exists(source) }) else {
                throw EngineError(
                    .invalid, "invalid mount config for type \"bind\": bind source path does not exist: \(source)")
            }
        default: break
        }
    }

    /// The mounts of a container named in `VolumesFrom`, as another gets them.
    private func mounts(from text: String) throws -> [MountSpecification] {
        guard !text.isEmpty else {
            throw EngineError(.invalid, "volumes-from specification cannot be an empty string")
        }
        let sides = text.split(separator: ":", maxSplits: 1).map(String.init)
        let mode = sides.count == 2 ? sides[1] : "rw"
        let words = mode.split(separator: ",")
        guard let name = sides.first, words.allSatisfy({ ["ro", "rw", "z", "Z"].contains($0) }) else {
            throw EngineError(.invalid, "invalid mode: \(mode)")
        }
        return try containers.find(name).specification.mounts.filter { $0.origin != .tmpfs }.map { mount in
            var mount = mount
            mount.origin = .volumesFrom
            mount.readOnly = mount.readOnly || words.contains("ro")
            mount.copiesImageContent = false
            mount.createsSource = false
            return mount
        }
    }

    /// Makes sources and volumes; what is there already stays.
    func materializeMounts(_ container: Container, _ image: StoredImage, _ made: NameList) async throws {
        try await makeMountSources(container.specification)
        for mount in container.specification.mounts where mount.kind == .volume {
            try volumeClaims.refuseLocked(mount.source)
            let volume = Volume(
                name: mount.source, labels: mount.volumeLabels,
                options: mount.volumeOptions.isEmpty ? nil : mount.volumeOptions, isAnonymous: mount.isAnonymous)
            if try await volumes.ensure(volume) {
                made.append(mount.source)
                await publish(.volume, "create", actor: mount.source, ["driver": "local"])
            }
            if mount.copiesImageContent, mount.subpath.isEmpty {
                try await fill(volume: mount.source, from: image, at: mount.target, for: container.id)
            }
        }
    }

    /// `-v` makes a missing source; `--mount` was refused before.
    func makeMountSources(_ specification: ContainerSpecification) async throws {
        let sources = specification.mounts.filter { $0.kind == .bind && $0.createsSource }.map(\.source)
        guard !sources.isEmpty else { return }
        try await BlockingExecutor.shared.run { () throws(EngineError) in
            for source in sources {
                do {
                    if try Files.statusIfPresent(source) == nil { try Files.makeDirectories(source) }
                } catch {
                    throw EngineError(.failed, "error while creating mount source path '\(source)': \(error)")
                }
            }
        }
    }

    /// Docker fills a new, empty volume with what the image has at the mount point.
    private func fill(volume name: String, from image: StoredImage, at target: String, for id: String) async throws {
        try await fillQueue.run {
            guard let volume = try await self.volumes.find(name) else { throw EngineError.noVolume(name) }
            let isShared =
                self.users(ofVolume: name).contains { $0.id != id }
                || self.containers.damaged.contains { $0.mayUse(volume: name) }
            let hasMount = volume.settings.mount != nil
            if !hasMount { guard try await self.volumes.wantsContent(name, isShared: isShared) else { return } }
            let layers = try await self.layerMounts.hold(image)
            defer { self.layerMounts.release(image.id) }
            let scratch = "\(self.configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
            let empty = self.emptyDirectory
            let path = self.volumes.dataPath(name)
            if hasMount {
                guard
                    try await BlockingExecutor.shared.run({
                        try ImageContent.has(target, in: layers, scratch: scratch, empty: empty)
                    })
                else { return }
                do {
                    try await self.volumeMounts.hold(volume, at: path, for: "fill-\(id)")
                } catch {
                    throw EngineError(.failed, "failed to populate volume: \(EngineError.wrapping(error).message)")
                }
            }
            let result: Result<Void, any Error>
            do {
                try await self.copyContent(layers, at: target, into: volume, isShared, scratch)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            if hasMount { await self.volumeMounts.release("fill-\(id)") }
            try result.get()
        }
    }

    private func copyContent(
        _ layers: [String], at target: String, into volume: Volume, _ isShared: Bool, _ scratch: String
    ) async throws {
        guard try await volumes.wantsContent(volume.name, isShared: isShared) else { return }
        let (path, mark, empty) = (volumes.dataPath(volume.name), volumes.fillMark(volume.name), emptyDirectory)
        try await BlockingExecutor.shared.run {
            try Files.write(mark, [], mode: 0o600)
            try ImageContent.copy(layers: layers, at: target, to: path, scratch: scratch, empty: empty)
            // What was asked for of the volume itself comes before what the image has.
            try VolumeContent.setRoot(of: volume, at: path)
            try Files.unlink(mark)
        }
    }
}

// MARK: - Runs

extension HostEngine {
    /// Makes what a container's run needs mounted on the host: devices of volumes, layers of images.
    ///
    /// Asked again it changes nothing but what is missing. `releaseMounts` takes it back, whatever was done of it.
    func holdMounts(_ container: Container) async throws {
        for mount in container.specification.mounts {
            switch mount.kind {
            case .volume:
                try volumeClaims.refuseLocked(mount.source)
                guard let volume = try await volumes.find(mount.source) else {
                    throw EngineError.noVolume(mount.source)
                }
                try await volumeMounts.hold(volume, at: volumes.dataPath(volume.name), for: container.id)
            case .image:
                guard let image = try await images.resolve(mount.imageID) else {
                    throw EngineError.noImage(mount.source)
                }
                _ = try await layerMounts.hold(image)
                heldImages.add(image.id, for: container.id)
            case .bind, .tmpfs: break
            }
        }
    }

    /// Gives back what a run needed.
    func releaseMounts(_ container: Container) async {
        await volumeMounts.release(container.id)
        for image in heldImages.take(of: container.id) { layerMounts.release(image) }
    }

    /// Unmounts what an earlier daemon mounted for containers that have ended since.
    func sweepVolumeMounts(besides kept: Set<String>) async {
        let volumes = ((try? await volumes.all()) ?? []).filter { $0.settings.mount != nil && !kept.contains($0.name) }
        await volumeMounts.sweep(volumes.map { self.volumes.dataPath($0.name) })
    }

    /// What the runtime is told of a container's mounts.
    func launchMounts(_ specification: ContainerSpecification) async throws -> [MountConfiguration] {
        var result: [MountConfiguration] = []
        for mount in specification.mounts { result.append(try await launchMount(mount)) }
        let shared = specification.mounts.filter { mount in
            mount.kind == .bind && ["slave", "rslave", "shared", "rshared"].contains(mount.propagation)
        }
        if !shared.isEmpty {
            try await BlockingExecutor.shared.run { () throws(EngineError) in
                for mount in shared { try Self.checkPropagation(of: mount) }
            }
        }
        return result
    }

    private func launchMount(_ mount: MountSpecification) async throws -> MountConfiguration {
        var result: MountConfiguration
        switch mount.kind {
        case .bind:
            result = MountConfiguration(
                .bind(source: mount.source, recursive: mount.isRecursive), target: mount.target)
            result.owners = mount.owners.map { OwnerMap($0) }
            if mount.propagation.hasSuffix("slave") { result.propagation = .slave }
            if mount.propagation.hasSuffix("shared") { result.propagation = .shared }
            result.readOnlyBelow = mount.readOnlyDepth != .top
        case .volume:
            result = MountConfiguration(
                .bind(source: volumes.dataPath(mount.source), recursive: true), target: mount.target)
            let owners = try await volumes.find(mount.source)?.settings.owners
            result.owners = (mount.owners ?? owners).map { OwnerMap($0) }
        case .image:
            guard let image = try await images.resolve(mount.imageID) else { throw EngineError.noImage(mount.source) }
            // Held by the run already; a list of steps only names them.
            let layers = try await layerMounts.hold(image)
            layerMounts.release(image.id)
            let empty = emptyDirectory
            // The kernel wants two directories at least.
            try await BlockingExecutor.shared.run { try Files.makeDirectories(empty, mode: 0o755) }
            result = MountConfiguration(.layers(layers + [empty]), target: mount.target)
        case .tmpfs:
            let settings = try TmpfsSettings(mount.tmpfsOptions)
            result = MountConfiguration(.tmpfs(options: settings.options), target: mount.target)
            result.attributes = settings.attributes
        }
        result.subpath = mount.subpath
        result.readOnly = mount.readOnly
        return result
    }

    /// Later mounts of the host are seen only where it passes them on.
    ///
    /// Blocks.
    ///
    /// - Throws: Docker's texts.
    private static func checkPropagation(of mount: MountSpecification) throws(EngineError) {
        let wantsShared = mount.propagation.hasSuffix("shared")
        let entry: MountEntry?
        do throws(SystemError) {
            let status = try Files.status(mount.source)
            entry = try Mounts.table().first { $0.id == status.mountID }
        } catch {
            throw EngineError(.failed, "the mount of \(mount.source) cannot be found: \(error)")
        }
        guard let entry else { return }
        if entry.tags.contains(where: { $0.hasPrefix("shared:") || !wantsShared && $0.hasPrefix("master:") }) { return }
        throw EngineError(
            .failed,
            "path \(mount.source) is mounted on \(entry.target) but it is not a shared\(wantsShared ? "" : " or slave") mount"
        )
    }
}

extension OwnerMap {
    /// A mapping as the runtime takes it.
    fileprivate init(_ mapping: OwnerMapping) {
        self.init(
            user: mapping.host.user, group: mapping.host.group, seenUser: mapping.container.user,
            seenGroup: mapping.container.group)
    }
}

// MARK: - What clients see

extension HostEngine {
    /// Docker's list of `MountPoint`: all but what `--tmpfs` made.
    func mountPoints(_ specification: ContainerSpecification) -> [JSONValue] {
        specification.mounts.filter { $0.origin != .tmpfs }.map { .object(mountPoint($0)) }
    }

    private func mountPoint(_ mount: MountSpecification) -> JSONObject {
        var object: JSONObject = ["Type": .string(mount.kind.rawValue)]
        var mode = mount.mode
        var propagation = ""
        switch mount.kind {
        case .volume:
            object["Name"] = .string(mount.source)
            object["Source"] = .string(volumes.dataPath(mount.source))
            // Docker's volumes may be shared by labels of SELinux.
            if mode.isEmpty, [.binds, .mounts].contains(mount.origin) { mode = "z" }
        case .bind:
            object["Source"] = .string(mount.source)
            propagation = mount.propagation.isEmpty ? "rprivate" : mount.propagation
        case .image:
            object["Name"] = .string(mount.source)
            object["Source"] = .string(mount.imageID)
            propagation = "rprivate"
        case .tmpfs: object["Source"] = ""
        }
        object["Destination"] = .string(mount.target)
        if mount.kind == .volume { object["Driver"] = "local" }
        object["Mode"] = .string(mode)
        object["RW"] = .bool(!mount.readOnly)
        object["Propagation"] = .string(propagation)
        return object
    }
}
