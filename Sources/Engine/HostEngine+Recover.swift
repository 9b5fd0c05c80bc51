import Builder
import Diagnostics
import ImageStore
import LaunchProgram
import Linux
import Networking
import OCI
import Runtime
import StateStore

extension HostEngine {
    /// Finds what lives on from an earlier daemon, and takes it over.
    ///
    /// - Returns: what was worth telling, for the daemon's log.
    package func recover() async throws -> [String] {
        await removeLeftoverMounts()
        let buildNotes = await builder.removeLeftovers()
        var notes = images.recoveryNotes + (try await load())
        notes += buildNotes
        notes += (try? await volumes.recover()) ?? []
        let all = containers.all
        let running = await withTaskGroup(of: String?.self) { group in
            for container in all { group.addTask { await self.reconnect(container) ? container.id : nil } }
            return await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
        }
        let strays = await removeStrays()
        notes += strays.notes
        // What cannot be judged may run: its links and names stay, too.
        let untouched = strays.kept.union(containers.damaged.map(\.id))
        try await networks.recover(running: running.union(untouched))
        await recoverNames(running, besides: untouched)
        for container in all where !running.contains(container.id) && container.snapshot.isSettling {
            container.change { $0.isSettling = false }
        }
        notes += await recoverVolumeContents()
        notes += await finishChanges(all.filter { !running.contains($0.id) })
        notes += await recoverImageMounts()
        if containers.damaged.isEmpty {
            let silent = all.filter { running.contains($0.id) && $0.connection == nil }
            await sweepVolumeMounts(besides: Set(silent.flatMap { $0.specification.mounts.map(\.source) }))
        }
        try? await layerMounts.sweep()
        notes.append("\(all.count) containers, \(running.count) running")
        work.spawn { [self] in await startWanted(all.filter { !running.contains($0.id) }) }
        work.spawn { [self] in await keepNetworkWhole() }
        work.spawn { [self] in await watchFirewall() }
        return notes
    }

    private func load() async throws -> [String] {
        var notes: [String] = []
        let database = self.database
        let rows = try await BlockingExecutor.shared.run { try database.read { try $0.containerRows() } }
        for row in rows {
            switch row {
            case .success(let row):
                do {
                    containers.insert(try Container(row))
                } catch {
                    notes.append(await keep(DamagedContainer(row, reason: "\(error)")))
                }
            case .failure(let row): notes.append(await keep(DamagedContainer(row)))
            }
        }
        return notes
    }

    /// Leaves a container that cannot be read as it is, with its layers.
    private func keep(_ container: DamagedContainer) async -> String {
        containers.insert(damaged: container)
        if let image = try? await images.resolve(container.imageID) { _ = try? await layerMounts.hold(image) }
        await publish(
            .container, "damaged", actor: container.id, ["name": container.name, "reason": container.reason])
        return "container \(container.name) (\(container.id)) is damaged and left as it is: \(container.reason)"
    }

    /// Takes a container over; true where it runs.
    private func reconnect(_ container: Container) async -> Bool {
        let directory = configuration.containerDirectory(container.id)
        let before = container.state
        switch await supervision(of: container) {
        case .connected(let connection):
            let status = await Self.begun(connection)
            if !status.isFinal {
                await adopt(container, connection, status)
                return true
            }
            connection.close()
        case .silent:
            await holdSilent(container)
            return true
        case .none: break
        }
        guard let status = try? runtime.status(directory: directory), status.isNews(to: before) else {
            if before.isActive { await forgetRun(container) }
            return false
        }
        // It ended while no daemon looked; the event carries the time it happened.
        await ended(container, status, isFinal: true)
        container.change { $0.isSettling = false }
        return false
    }

    private enum Supervision {
        case connected(SupervisorConnection)
        /// It lives but cannot be reached.
        case silent
        case none
    }

    private func supervision(of container: Container) async -> Supervision {
        let directory = configuration.containerDirectory(container.id)
        // A supervisor holds its lock a moment before it listens, and a moment after.
        for _ in 0..<40 {
            do {
                if let connection = try await runtime.connect(directory: directory, name: container.name) {
                    return .connected(connection)
                }
            } catch .timedOut {
                return .silent
            } catch {}
            let lives = await BlockingExecutor.shared.run { [runtime] in try? runtime.isSupervised(directory: directory)
            }
            if lives == false { return .none }
            try? await EventLoop.shared.sleep(for: .milliseconds(50))
        }
        return .silent
    }

    /// The status once the first start of a half-started container is over.
    private static func begun(_ connection: SupervisorConnection) async -> SupervisorStatus {
        guard connection.status.state == .created else { return connection.status }
        _ = try? await withTimeout(.seconds(30)) {
            for await status in connection.events() where status.state != .created { return }
        }
        return connection.status
    }

    func adopt(_ container: Container, _ connection: SupervisorConnection, _ status: SupervisorStatus) async {
        let started = Timestamp(nanosecondsSinceEpoch: status.startedAt)
        let missed = status.startedAt > 0 && container.state.startedAt.map { $0 < started } ?? true
        let group = try? cgroup(of: container)
        let frozen = await BlockingExecutor.shared.run { (try? group?.isFrozen()) ?? false }
        container.change { facts in
            facts.connection = connection
            facts.state.phase = status.state == .restarting ? .restarting : frozen ? .paused : .running
            facts.state.pid = status.pid
            facts.state.supervisorPID = connection.supervisorPID
            facts.state.restartCount = Int(status.restartCount)
            if status.startedAt > 0 { facts.state.startedAt = started }
            // A start the row does not know of was asked for; one it knows may have been asked to end since.
            if missed { facts.wantsToRun = !status.stopRequested }
        }
        if let image = try? await images.resolve(container.snapshot.imageID) { _ = try? await layerMounts.hold(image) }
        do { try await holdMounts(container) } catch { await log("mounts of container \(container.name): \(error)") }
        if missed { await publish("start", container, at: started) }
        await saveStatusLater(container)
        if status.state == .running { startHealth(container) }
        watch(container, connection)
    }

    /// A supervisor that lives but does not answer keeps its container; it is taken over when it answers.
    private func holdSilent(_ container: Container) async {
        await log("the supervisor of container \(container.name) does not answer; trying again")
        container.change { if !$0.state.isActive { $0.state.phase = .running } }
        work.spawn { [self] in
            while (try? await EventLoop.shared.sleep(for: .seconds(1))) != nil {
                switch await supervision(of: container) {
                case .connected(let connection): return await adopt(container, connection, connection.status)
                case .silent: continue
                case .none: return await settleSilent(container)
                }
            }
        }
    }

    /// The end of a supervisor that never answered.
    private func settleSilent(_ container: Container) async {
        let directory = configuration.containerDirectory(container.id)
        if let status = try? runtime.status(directory: directory), status.isNews(to: container.state) {
            await ended(container, status, isFinal: true)
        } else {
            await forgetRun(container)
        }
        await releaseRun(container)
        if container.specification.autoRemove { try? await remove(container, force: true, volumes: true) }
    }

    /// A run of which nothing is left, not even a status: a crash of the host, or a start that was cut short.
    private func forgetRun(_ container: Container) async {
        container.change { facts in
            facts.state.phase = .exited
            facts.state.exitCode = 137
            facts.state.finishedAt = Clock.now()
            facts.state.pid = 0
            facts.state.supervisorPID = 0
        }
        await publish("die", container, ["exitCode": "137"])
        container.notify(.exited(code: 137, isFinal: true))
        await saveStatusLater(container)
    }

    private func recoverNames(_ running: Set<String>, besides untouched: Set<String>) async {
        let wanted = running.filter { containers.container(id: $0)?.specification.endpoints.isEmpty == false }
        guard !wanted.isEmpty || !untouched.isEmpty else {
            try? await names.keepOnly([])
            try? await names.shutdownIfIdle()
            return
        }
        do {
            if try await names.ensureRunning() { await reattachNames(except: nil) }
            try await names.keepOnly(wanted.union(untouched))
            for id in wanted {
                if let container = containers.container(id: id) { try? await refreshNames(container) }
            }
        } catch {
            await log("names cannot be served: \(error)")
        }
    }
}

extension SupervisorStatus {
    /// Whether this final status tells of an end that is not known: its file outlives the run.
    ///
    /// The start is what tells runs apart: the end of one whose supervisor was killed is only guessed.
    package func isNews(to state: ContainerState) -> Bool {
        guard isFinal, startedAt > 0 else { return false }
        guard let known = state.startedAt else { return true }
        let started = Timestamp(nanosecondsSinceEpoch: startedAt)
        if started != known { return started > known }
        return state.isActive || state.finishedAt.map { $0 < known } ?? true
    }
}
