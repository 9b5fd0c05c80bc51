import Builder
import Diagnostics
import Dockerfile
import ImageStore
import Linux
import OCI
import Registry
import Synchronization

/// What the engine is to builds: images, mounted layers, networks.
final class EngineBuildHost: BuildHost {
    private struct Reference { weak var engine: HostEngine? }

    // Weak: the engine has the builds, which have this.
    private let reference = Mutex(Reference())
    private let pool = StepNetworkPool()

    /// Begins to serve; called once, by the engine.
    func serve(_ engine: HostEngine) { reference.withLock { $0.engine = engine } }

    private func engine() throws(EngineError) -> HostEngine {
        guard let engine = reference.withLock({ $0.engine }) else {
            throw EngineError(.failed, "the engine has ended")
        }
        return engine
    }

    func image(
        _ reference: ImageReference, platform: Platform, pulls: Bool, access: RegistryAccess,
        progress: @escaping @Sendable (LayerProgress) -> Void
    ) async throws -> StoredImage {
        let engine = try engine()
        if !pulls, let found = try await engine.images.resolve(reference.description),
            platform.accepted.contains(found.config.platform.normalized)
        {
            return found
        }
        do {
            // A base for another platform takes nobody's name away.
            return try await engine.pullImage(
                reference, platform: platform, access: access,
                isNamed: Platform.host.accepted.contains(platform.normalized)
            ) { update in
                if case .layer(let layer) = update { progress(layer) }
            }.image
        } catch let error as EngineError {
            throw Self.failure(error)
        }
    }

    /// What the engine says, in the words of builds.
    private static func failure(_ error: EngineError) -> BuildFailure {
        let kind: BuildFailure.Kind =
            switch error.kind {
            case .notFound: .notFound
            case .forbidden, .unauthorized: .forbidden
            case .invalid: .invalid
            default: .failed
            }
        let first = error.diagnostics.first
        return BuildFailure(
            kind,
            Diagnostic(
                code: kind == .notFound ? BuildCode.notFound : BuildCode.failed, summary: error.message,
                detail: first?.detail, hint: first?.hint, notes: first?.notes ?? []))
    }

    func holdLayers(_ layers: [Digest]) async throws -> [String] {
        let engine = try engine()
        return try await engine.layerMounts.hold(layers)
    }

    func giveBackLayers(_ layers: [Digest]) async {
        guard let engine = try? engine() else { return }
        engine.layerMounts.release(layers)
        engine.sweepLayersLater()
    }

    func network(
        _ kind: EvaluatedRun.Network, named name: String?, step: String
    ) async throws -> StepNetwork {
        let engine = try engine()
        switch kind {
        case .host:
            let resolver = await BlockingExecutor.shared.run {
                (try? Files.readText("/etc/resolv.conf", limit: 65_536)) ?? ""
            }
            return StepNetwork(id: "", namespace: nil, resolver: resolver, gateway: "127.0.0.1")
        case .none: return try await engine.isolatedStep()
        case .standard:
            guard let name, name != "default", name != HostEngine.defaultNetworkName else {
                if let kept = pool.take() { return kept }
                return try await engine.joinStep(to: try await engine.network(named: "default"))
            }
            if let owner = HostSettings.container(in: name) { return try await shared(with: owner, of: engine) }
            var network = try await engine.joinStep(to: try await engine.network(named: name))
            // Its network may be removed as soon as nobody is in it.
            network.isSpent = true
            return network
        }
    }

    func leave(_ network: StepNetwork) async {
        guard !network.id.isEmpty, let engine = try? engine() else { return }
        if !network.isSpent, await Self.isUnused(network), pool.keep(network, for: engine) { return }
        await engine.removeStep(network.id)
    }

    /// Kinds of sockets that can be looked for in /proc/net.
    private static let socketTables = [
        "packet", "raw", "raw6", "udp", "udp6", "udplite", "udplite6", "icmp", "icmp6", "unix",
    ]

    /// Whether no connection is left that would stand in another step's way (`TIME_WAIT`), and no socket: a process
    /// elsewhere may have been handed one, and would hear and say what is the next step's business.
    private static func isUnused(_ network: StepNetwork) async -> Bool {
        guard let namespace = network.namespace else { return false }
        let isUnused = try? await BlockingExecutor.shared.run { () throws(SystemError) in
            try Namespaces.withNetworkNamespace(namespace.raw) { () throws(SystemError) in
                if try SocketDiagnostics.hasTCP() { return false }
                for path in socketTables.map({ "/proc/thread-self/net/\($0)" }) where Files.exists(path) {
                    if try Files.readText(path, limit: 1 << 16).split(separator: "\n").count > 1 { return false }
                }
                return true
            }
        }
        return isUnused ?? false
    }

    /// The network of a container that runs.
    private func shared(with owner: String, of engine: HostEngine) async throws -> StepNetwork {
        let container = try engine.containers.find(owner)
        let namespace = try engine.sharedNamespace(container.id)
        let path = "\(engine.networkFilesDirectory(container.id, container.specification))/resolv.conf"
        let resolver = try await BlockingExecutor.shared.run { try Files.readText(path, limit: 65_536) }
        var network = StepNetwork(id: "", namespace: namespace, resolver: resolver)
        network.isOwn = false
        return network
    }

    func devices(_ names: [String]) async throws -> StepDevices {
        try await BlockingExecutor.shared.run {
            let edits = try DeviceSpecifications().edits(for: names)
            var devices = StepDevices()
            for mapping in edits.devices { devices.nodes += try HostDevices.devices(mapping) }
            devices.mounts = edits.mounts
            devices.environment = edits.env
            devices.groups = edits.groups
            return devices
        }
    }

    /// Takes away what is kept for steps to come.
    func close() async {
        guard let engine = try? engine() else { return }
        await pool.close(engine)
    }

    func withRegistry<Value: Sendable>(
        of reference: ImageReference, isPush: Bool, access: RegistryAccess,
        _ body: @escaping @Sendable (RemoteImageReader) async throws -> Value
    ) async throws -> Value {
        try await engine().withRegistry(isPush ? .push : .pull, of: reference, access, body)
    }

    func note(_ line: String) {
        guard let engine = try? engine() else { return }
        engine.logLine(line)
    }
}
