import Diagnostics
import ImageStore
import LaunchProgram
import Linux
import OCI
import Runtime

extension HostEngine {
    /// Starts a container that does not run.
    ///
    /// - Throws: `EngineError.notModified` where it runs already. Every failure undoes what was done before it.
    package func start(_ container: Container) async throws {
        while true {
            await Self.waitWhileSettling(container)
            let started = try await exclusively(container) { () -> Bool in
                // A run that has ended since holds links and ports still; they are released under this queue.
                if container.snapshot.isSettling { return false }
                try await self.startNow(container)
                return true
            }
            if started { return }
        }
    }

    /// Starts; the caller holds the container's queue.
    private func startNow(_ container: Container) async throws {
        let facts = container.snapshot
        switch facts.state.phase {
        case .running, .restarting: throw EngineError(.notModified, "container is already running")
        case .paused: throw EngineError(.conflict, "cannot start a paused container, try unpause instead")
        case .removing, .dead: throw EngineError(.conflict, "container is marked for removal and cannot be started")
        case .created, .exited: break
        }
        await claimPlaces(container)
        defer { container.change { $0.arePlacesClaimed = false } }
        do {
            if !facts.state.isMade { try await complete(container) }
            let connection = try await launchWithDonors(container, facts)
            await publishConnections("connect", container)
            await began(container, connection)
        } catch {
            let failure = Self.startFailure(error)
            container.change { facts in
                facts.state.error = failure.message
                // How the last run ended stays known where nothing of this one came to run.
                let unknown: Int32? = facts.state.exitCode == 0 ? 128 : nil
                if let code = failure.exitCode ?? unknown { facts.state.exitCode = code }
                facts.state.phase = facts.state.phase == .created ? .created : .exited
            }
            await saveStatusLater(container)
            if facts.specification.autoRemove {
                // Nobody is told of a run, so nobody has output to read first.
                work.spawn { [self] in try? await remove(container, force: true, volumes: true) }
            }
            throw failure.error
        }
    }

    private static func startFailure(_ error: any Error) -> (error: EngineError, message: String, exitCode: Int32?) {
        if let error = error as? RuntimeError {
            let text = "failed to create task for container: \(error)"
            let kind: EngineError.Kind = error.exitCode == 125 ? .failed : .invalid
            return (EngineError(kind, text, diagnostics: [error.diagnostic]), text, error.exitCode)
        }
        let wrapped = EngineError.wrapping(error)
        return (wrapped, wrapped.message, nil)
    }

    /// Launches, once more where a container whose namespaces it joins was restarted under it.
    private func launchWithDonors(_ container: Container, _ facts: Container.Facts) async throws -> SupervisorConnection
    {
        while true {
            try await waitForDonors(facts.specification)
            do {
                return try await launch(container, facts)
            } catch {
                guard donors(facts.specification).contains(where: { $0.snapshot.restartsUnderWay > 0 }) else {
                    throw error
                }
            }
        }
    }

    private func launch(_ container: Container, _ facts: Container.Facts) async throws -> SupervisorConnection {
        guard let image = try await images.resolve(facts.imageID) else {
            throw EngineError(.notFound, "No such image: \(facts.specification.image)")
        }
        // Layers and network do not know of each other: side by side.
        async let layers = layerMounts.hold(image)
        async let network = network(for: container, facts)
        let mounted: [String]
        do {
            mounted = try await layers
        } catch {
            if (try? await network) != nil { await releaseNetwork(container) }
            throw error
        }
        do {
            let namespace = try await network
            do {
                try await writeFiles(container, facts)
                try await makeMountSources(facts.specification)
                let files = try await readFiles(facts.specification.files)
                try await holdMounts(container)
                var plan = try await launchConfiguration(container, facts, layers: mounted)
                plan.mounts += Self.fileMounts(files)
                try await note(files.map(\.file), of: container)
                let connection = try await runtime.start(plan, networkNamespace: namespace?.raw)
                // The supervisor lives in the namespace now and keeps it.
                withExtendedLifetime(namespace) {}
                return connection
            } catch {
                await releaseMounts(container)
                await releaseNetwork(container)
                throw error
            }
        } catch {
            layerMounts.release(image.id)
            throw error
        }
    }

    /// Takes note of a run that began, and watches it.
    private func began(_ container: Container, _ connection: SupervisorConnection) async {
        let status = connection.status
        container.change { facts in
            facts.connection = connection
            facts.wantsToRun = true
            facts.state.phase = .running
            facts.state.error = ""
            facts.state.exitCode = 0
            facts.state.oomKilled = false
            facts.state.pid = status.pid
            facts.state.supervisorPID = connection.supervisorPID
            facts.state.startedAt = Timestamp(nanosecondsSinceEpoch: status.startedAt)
            facts.state.restartCount = 0
            facts.isSettling = false
            facts.isLeaving = false
        }
        container.notify(.started)
        await saveStatusLater(container)
        await publishMounts(by: container)
        await publish("start", container, at: Timestamp(nanosecondsSinceEpoch: status.startedAt))
        // Before the watch, which ends the checks with the run.
        startHealth(container)
        watch(container, connection)
    }
}
