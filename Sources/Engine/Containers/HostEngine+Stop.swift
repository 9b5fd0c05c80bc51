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
    /// - timeout: seconds; negative waits without end; nil is `StopPatience.asked`, else the container's own.
    /// - isLast: whether it is to be removed then: its links may go a little later, with its network namespace.
    /// - Throws: `EngineError.notModified` where it does not run.
    package func stop(
        _ container: Container, signal: String? = nil, timeout: Int? = nil, isLast: Bool = false
    ) async throws {
        if isLast { container.change { $0.isLeaving = true } }
        try await stop(container, signal: signal, timeout: timeout, isWish: true)
    }

    /// Stops a container.
    ///
    /// - Parameters:
    ///   - isWish: whether it is to stay stopped when the daemon starts again.
    ///   - tells: whether subscribers are told that it was stopped.
    func stop(
        _ container: Container, signal: String? = nil, timeout: Int? = nil, isWish: Bool, tells: Bool = true
    ) async throws {
        let number = try signal.map { try Self.signalNumber($0) }
        let settled = container.observe { $0.state.isActive || $0.isSettling }
        guard settled.initial else { throw EngineError(.notModified, "container is already stopped") }
        try await exclusively(container) {
            guard let connection = try Self.supervisor(of: container) else { return }
            if isWish { try await self.rememberStop(container) }
            try self.thaw(container)
            let specification = container.specification
            let seconds = timeout ?? StopPatience.asked ?? specification.stopTimeout ?? 10
            // The supervisor knows the signal of the start, which may have been changed since.
            let own = specification.stopSignal.flatMap { Signals.number(named: $0) } ?? 15
            try await self.tolerant {
                try await connection.stop(
                    signal: number ?? own, timeout: seconds < 0 ? .seconds(86_400 * 365) : .seconds(seconds))
            }
        }
        await Self.waitUntilSettled(container, settled.changes)
        await saveStatusLater(container)
        if tells { await publish("stop", container) }
    }

    /// The supervisor to ask; `nil` where nothing runs.
    private static func supervisor(of container: Container) throws(EngineError) -> SupervisorConnection? {
        let facts = container.snapshot
        if facts.connection == nil, facts.state.isActive {
            throw EngineError(
                .unavailable, "the supervisor of container \(facts.name) does not answer; try again in a moment")
        }
        return facts.connection
    }

    /// Commits that it is to stay stopped, before it is: a daemon that dies between does not start it again.
    private func rememberStop(_ container: Container) async throws {
        container.change { $0.wantsToRun = false }
        let row = container.row
        try await writer.commit { try $0.setContainerDesiredState(id: row.id, row.desiredState) }
    }

    /// Lets a frozen container go on: it could not even die.
    private func thaw(_ container: Container) throws {
        let group = try cgroup(of: container)
        let isFrozen = (try? group.isFrozen()) ?? false
        guard container.state.phase == .paused || isFrozen else { return }
        try group.thaw()
        container.change { if $0.state.phase == .paused { $0.state.phase = .running } }
    }

    /// Sends a signal.
    ///
    /// One that ends the container for good also keeps the policy from starting it again.
    ///
    /// - Parameter name: what the container was called by who asked.
    package func kill(_ container: Container, signal: String? = nil, asked name: String? = nil) async throws {
        let number = try Self.signalNumber(signal ?? "KILL")
        try await exclusively(container) {
            guard let connection = try Self.supervisor(of: container), container.state.isActive else {
                throw EngineError(
                    .conflict,
                    "cannot kill container: \(name ?? container.name): container \(container.id) is not running")
            }
            let stops = Self.isStop(number, container.specification)
            if stops {
                try await self.rememberStop(container)
                try await self.tolerant { try await connection.setRestartPolicy(.never) }
            }
            if number == 9 { try self.thaw(container) }
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
        container.change { $0.restartsUnderWay += 1 }
        defer { container.change { $0.restartsUnderWay -= 1 } }
        do {
            try await stop(container, signal: signal, timeout: timeout, isWish: false)
        } catch let error as EngineError where error.kind == .notModified {}
        do {
            try await start(container)
        } catch let error as EngineError where error.kind == .notModified {}
        await publish("restart", container)
    }

    /// Freezes every process of the container.
    package func pause(_ container: Container) async throws {
        try await exclusively(container) {
            guard container.state.phase == .running else {
                throw container.state.phase == .paused
                    ? EngineError(.conflict, "Container \(container.id) is already paused")
                    : container.state.phase == .restarting
                        ? EngineError(
                            .conflict,
                            "Container \(container.id) is restarting, wait until the container is running")
                        : EngineError.notRunning(container.id)
            }
            let group = try self.cgroup(of: container)
            try await BlockingExecutor.shared.run { () throws(SystemError) in try group.freeze() }
            container.change { if $0.state.phase == .running { $0.state.phase = .paused } }
            await self.saveStatusLater(container)
        }
        await publish("pause", container)
    }

    /// Lets a frozen container go on.
    package func unpause(_ container: Container) async throws {
        try await exclusively(container) {
            guard container.state.phase == .paused else {
                throw EngineError(.conflict, "Container \(container.id) is not paused")
            }
            try self.thaw(container)
            await self.saveStatusLater(container)
        }
        await publish("unpause", container)
    }

    /// Runs an operation on a container after those before it, unless it was removed by one of them.
    func exclusively<Value: Sendable>(
        _ container: Container, _ operation: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await container.queue.run {
            guard self.containers.container(id: container.id) === container else {
                throw EngineError.noContainer(container.name)
            }
            guard container.state.phase != .removing else {
                throw EngineError(.conflict, "container \(container.name) is marked for removal")
            }
            return try await operation()
        }
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
            throw EngineError(.invalid, "invalid signal: \(text)")
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
    ///
    /// As Docker with its `cgroupfs` driver: the parent asked for, and in it the id.
    func cgroupPath(_ container: Container) -> String {
        let parts = container.specification.hostSettings.cgroupParent.split(separator: "/")
            .filter { $0 != "." && $0 != ".." }
        return "\(parts.isEmpty ? "stackctl" : parts.joined(separator: "/"))/\(container.id)"
    }
}

/// How long a stop may take that is a step of something greater, as of `compose up -t 3`.
package enum StopPatience {
    /// Seconds until SIGKILL; negative waits without end; nil is what each container says.
    @TaskLocal package static var asked: Int?
}
