import ImageStore
import Linux
import Runtime
import StateStore

/// The builds of one data root.
package final class BuildEngine: Sendable {
    let host: any BuildHost
    let images: ImageStore
    let runtime: ContainerRuntime
    let database: StateDatabase
    /// What it keeps on the disk: cache mounts, contexts, what is being made.
    let directory: String
    /// For what lasts as long as a step.
    let runDirectory: String
    /// Contexts of clients.
    let contexts: ContextStore
    /// Digests of what is copied from stages.
    let layerMemos = LayerMemos()
    /// Files of the web.
    let web: WebStore
    /// Results of steps.
    let cache: StepCache
    /// Builds that go on, and those that are over.
    let records: BuildRecords
    /// How many steps go on at a time, of all builds.
    let gate: StepGate
    /// When the cache was tidied up.
    let collecting = SpacedStarts(seconds: 60)
    /// Directories that steps mount from build to build.
    let cacheMountStore: CacheMountStore

    /// - Parameters:
    ///   - directory: below the data root, made where it is not there.
    ///   - runDirectory: below the engine's directory for what a restart of the host ends.
    package init(
        host: any BuildHost, images: ImageStore, runtime: ContainerRuntime, database: StateDatabase, directory: String,
        runDirectory: String
    ) {
        self.host = host
        self.images = images
        self.runtime = runtime
        self.database = database
        self.directory = directory
        self.runDirectory = runDirectory
        contexts = ContextStore(directory: directory + "/contexts")
        web = WebStore(directory: directory + "/web")
        cache = StepCache(images: images, database: database) { host.note($0) }
        records = BuildRecords(database: database, directory: "\(directory)/history") { host.note($0) }
        cacheMountStore = CacheMountStore(directory: "\(directory)/cache")
        // Steps wait for disks and networks as often as for processors.
        gate = StepGate(places: max(4, HostProcessors.count * 2))
    }

    /// Ends the builds that go on, and those to come at their start.
    package func cancelBuilds() async { await records.cancelAll() }

    /// Ends the builds that go on, and waits until what they took down is on the disk.
    package func shutdown() async {
        await records.cancelAll()
        await records.finish()
        await cache.flush()
    }
}
