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
        var notes = try await load()
        let all = containers.all
        let running = await withTaskGroup(of: String?.self) { group in
            for container in all { group.addTask { await self.reconnect(container) ? container.id : nil } }
            return await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
        }
        notes += await removeStrays()
        try await networks.recover(running: running)
        await recoverNames(running)
        for container in all where !running.contains(container.id) && container.snapshot.isSettling {
            container.change { $0.isSettling = false }
        }
        try? await layerMounts.sweep()
        notes.append("\(all.count) containers, \(running.count) running")
        work.spawn { [self] in await startWanted(all.filter { !running.contains($0.id) }) }
        work.spawn { [self] in await keepNetworkWhole() }
        return notes
    }

    private func load() async throws -> [String] {
        var notes: [String] = []
        let database = self.database
        let rows = try await BlockingExecutor.shared.run { try database.read { try $0.containers() } }
        for row in rows {
            do {
                containers.insert(try Container(row))
            } catch {
                notes.append("container \(row.name) (\(row.id)) cannot be read: \(error)")
            }
        }
        return notes
    }

    /// Takes a container over; true where it runs.
    private func reconnect(_ container: Container) async -> Bool {
        let directory = configuration.containerDirectory(container.id)
        let before = container.state
        if let connection = try? await runtime.connect(directory: directory) {
            let status = connection.status
            if status.state != .exited, status.state != .failed {
                await adopt(container, connection, status)
                return true
            }
            connection.close()
        }
        guard let status = try? runtime.status(directory: directory), status.finishedAt > 0 || before.isActive else {
            if before.isActive || before.phase == .removing { await forgetRun(container) }
            return false
        }
        let finished = Timestamp(nanosecondsSinceEpoch: status.finishedAt)
        if before.isActive || before.finishedAt.map({ $0 < finished }) ?? (before.startedAt != nil) {
            // It ended while no daemon looked; the event carries the time it happened.
            await ended(container, status, isFinal: true)
            container.change { $0.isSettling = false }
        }
        return false
    }

    private func adopt(_ container: Container, _ connection: SupervisorConnection, _ status: SupervisorStatus) async {
        let started = Timestamp(nanosecondsSinceEpoch: status.startedAt)
        let missed = container.state.startedAt.map { $0 < started } ?? true
        let frozen = container.state.phase == .paused
        container.change { facts in
            facts.connection = connection
            facts.state.phase = status.state == .restarting ? .restarting : frozen ? .paused : .running
            facts.state.pid = status.pid
            facts.state.supervisorPID = connection.supervisorPID
            facts.state.startedAt = started
            facts.state.restartCount = Int(status.restartCount)
            facts.wantsToRun = true
        }
        if let image = try? await images.resolve(container.snapshot.imageID) { _ = try? await layerMounts.hold(image) }
        if missed { await publish("start", container, at: started) }
        await saveStatusLater(container)
        watch(container, connection)
        if status.state == .running { startHealth(container) }
    }

    /// A run of which nothing is left, not even a status: a crash of the host, or a start that was cut short.
    private func forgetRun(_ container: Container) async {
        container.change { facts in
            if facts.state.isActive {
                facts.state.phase = .exited
                facts.state.exitCode = 137
                facts.state.finishedAt = Clock.now()
            } else {
                facts.state.phase = .exited
            }
            facts.state.pid = 0
            facts.state.supervisorPID = 0
        }
        await saveStatusLater(container)
    }

    /// Directories without a container, endpoints without a container: creations a crash cut in half.
    private func removeStrays() async -> [String] {
        var notes: [String] = []
        let directory = "\(configuration.root)/containers"
        let entries = (try? await BlockingExecutor.shared.run { try Files.list(directory) }) ?? []
        for entry in entries where containers.container(id: entry.name) == nil {
            do {
                try await runtime.delete(directory: "\(directory)/\(entry.name)", cgroupPath: "stackctl/\(entry.name)")
                notes.append("removed what was left of container \(entry.name.prefix(12))")
            } catch {
                notes.append("cannot remove what is left of container \(entry.name.prefix(12)): \(error)")
            }
        }
        let database = self.database
        let endpoints = (try? await BlockingExecutor.shared.run { try database.read { try $0.endpoints() } }) ?? []
        for id in Set(endpoints.map(\.container)) where containers.container(id: id) == nil {
            try? await networks.releaseEndpoints(containerID: id)
            notes.append("released addresses of container \(id.prefix(12)), which is gone")
        }
        try? await volumes.removeStrays()
        return notes
    }

    private func recoverNames(_ running: Set<String>) async {
        let wanted = running.filter { containers.container(id: $0)?.specification.endpoints.isEmpty == false }
        guard !wanted.isEmpty else {
            try? await names.keepOnly([])
            try? await names.shutdownIfIdle()
            return
        }
        do {
            if try await names.ensureRunning() { await reattachNames(except: nil) }
            try await names.keepOnly(Set(wanted))
            for id in wanted {
                if let container = containers.container(id: id) { try? await refreshNames(container) }
            }
        } catch {
            await log("names cannot be served: \(error)")
        }
    }

    /// A new name server knows nobody: every running container is told to it again.
    func reattachNames(except id: String?) async {
        for container in containers.all where container.state.isActive && container.id != id {
            guard let namespace = try? namespace(of: container),
                let endpoints = try? await networks.endpoints(containerID: container.id), !endpoints.isEmpty
            else { continue }
            try? await names.attach(
                containerID: container.id, netns: namespace, networks: endpoints.map(\.networkID),
                forwards: (try? await forwards(endpoints)) ?? true)
            try? await refreshNames(container)
        }
    }

    /// Starts what is to run always and does not: the host was restarted, or the supervisor was killed.
    private func startWanted(_ candidates: [Container]) async {
        for container in candidates where !Task.isCancelled {
            let facts = container.snapshot
            let wanted =
                switch facts.specification.restart.name {
                case .always: facts.state.phase != .created
                case .unlessStopped: facts.wantsToRun
                case .no, .onFailure: false
                }
            guard wanted else { continue }
            do {
                try await start(container)
            } catch {
                await log("container \(facts.name) cannot be started: \(error)")
            }
        }
    }

    /// Looks now and then whether rules and bridges are still there, while something depends on them.
    private func keepNetworkWhole() async {
        while !Task.isCancelled {
            guard (try? await EventLoop.shared.sleep(for: .seconds(10))) != nil else { return }
            guard containers.all.contains(where: { $0.state.isActive }) else { continue }
            if let problems = try? await networks.heal(), !problems.isEmpty {
                await log("network repaired: \(problems.map(\.description).joined(separator: ", "))")
            }
        }
    }

    /// Ends the daemon's own work.
    ///
    /// Containers go on unless they are to stop.
    package func shutdown() async {
        if configuration.stopContainersOnExit {
            await withTaskGroup(of: Void.self) { group in
                for container in containers.all where container.state.isActive {
                    group.addTask { try? await self.stop(container) }
                }
            }
        }
        await events.close()
        await work.shutdown()
        await removeIdleDefaultNetwork()
        try? await layerMounts.sweep()
        if !containers.all.contains(where: { $0.state.isActive }) { try? await names.shutdownIfIdle() }
        await writer.flush()
    }

    /// The default network is made when first needed, and goes when nothing is in it and the daemon ends.
    private func removeIdleDefaultNetwork() async {
        guard let network = try? await networks.networks().first(where: { $0.name == Self.defaultNetworkName }),
            let endpoints = try? await networks.endpoints(networkID: network.id), endpoints.isEmpty
        else { return }
        try? await networks.deleteNetwork(id: network.id)
    }

    /// A line for the daemon's log.
    func log(_ line: String) async { logLine("\(Clock.now().rfc3339) \(line)") }
}
