import LaunchProgram
import Linux
import OCI
import Runtime

extension HostEngine {
    /// Follows the supervisor's reports until the final exit.
    func watch(_ container: Container, _ connection: SupervisorConnection) {
        let handle = work.spawn { [self] in
            for await status in connection.events() {
                if Task.isCancelled { return }
                await take(status, container, connection)
                if status.state == .exited || status.state == .failed { return }
            }
            guard !Task.isCancelled else { return }
            // The stream ended without a final report: the supervisor was killed.
            await lost(container, connection)
        }
        container.change { $0.watch = handle }
    }

    /// A report may repeat what is known already: the first one always does.
    private func take(
        _ status: SupervisorStatus, _ container: Container, _ connection: SupervisorConnection
    ) async {
        let started = Timestamp(nanosecondsSinceEpoch: status.startedAt)
        let finished = Timestamp(nanosecondsSinceEpoch: status.finishedAt)
        switch status.state {
        case .created: break
        case .running:
            let isNew = container.change { facts -> Bool in
                guard facts.state.startedAt != started else { return false }
                facts.state.phase = .running
                facts.state.pid = status.pid
                facts.state.startedAt = started
                facts.state.restartCount = Int(status.restartCount)
                facts.state.exitCode = 0
                return true
            }
            guard isNew else { return }
            container.notify(.started)
            await saveStatusLater(container)
            await publish("start", container, at: started)
            startHealth(container)
        case .restarting:
            let state = container.state
            if state.phase == .restarting, state.finishedAt == finished { return }
            await ended(container, status, isFinal: false)
        case .exited, .failed:
            await ended(container, status, isFinal: true)
            await settle(container, connection)
        }
    }

    /// Takes note of the end of a run.
    func ended(_ container: Container, _ status: SupervisorStatus, isFinal: Bool) async {
        stopHealth(container)
        let finished = Timestamp(nanosecondsSinceEpoch: status.finishedAt)
        let observers = container.change { facts -> [AsyncStream<Container.Change>.Continuation] in
            facts.state.phase = isFinal ? .exited : .restarting
            facts.state.pid = 0
            facts.state.exitCode = status.exitCode
            facts.state.oomKilled = status.oomKilled
            facts.state.finishedAt = finished
            facts.state.restartCount = Int(status.restartCount)
            facts.isSettling = isFinal
            if isFinal { facts.state.supervisorPID = 0 }
            return Array(facts.observers.values)
        }
        // Told first: whoever has waited for the end finds it among the events.
        if status.oomKilled { await publish("oom", container, at: finished) }
        let seconds = max(0, (status.finishedAt - status.startedAt) / 1_000_000_000)
        await publish(
            "die", container, ["execDuration": "\(seconds)", "exitCode": "\(status.exitCode)"], at: finished)
        // Those who came since know of it, and may wait for the next run's.
        for observer in observers { observer.yield(.exited(code: status.exitCode, isFinal: isFinal)) }
        await saveStatusLater(container)
    }

    /// Releases what the last run held.
    ///
    /// Links and ports are free when this returns.
    private func settle(_ container: Container, _ connection: SupervisorConnection) async {
        await container.queue.run {
            guard container.connection === connection else { return }
            connection.close()
            container.change { $0.connection = nil }
            await self.releaseRun(container)
        }
        if container.specification.autoRemove {
            work.spawn { [self] in
                await waitUntilDetached(container)
                try? await remove(container, force: true, volumes: true)
            }
        }
    }

    /// Links, ports, names and layers of a run that is over.
    func releaseRun(_ container: Container) async {
        await endNetwork(container)
        await publishConnections("disconnect", container)
        if let id = Digest(container.snapshot.imageID) { layerMounts.release(id) }
        await releaseMounts(container)
        await publishUnmounts(by: container)
        container.change { $0.isSettling = false }
        container.notify(.settled)
        sweepLayersLater()
    }

    /// The supervisor is gone without a word: what its status file says last is the truth.
    private func lost(_ container: Container, _ connection: SupervisorConnection) async {
        let directory = configuration.containerDirectory(container.id)
        var status = (try? runtime.status(directory: directory)) ?? connection.status
        if status.state == .running || status.state == .restarting || status.state == .created {
            status.state = .exited
            status.exitCode = 137
            status.finishedAt = Clock.now().nanosecondsSinceEpoch
        }
        await ended(container, status, isFinal: true)
        await settle(container, connection)
    }

    /// Unmounts layers nobody used for a while.
    func sweepLayersLater() {
        guard layerSweep.begin() else { return }
        work.spawn { [self] in
            try? await EventLoop.shared.sleep(for: .seconds(10))
            layerSweep.end()
            guard !Task.isCancelled else { return }
            try? await layerMounts.sweep()
        }
    }
}
