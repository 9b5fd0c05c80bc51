import LaunchProgram
import Linux
import Networking
import Runtime
import StateStore

extension HostEngine {
    /// Stops a container: the stop signal, and SIGKILL after the time-out.
    ///
    /// Returns when its links and ports are free.
    ///
    /// - Parameters:
    /// - signal: instead of the container's own stop signal.
    /// - timeout: seconds; negative waits without end.
    /// - Throws: `EngineError.notModified` where it does not run.
    package func stop(_ container: Container, signal: String? = nil, timeout: Int? = nil) async throws {
        let number = try signal.map { try Self.signalNumber($0) }
        let settled = container.observe { $0.state.isActive || $0.isSettling }
        guard settled.initial else { throw EngineError(.notModified, "container is already stopped") }
        try await container.queue.run {
            guard let connection = container.connection else { return }
            if container.state.phase == .paused { try self.cgroup(of: container).thaw() }
            container.change { $0.wantsToRun = false }
            let seconds = timeout ?? container.specification.stopTimeout ?? 10
            try await self.tolerant {
                try await connection.stop(
                    signal: number, timeout: seconds < 0 ? .seconds(86_400 * 365) : .seconds(seconds))
            }
        }
        await Self.waitUntilSettled(container, settled.changes)
        await saveStatusLater(container)
        await publish("stop", container)
    }

    /// Sends a signal.
    ///
    /// One that ends the container for good also keeps the policy from starting it again.
    package func kill(_ container: Container, signal: String? = nil) async throws {
        let number = try Self.signalNumber(signal ?? "KILL")
        try await container.queue.run {
            guard let connection = container.connection, container.state.isActive else {
                throw EngineError(
                    .conflict, "cannot kill container: \(container.id): container \(container.id) is not running")
            }
            let stops = Self.isStop(number, container.specification)
            if stops {
                container.change { $0.wantsToRun = false }
                try await self.tolerant { try await connection.setRestartPolicy(.never) }
            }
            if container.state.phase == .paused, number == 9 {
                try self.cgroup(of: container).thaw()
            }
            do {
                try await connection.kill(signal: number)
            } catch RuntimeError.notRunning {
                if container.state.phase == .restarting, stops {
                    try await self.tolerant { try await connection.stop(signal: nil, timeout: .zero) }
                } else {
                    throw EngineError.notRunning(container.id)
                }
            }
        }
        await publish("kill", container, ["signal": "\(number)"])
    }

    /// Stops and starts again.
    package func restart(_ container: Container, signal: String? = nil, timeout: Int? = nil) async throws {
        do {
            try await stop(container, signal: signal, timeout: timeout)
        } catch let error as EngineError where error.kind == .notModified {}
        do {
            try await start(container)
        } catch let error as EngineError where error.kind == .notModified {}
        await publish("restart", container)
    }

    /// Freezes every process of the container.
    package func pause(_ container: Container) async throws {
        try await container.queue.run {
            guard container.state.phase == .running else {
                throw container.state.phase == .paused
                    ? EngineError(.conflict, "Container \(container.id) is already paused")
                    : EngineError(.conflict, "Container \(container.id) is not running")
            }
            try self.cgroup(of: container).freeze()
            container.change { $0.state.phase = .paused }
        }
        await publish("pause", container)
    }

    /// Lets a frozen container go on.
    package func unpause(_ container: Container) async throws {
        try await container.queue.run {
            guard container.state.phase == .paused else {
                throw EngineError(.conflict, "Container \(container.id) is not paused")
            }
            try self.cgroup(of: container).thaw()
            container.change { $0.state.phase = .running }
        }
        await publish("unpause", container)
    }

    /// Removes a container with its directory, addresses and name; anonymous volumes too where asked.
    package func remove(_ container: Container, force: Bool = false, volumes removesVolumes: Bool = false) async throws
    {
        if container.state.isActive {
            guard force else {
                throw EngineError(
                    .conflict,
                    "cannot remove container \"/\(container.name)\": container is \(container.state.phase.rawValue): stop the container before removing or force remove"
                )
            }
            try await end(container)
        }
        await Self.waitWhileSettling(container)
        try await container.queue.run {
            guard self.containers.container(id: container.id) === container else { return }
            guard container.connection == nil, !container.state.isActive else {
                throw EngineError(.conflict, "cannot remove container \"/\(container.name)\": it was started meanwhile")
            }
            container.change { $0.state.phase = .removing }
            try await self.dispose(container, volumes: removesVolumes)
        }
    }

    /// Kills what runs, without a restart, and waits until it is settled.
    private func end(_ container: Container) async throws {
        let settled = container.observe { $0.state.isActive || $0.isSettling }
        guard settled.initial else { return }
        try await container.queue.run {
            guard let connection = container.connection else { return }
            if container.state.phase == .paused { try self.cgroup(of: container).thaw() }
            container.change { $0.wantsToRun = false }
            try await self.tolerant { try await connection.stop(signal: 9, timeout: .zero) }
        }
        await Self.waitUntilSettled(container, settled.changes)
    }

    private func dispose(_ container: Container, volumes removesVolumes: Bool) async throws {
        let id = container.id
        try await runtime.delete(
            directory: configuration.containerDirectory(id), cgroupPath: cgroupPath(container))
        await releaseNetwork(container)
        try await networks.releaseEndpoints(containerID: id)
        try await writer.commit { try $0.deleteContainer(id: id) }
        containers.remove(container)
        executions.forget(container: id)
        if removesVolumes {
            for mount in container.specification.mounts where mount.kind == .volume && mount.isAnonymous {
                try? await volumes.remove(mount.source)
            }
        }
        container.notify(.removed)
        await publish("destroy", container)
    }

    /// Waits for `settled` or `removed`.
    static func waitUntilSettled(_ container: Container, _ changes: AsyncStream<Container.Change>) async {
        let facts = container.snapshot
        if !facts.state.isActive, !facts.isSettling { return }
        for await change in changes where change == .settled || change == .removed { return }
    }

    /// Waits until what the last run held is released; returns at once where nothing is.
    static func waitWhileSettling(_ container: Container) async {
        let (isSettling, changes) = container.observe(\.isSettling)
        if isSettling { await waitUntilSettled(container, changes) }
    }

    /// Runs a control request; a container that has just ended is not an error.
    func tolerant(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch RuntimeError.notRunning {
        } catch RuntimeError.lost {}
    }

    static func signalNumber(_ text: String) throws(EngineError) -> Int32 {
        guard let number = Signals.number(named: text), number > 0, number <= 64 else {
            throw EngineError(.invalid, "Invalid signal: \(text)")
        }
        return number
    }

    /// Whether a signal is meant to end the container.
    private static func isStop(_ number: Int32, _ specification: ContainerSpecification) -> Bool {
        if number == 9 { return true }
        guard let signal = specification.stopSignal else { return number == 15 }
        return Signals.number(named: signal) == number
    }

    /// Its cgroup.
    func cgroup(of container: Container) throws(RuntimeError) -> Cgroup {
        try runtime.cgroup(path: cgroupPath(container))
    }

    /// Where its cgroup is.
    func cgroupPath(_ container: Container) -> String { "stackctl/\(container.id)" }
}
