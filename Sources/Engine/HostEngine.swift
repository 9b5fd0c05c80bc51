import Builder
import Diagnostics
import ImageStore
import Linux
import Networking
import Runtime
import StateStore
import Synchronization

/// The engine of one data root: the objects users name, and what makes them real.
package final class HostEngine: Sendable {
    /// What it was told at its start.
    package let configuration: EngineConfiguration
    /// Every container.
    package let containers = ContainerRegistry()
    /// What happens.
    package let events: EventHub
    /// Images and their layers.
    package let images: ImageStore
    /// Networks, endpoints, published ports.
    package let networks: NetworkController
    /// Volumes.
    package let volumes: VolumeStore
    /// Executions in containers.
    package let executions = ExecutionRegistry()
    /// The database of everything.
    package let database: StateDatabase
    /// Commits in groups.
    package let writer: StateWriter
    /// What it counts about itself.
    package let metrics: EngineMetrics
    private let defaults = Mutex(ContainerDefaults())
    /// When the engine started.
    package let startedAt = Clock.now()
    /// Builds of images.
    package let builder: BuildEngine
    /// What it is to them.
    let buildHost = EngineBuildHost()
    /// Places in networks that steps of builds have, by the ids they go by.
    let stepEndpoints = Mutex<Set<String>>([])
    let runtime: ContainerRuntime
    /// What control groups can be limited in here.
    package let cgroupSupport: CgroupSupport
    let names: NameServer
    let work = BackgroundWork()
    /// The id that the default network will have once it is made.
    let defaultNetworkID: String
    let defaultNetworkQueue = OperationQueue()
    let layerMounts: LayerMounts
    let layerSweep = SweepGate()
    let namespaces = NamespacePool()
    /// Volumes that containers under creation are about to mount.
    let volumeClaims = VolumeClaims()
    /// One image is mounted or unmounted at a time.
    let imageMountQueue = OperationQueue()
    /// What volumes with a device mount.
    let volumeMounts = VolumeMounts()
    /// Images whose layers containers mount beside their root.
    let heldImages = HeldImages()
    /// One volume is filled at a time.
    let fillQueue = OperationQueue()
    /// Values that only this data root reads.
    package let sealedTexts: SealedTexts
    let logLine: @Sendable (String) -> Void

    /// Opens the engine of a data root.
    ///
    /// Nothing runs yet: `recover` comes next.
    ///
    /// - Parameter log: takes lines for the daemon's log.
    /// - Throws: `Diagnostic` for a damaged or newer database, a missing `stack-init`, an unusable data root.
    package init(_ configuration: EngineConfiguration, log: @escaping @Sendable (String) -> Void) throws {
        self.configuration = configuration
        logLine = log
        defaultNetworkID = try Random.hexID()
        let metrics = EngineMetrics()
        self.metrics = metrics
        for directory in ["", "/containers", "/volumes", "/run"] {
            try Files.makeDirectories(configuration.root + directory, mode: directory == "/containers" ? 0o700 : 0o711)
        }
        database = try StateDatabase(path: "\(configuration.root)/state.db")
        writer = StateWriter(database: database)
        events = EventHub(database: database, writer: writer, metrics: metrics)
        images = try ImageStore(
            root: configuration.root, database: database, backing: try LayerBacking.fromEnvironment(),
            steps: .fromEnvironment())
        networks = NetworkController(
            root: configuration.root, database: database, publishInterfaces: configuration.publishInterfaces,
            addressPools: configuration.addressPools)
        do {
            runtime = try ContainerRuntime(initBinary: configuration.initBinary)
        } catch {
            throw Diagnostic(
                code: "SC5003", summary: "stack-init cannot be used", detail: "\(configuration.initBinary): \(error)",
                hint: "put stack-init beside stackctl, or reinstall")
        }
        cgroupSupport = runtime.cgroupSupport()
        names = NameServer(
            initBinary: configuration.initBinary, socketPath: "\(configuration.runDirectory)/dns.sock")
        volumes = VolumeStore(directory: configuration.volumesDirectory, database: database, writer: writer)
        sealedTexts = SealedTexts(path: "\(configuration.root)/sealing.key")
        layerMounts = LayerMounts(images: images)
        builder = BuildEngine(
            host: buildHost, images: images, runtime: runtime, database: database,
            directory: "\(configuration.root)/builds", runDirectory: "\(configuration.runDirectory)/builds")
        buildHost.serve(self)
    }

    /// What containers get that do not say.
    package var containerDefaults: ContainerDefaults {
        get { defaults.withLock { $0 } }
        set { defaults.withLock { $0 = newValue } }
    }

    /// Tells that the daemon took over new settings.
    package func noteReload(id: String, _ attributes: [String: String]) async {
        await publish(.daemon, "reload", actor: id, attributes)
    }

    /// Tells the subscribers of events.
    func publish(_ kind: Event.Kind, _ action: String, actor: String, _ attributes: [String: String] = [:]) async {
        await events.publish(Event(kind, action, actor: actor, attributes: attributes))
    }

    /// Tells the subscribers about a container.
    func publish(
        _ action: String, _ container: Container, _ more: [String: String] = [:], at time: Timestamp? = nil
    ) async {
        await events.publish(
            Event(
                .container, action, actor: container.id, attributes: container.eventAttributes(more), time: time))
    }

    /// Saves a container's status without waiting for the disk: the supervisor's own file is the truth.
    func saveStatusLater(_ container: Container) async {
        let row = container.row
        await writer.later { transaction in
            try transaction.setContainerStatus(id: row.id, row.status)
            try transaction.setContainerDesiredState(id: row.id, row.desiredState)
        }
    }
}

extension HostEngine {
    /// Runs work that outlives the request it came with; it ends with the engine.
    @discardableResult
    package func runInBackground(_ work: @escaping @Sendable () async -> Void) -> BackgroundWork.Handle {
        self.work.spawn(work)
    }
}
