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
        try await complete(&specification, of: image, isOfStack: request.stack != nil)

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

    /// Fills in what the request leaves open, from the image and from what is on the host.
    private func complete(
        _ specification: inout ContainerSpecification, of image: StoredImage, isOfStack: Bool
    ) async throws {
        try specification.checkNetwork()
        specification.merge(image.config.execution)
        adapt(&specification, isOfStack: isOfStack)
        try validate(specification)
        do {
            try resolveNetworkMode(&specification)
            try checkLinkTargets(specification)
            specification.endpoints = try await resolvedEndpoints(specification)
            try await prepareMounts(&specification)
        } catch let error as EngineError where error.kind == .notFound {
            // At "not found" clients pull the container's image, which is here.
            throw EngineError(.invalid, error.message, diagnostics: error.diagnostics)
        }
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
        let image = try await image(of: container)
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
    }

    /// Makes directory, addresses and volumes; what is there already stays.
    private func materialize(_ container: Container, _ image: StoredImage, _ made: NameList) async throws {
        let directory = configuration.containerDirectory(container.id)
        try await BlockingExecutor.shared.run {
            try Files.makeDirectories(directory, mode: 0o700)
        }
        for endpoint in container.specification.endpoints {
            try await reserveUnlessTaken(endpoint, for: container)
        }
        try await materializeMounts(container, image, made)
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
}

/// Names that come together over several steps, of which any may fail.
final class NameList: Sendable {
    private let list = Mutex<[String]>([])

    /// What was added.
    var names: [String] { list.withLock { $0 } }

    func append(_ name: String) { list.withLock { $0.append(name) } }
}
