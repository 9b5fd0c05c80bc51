import Diagnostics
import ImageStore
import Linux
import Networking
import OCI
import Runtime
import StateStore
import Synchronization

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
        if let id = request.id, let existing = containers.container(id: id) {
            if !existing.state.isMade { try await exclusively(existing) { try await self.complete(existing) } }
            return existing
        }
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
        adapt(&specification, isOfStack: request.stack != nil)
        try validate(specification)
        specification.endpoints = try await resolvedEndpoints(specification)
        try nameVolumes(&specification)

        try containers.reserve(name: name, id: id)
        var facts = Container.Facts(
            name: name, imageID: image.id.description, created: Clock.now(), specification: specification)
        facts.stack = request.stack
        facts.address = request.address
        facts.state.isMade = false
        let container = Container(id: id, facts: facts)
        let mounted = specification.mounts.filter { $0.kind == .volume }.map(\.source)
        volumeClaims.claim(mounted)
        let made = NameList()
        do {
            let row = container.row
            try await writer.commit { try $0.save(row) }
            try await materialize(container, image, made)
        } catch {
            volumeClaims.release(mounted)
            await undoCreate(container, volumes: made.names)
            containers.release(name: name, id: id)
            throw EngineError.wrapping(error)
        }
        containers.insert(container)
        volumeClaims.release(mounted)
        await markMade(container)
        return container
    }

    /// Checks a request of the API against this host, and leaves out what the host cannot do.
    ///
    /// - Returns: Docker's warnings.
    package func prepare(_ specification: inout ContainerSpecification) throws(EngineError) -> [String] {
        let warnings = specification.discardUnsupported(cgroupSupport)
        try specification.checkHost(cgroupSupport)
        return warnings
    }

    /// Fills in what Docker decides for a container at its creation.
    private func adapt(_ specification: inout ContainerSpecification, isOfStack: Bool) {
        _ = specification.discardUnsupported(cgroupSupport)
        var settings = specification.hostSettings
        settings.pidMode = joined(settings.pidMode)
        settings.ipcMode = settings.ipcMode.isEmpty ? "private" : joined(settings.ipcMode)
        if settings.cgroupNamespace.isEmpty {
            settings.cgroupNamespace = specification.isPrivileged && !isUnifiedCgroup ? "host" : "private"
        }
        if !specification.isPrivileged {
            settings.maskedPaths = settings.maskedPaths ?? ContainerConfiguration.dockerMaskedPaths
            settings.readOnlyPaths = settings.readOnlyPaths ?? ContainerConfiguration.dockerReadOnlyPaths
        }
        if settings.runtime.isEmpty { settings.runtime = HostSettings.standardRuntime }
        specification.hostSettings = settings
        specification.securityOptions += SecuritySettings.addedOptions(specification)
        // Docker's containers may gain privileges; those of a stack only where it says so.
        if isOfStack, !specification.securityOptions.contains(where: { $0.hasPrefix("no-new-privileges") }) {
            specification.securityOptions.append("no-new-privileges")
        }
        let usesHostName = specification.networkMode == "host" || settings.utsMode == "host"
        if usesHostName, specification.hostname.isEmpty { specification.hostname = Self.hostName() }
    }

    private static func hostName() -> String {
        ((try? Files.readText("/proc/sys/kernel/hostname", limit: 256)) ?? "").filter { !$0.isWhitespace }
    }

    /// `container:` with the id of the container that is named; names may change.
    private func joined(_ mode: String) -> String {
        guard let name = HostSettings.container(in: mode), let target = try? containers.find(name) else { return mode }
        return "container:\(target.id)"
    }

    /// Makes what a creation that was cut short did not come to; the caller holds the container's queue.
    func complete(_ container: Container) async throws {
        guard !container.state.isMade else { return }
        guard let image = try await images.resolve(container.snapshot.imageID) else {
            throw EngineError.noImage(container.specification.image)
        }
        try await materialize(container, image, NameList())
        await markMade(container)
    }

    /// The creation is over.
    ///
    /// Found again after a crash without this note, all of it is done once more, which changes nothing.
    private func markMade(_ container: Container) async {
        container.change { $0.state.isMade = true }
        await saveStatusLater(container)
        await publish("create", container)
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

    /// Makes directory, addresses and volumes; what is there already stays.
    private func materialize(_ container: Container, _ image: StoredImage, _ made: NameList) async throws {
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
            if isNew {
                made.append(mount.source)
                await publish(.volume, "create", actor: mount.source, ["driver": "local"])
            }
            if mount.copiesImageContent {
                try await fill(volume: mount.source, from: image, at: mount.target, for: container.id)
            }
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

    /// Takes back what a failed creation made: of volumes only those that are its own.
    private func undoCreate(_ container: Container, volumes made: [String]) async {
        try? await networks.releaseEndpoints(containerID: container.id)
        for mount in container.specification.mounts where mount.isAnonymous && made.contains(mount.source) {
            try? await removeVolume(mount.source)
        }
        let id = container.id
        try? await writer.commit { try $0.deleteContainer(id: id) }
        let directory = configuration.containerDirectory(id)
        try? await BlockingExecutor.shared.run { try Files.removeTree(directory) }
    }

    /// Docker fills a new, empty volume with what the image has at the mount point.
    private func fill(volume: String, from image: StoredImage, at target: String, for id: String) async throws {
        try await fillQueue.run {
            let isShared =
                self.users(ofVolume: volume).contains { $0.id != id }
                || self.containers.damaged.contains { $0.mayUse(volume: volume) }
            guard try await self.volumes.wantsContent(volume, isShared: isShared) else { return }
            let layers = try await self.layerMounts.hold(image)
            defer { self.layerMounts.release(image.id) }
            let destination = self.volumes.dataPath(volume)
            let mark = self.volumes.fillMark(volume)
            let scratch = "\(self.configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
            let empty = self.emptyDirectory
            try await BlockingExecutor.shared.run {
                try Files.write(mark, [], mode: 0o600)
                try ImageContent.copy(layers: layers, at: target, to: destination, scratch: scratch, empty: empty)
                try Files.unlink(mark)
            }
        }
    }
}

/// Names that come together over several steps, of which any may fail.
private final class NameList: Sendable {
    private let list = Mutex<[String]>([])

    /// What was added.
    var names: [String] { list.withLock { $0 } }

    func append(_ name: String) { list.withLock { $0.append(name) } }
}
