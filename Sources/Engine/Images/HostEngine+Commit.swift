import ImageStore
import JSONText
import Linux
import OCI

/// How an image is made of what a container wrote.
package struct ContainerCommit: Sendable {
    /// The name it gets; none for an image without one.
    package var reference: ImageReference?
    /// A remark for its history.
    package var comment = ""
    /// Who made it.
    package var author = ""
    /// Whether the container is frozen meanwhile.
    package var pauses = true
    /// What changes its configuration.
    package var changes: [String] = []
    /// Docker's `Config`: what it gives goes before the container's own configuration.
    package var config: JSONValue?

    package init() {}
}

extension HostEngine {
    /// Makes an image of a container: its image's layers, and one of what it wrote.
    ///
    /// - Throws: for a container that is being removed, for changes that make no sense, for files that cannot be in a
    ///   layer. The container goes on as before in any case.
    package func commit(_ container: Container, _ wanted: ContainerCommit) async throws -> StoredImage {
        let facts = container.snapshot
        guard ![.removing, .dead].contains(facts.state.phase) else {
            throw EngineError(
                .conflict, "You cannot commit container \(container.id) which is \(facts.state.phase.rawValue)")
        }
        let parent = try await image(of: container)
        let config = try Self.config(wanted, on: parent.config, facts.specification)
        let upper = try await BlockingExecutor.shared.run { [path = upperDirectory(container)] in
            Files.exists(path) ? try Files.open(path, [.directory]).shared() : nil
        }
        let files = upper.map { LayerFiles.upperDirectory($0, leavingOutIfEmpty: Self.mountPlaces) }
        let image = try await whilePaused(container, wanted.pauses) {
            do {
                return try await self.images.makeImage(
                    of: files, on: config, as: wanted.reference, origin: ["commit": .string(container.id)],
                    doing: "committing container \(facts.name)")
            } catch {
                throw EngineError.image(error)
            }
        }
        await publish(
            "commit", container,
            [
                "comment": wanted.comment, "imageID": image.id.description,
                "imageRef": wanted.reference?.familiar ?? "",
            ])
        return image
    }

    /// Where a container's own files are.
    func upperDirectory(_ container: Container) -> String {
        configuration.containerDirectory(container.id) + "/upper"
    }

    /// What every start makes in the root file system where the image has it not, to mount something there.
    private static let mountPlaces: Set<String> = [
        "dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "proc", "sys",
    ]

    private static func config(
        _ wanted: ContainerCommit, on parent: ImageConfig, _ container: ContainerSpecification
    ) throws(EngineError) -> ImageConfig {
        let now = Clock.now().rfc3339
        var config = parent
        config.created = now
        config.author = wanted.author.isEmpty ? nil : wanted.author
        do {
            let instructions = try ConfigurationInstructions(wanted.changes)
            var own = container.imageParameters
            own.shell = parent.execution.shell
            // Filled first: a change may name a variable of the container's.
            let base = try wanted.config.map { try parameters($0).filled(from: own) } ?? own
            config.execution = try instructions.applied(to: base)
        } catch let error as InstructionError {
            throw EngineError.instruction(error)
        } catch {
            throw EngineError.wrapping(error)
        }
        // A history that does not tell of every layer would take the new step for one of the others.
        let told = config.history.count { !$0.emptyLayer }
        for _ in 0..<max(0, parent.diffIDs.count - told) { config.history.append(ImageConfig.History()) }
        config.history.append(
            ImageConfig.History(
                created: now, createdBy: (container.command ?? []).joined(separator: " "),
                comment: wanted.comment.isEmpty ? nil : wanted.comment))
        return config
    }

    /// The parameters of Docker's `Config`.
    private static func parameters(_ json: JSONValue) throws(EngineError) -> ExecutionParameters {
        let document: JSONValue = [
            "os": "linux", "architecture": "any", "config": json, "rootfs": ["type": "layers", "diff_ids": []],
        ]
        do {
            return try ImageConfig(bytes: document.serializedBytes(.compact)).execution
        } catch {
            throw EngineError(.invalid, "invalid config: \(error)")
        }
    }

    /// Freezes a container that runs, unless it is frozen already or that is not wanted.
    private func whilePaused<Value: Sendable>(
        _ container: Container, _ isWanted: Bool, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        guard isWanted, container.state.phase == .running else { return try await body() }
        do {
            try await pause(container)
        } catch let error as EngineError where error.kind == .conflict {
            // It has just ended, or somebody else has frozen it.
            return try await body()
        }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        do {
            try await unpause(container)
        } catch let error as EngineError where error.kind == .conflict {
            // It was killed, or somebody else has let it go on.
        }
        return try result.get()
    }
}

extension ContainerSpecification {
    /// What of it is an image's business.
    var imageParameters: ExecutionParameters {
        var parameters = ExecutionParameters()
        parameters.user = user
        parameters.exposedPorts = exposedPorts.map(\.description)
        parameters.env = env
        parameters.entrypoint = entrypoint
        parameters.command = command
        parameters.volumes = volumes
        parameters.workingDirectory = workingDirectory
        parameters.labels = labels
        parameters.stopSignal = stopSignal
        parameters.stopTimeout = stopTimeout
        parameters.healthcheck = healthcheck
        return parameters
    }
}

extension ExecutionParameters {
    /// The parameters with what they lack taken from others, as Docker merges them.
    fileprivate func filled(from other: ExecutionParameters) -> ExecutionParameters {
        var result = self
        if result.user.isEmpty { result.user = other.user }
        if result.workingDirectory.isEmpty { result.workingDirectory = other.workingDirectory }
        for port in other.exposedPorts where !result.exposedPorts.contains(port) { result.exposedPorts.append(port) }
        for path in other.volumes where !result.volumes.contains(path) { result.volumes.append(path) }
        let names = Set(result.env.map { $0.prefix { $0 != "=" } })
        result.env += other.env.filter { !names.contains($0.prefix { $0 != "=" }) }
        result.labels.merge(other.labels) { mine, _ in mine }
        if result.entrypoint?.isEmpty ?? true {
            if result.command?.isEmpty ?? true { result.command = other.command }
            if result.entrypoint == nil { result.entrypoint = other.entrypoint }
        }
        if result.healthcheck == nil { result.healthcheck = other.healthcheck }
        if result.stopSignal == nil { result.stopSignal = other.stopSignal }
        if result.stopTimeout == nil { result.stopTimeout = other.stopTimeout }
        if result.shell == nil { result.shell = other.shell }
        return result
    }
}
