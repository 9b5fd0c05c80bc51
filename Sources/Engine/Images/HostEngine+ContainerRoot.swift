import Builder
import ImageStore
import Linux

extension HostEngine {
    /// The root file system of a container, as its processes see it but for what is mounted over it.
    ///
    /// It stays as long as the descriptor, whatever becomes of the container. Nothing is looked up by the container's
    /// own view.
    package func openRoot(of container: Container) async throws -> SharedDescriptor {
        let facts = container.snapshot
        guard ![.removing, .dead].contains(facts.state.phase) else {
            throw EngineError(
                .conflict, "You cannot export container \(container.id) which is \(facts.state.phase.rawValue)")
        }
        if facts.state.isActive, facts.state.pid > 0, let root = try? await runningRoot(pid: facts.state.pid, container)
        {
            return root
        }
        let upper = upperDirectory(container)
        let scratch = "\(configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
        let empty = emptyDirectory
        return try await withLayers(of: container) { layers in
            try await BlockingExecutor.shared.run {
                try MergedView.open((Files.exists(upper) ? [upper] : []) + layers, scratch: scratch, empty: empty)
            }
        }
    }

    /// What lies below the lowest layer of every merged view.
    var emptyDirectory: String { "\(configuration.runDirectory)/empty" }

    /// The overlay of a container that runs; nil where that has ended meanwhile.
    private func runningRoot(pid: Int32, _ container: Container) async throws -> SharedDescriptor? {
        let tree = try await BlockingExecutor.shared.run { () throws(SystemError) in
            let namespace = try Namespaces.open(pid, .mount)
            return try Namespaces.cloneRoot(of: namespace.raw).shared()
        }
        // The number may have become another process's before its namespace was opened.
        guard container.state.isActive, container.state.pid == pid else { return nil }
        return try await BlockingExecutor.shared.run { () throws(SystemError) in
            try Files.open(".", [.directory], at: tree.raw).shared()
        }
    }

    /// Writes the root file system of a container as a tar.
    ///
    /// - Parameter root: what `openRoot` gave.
    package func export(
        _ container: Container, root: SharedDescriptor, to archive: SharedDescriptor
    ) async throws {
        do {
            try await FileArchive.write(root, to: archive, doing: "exporting container \(container.name)")
        } catch {
            throw EngineError.wrapping(error)
        }
        await publish("export", container)
    }
}
