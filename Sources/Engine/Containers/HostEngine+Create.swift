import Diagnostics
import ImageStore
import Linux
import Networking
import OCI
import StateStore

/// A container to be made.
package struct ContainerRequest: Sendable {
    /// The name; invented where absent.
    package var name: String?
    /// An id chosen before; made up where absent.
    package var id: String?
    /// How it shall be.
    package var specification: ContainerSpecification
    /// The stack that owns it.
    package var stack: String?
    /// Its address in the stack.
    package var address: String?

    /// A request.
    package init(
        name: String? = nil, id: String? = nil, specification: ContainerSpecification, stack: String? = nil,
        address: String? = nil
    ) {
        self.name = name
        self.id = id
        self.specification = specification
        self.stack = stack
        self.address = address
    }
}

extension HostEngine {
    /// Makes a container without starting it.
    ///
    /// Id, name and addresses are committed before anything else exists.
    ///
    /// Asked again with the same id it returns what is there. A failure leaves nothing behind.
    package func createContainer(_ request: ContainerRequest) async throws -> Container {
        if let id = request.id, let existing = containers.container(id: id) { return existing }
        let id = try request.id ?? Random.hexID()
        let name = try chosenName(request.name)
        var specification = request.specification
        guard !specification.image.isEmpty else {
            throw EngineError(.invalid, "no image given: field Image is empty")
        }
        guard let image = try await images.resolve(specification.image) else {
            throw EngineError.noImage(specification.image)
        }
        // A stack refers to an image by its id; people know it by its name.
        if request.stack != nil, let name = image.references.first { specification.image = name.familiar }
        specification.merge(image.config.execution)
        try validate(specification)
        specification.endpoints = try await resolvedEndpoints(specification)
        try nameVolumes(&specification)

        try containers.reserve(name: name, id: id)
        var facts = Container.Facts(
            name: name, imageID: image.id.description, created: Clock.now(), specification: specification)
        facts.stack = request.stack
        facts.address = request.address
        let container = Container(id: id, facts: facts)
        do {
            try await materialize(container, image)
        } catch {
            await undoCreate(container)
            containers.release(name: name, id: id)
            throw EngineError.wrapping(error)
        }
        containers.insert(container)
        await publish("create", container)
        return container
    }

    private func chosenName(_ asked: String?) throws -> String {
        guard var name = asked, !name.isEmpty else { return ObjectName.invented(try Random.bytes(4)) }
        if name.hasPrefix("/") { name.removeFirst() }
        guard ObjectName.isValid(name), name.utf8.count > 1 else {
            throw EngineError(
                .invalid, "Invalid container name (\(name)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        }
        return name
    }

    private func validate(_ specification: ContainerSpecification) throws(EngineError) {
        guard let program = specification.arguments.first, !program.isEmpty else {
            throw EngineError(.invalid, "no command specified")
        }
        if let signal = specification.stopSignal, Signals.number(named: signal) == nil {
            throw EngineError(.invalid, "invalid signal: \(signal)")
        }
        let directory = specification.workingDirectory
        guard directory.isEmpty || directory.hasPrefix("/") else {
            throw EngineError(
                .invalid, "the working directory '\(directory)' is invalid, it needs to be an absolute path")
        }
        for entry in specification.env where entry.isEmpty || entry.hasPrefix("=") {
            throw EngineError(.invalid, "invalid environment variable: \(entry)")
        }
        var targets = Set<String>()
        for mount in specification.mounts where !targets.insert(mount.target).inserted {
            throw EngineError(.invalid, "Duplicate mount point: \(mount.target)")
        }
        for mount in specification.mounts where mount.kind == .bind && !mount.createsSource {
            guard Files.exists(mount.source) else {
                throw EngineError(
                    .invalid,
                    "invalid mount config for type \"bind\": bind source path does not exist: \(mount.source)")
            }
        }
        if specification.networkMode.hasPrefix("container:") {
            throw EngineError(.notImplemented, "network mode container: is not supported")
        }
    }

    /// The networks by id, the one with the default route first.
    private func resolvedEndpoints(_ specification: ContainerSpecification) async throws -> [EndpointSettings] {
        let mode = specification.networkMode
        if mode == "none" || mode == "host" { return [] }
        var given: [EndpointSettings] = []
        for var endpoint in specification.endpoints {
            endpoint.network = try await network(named: endpoint.network).id
            guard !given.contains(where: { $0.network == endpoint.network }) else {
                throw EngineError(.invalid, "network \(endpoint.network) is given twice")
            }
            given.append(endpoint)
        }
        if mode == "default", !given.isEmpty { return given }
        let primary = try await network(named: mode).id
        if let index = given.firstIndex(where: { $0.network == primary }) {
            given.insert(given.remove(at: index), at: 0)
        } else {
            given.insert(EndpointSettings(network: primary), at: 0)
        }
        return given
    }

    /// Gives anonymous volumes their names.
    private func nameVolumes(_ specification: inout ContainerSpecification) throws {
        let targets = Set(specification.mounts.map(\.target))
        for path in specification.volumes where !targets.contains(path) {
            var mount = MountSpecification(.volume, source: "", target: path)
            mount.isAnonymous = true
            specification.mounts.append(mount)
        }
        for index in specification.mounts.indices {
            guard specification.mounts[index].kind == .volume, specification.mounts[index].source.isEmpty else {
                continue
            }
            specification.mounts[index].source = try Random.hexID()
            specification.mounts[index].isAnonymous = true
        }
    }

    private func materialize(_ container: Container, _ image: StoredImage) async throws {
        let row = container.row
        try await writer.commit { try $0.save(row) }
        let directory = configuration.containerDirectory(container.id)
        try await BlockingExecutor.shared.run {
            try Files.makeDirectories(directory, mode: 0o700)
            // `-v` makes a missing source; `--mount` was refused before.
            for mount in container.specification.mounts where mount.kind == .bind && mount.createsSource {
                if try Files.statusIfPresent(mount.source) == nil { try Files.makeDirectories(mount.source) }
            }
        }
        for endpoint in container.specification.endpoints {
            try await reserve(endpoint, for: container)
        }
        for mount in container.specification.mounts where mount.kind == .volume {
            let isNew = try await volumes.ensure(mount.source, anonymous: mount.isAnonymous)
            if isNew { await publish(.volume, "create", actor: mount.source, ["driver": "local"]) }
            if mount.copiesImageContent { try await fill(volume: mount.source, from: image, at: mount.target) }
        }
    }

    func reserve(_ endpoint: EndpointSettings, for container: Container) async throws {
        let address = try endpoint.address.map { text throws(EngineError) in
            guard let address = IPv4Address(text) else { throw EngineError(.invalid, "invalid IPv4 address: \(text)") }
            return address
        }
        let mac = try endpoint.macAddress.map { text throws(EngineError) in
            guard let mac = MACAddress(text) else {
                throw EngineError(.invalid, "invalid MAC address: \(text)")
            }
            return mac
        }
        _ = try await networks.reserveEndpoint(
            EndpointRequest(
                containerID: container.id, networkID: endpoint.network, address: address, macAddress: mac,
                aliases: endpoint.aliases))
    }

    private func undoCreate(_ container: Container) async {
        try? await networks.releaseEndpoints(containerID: container.id)
        for mount in container.specification.mounts where mount.kind == .volume && mount.isAnonymous {
            try? await volumes.remove(mount.source)
        }
        let id = container.id
        try? await writer.commit { try $0.deleteContainer(id: id) }
        let directory = configuration.containerDirectory(id)
        try? await BlockingExecutor.shared.run { try Files.removeTree(directory) }
    }

    /// Docker fills a new, empty volume with what the image has at the mount point.
    private func fill(volume: String, from image: StoredImage, at target: String) async throws {
        guard try await volumes.isEmpty(volume) else { return }
        let layers = try await layerMounts.hold(image)
        defer { layerMounts.release(image.id) }
        let destination = volumes.dataPath(volume)
        let scratch = "\(configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
        try await BlockingExecutor.shared.run {
            try ImageContent.copy(layers: layers, at: target, to: destination, scratch: scratch)
        }
    }
}
