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
    }
}
