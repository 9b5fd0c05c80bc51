import Compose
import Diagnostics
import JSONText
import Linux
import Synchronization

/// Waits until containers are as far as others, or the user, need them.
struct ComposeReadiness: Sendable {
    /// How a container is, as far as anybody waits for it.
    enum State: Sendable, Equatable {
        case running
        case healthy
        case unhealthy
        /// Between two starts, or before its first health check is over.
        case pending
        /// Made, but never started, or its start has failed.
        case unstarted
        case exited(Int64)
        case gone

        /// Reads the answer of `GET /containers/ID/json`.
        init(inspected: JSONValue) {
            let state = inspected["State"]
            switch state?["Status"]?.stringValue ?? "" {
            case "running", "paused":
                switch state?["Health"]?["Status"]?.stringValue ?? "none" {
                case "healthy": self = .healthy
                case "unhealthy": self = .unhealthy
                case "none", "": self = .running
                default: self = .pending
                }
            case "exited", "dead": self = .exited(state?["ExitCode"]?.intValue ?? 0)
            case "created": self = .unstarted
            default: self = .pending
            }
        }
    }

    private let session: ComposeSession
    private let target: ComposeTarget
    /// Between two looks.
    private static let pause = Duration.milliseconds(100)

    init(_ session: ComposeSession, _ target: ComposeTarget) {
        self.session = session
        self.target = target
    }

    // MARK: Dependencies

    /// Waits until what a container's service depends on is as far as `depends_on` says.
    ///
    /// - Throws: `Diagnostic` (SC0229) for a dependency that cannot get there any more.
    func waitForDependencies(of container: ComposeContainer) async throws {
        try await waitForDependencies(of: container.service, labelled: container.dependencies)
    }

    /// The same for a service.
    ///
    /// - Parameter labelled: what its containers' labels say, where there is no file.
    func waitForDependencies(of name: String, labelled: [ComposeContainer.Dependency]) async throws {
        let service = target.project?.services[name]
        let dependencies = service.map(ComposeContainer.Dependency.all) ?? labelled
        for dependency in dependencies where dependency.condition != "service_started" {
            let isRequired = service?["depends_on"]?[dependency.service]?["required"]?.bool ?? true
            for needed in try await session.containers(of: target).filter({ $0.service == dependency.service }) {
                do {
                    try await wait(for: needed, dependency.condition)
                } catch let problem as Diagnostic where !isRequired {
                    var warning = problem
                    warning.severity = .warning
                    session.output.show([warning])
                }
            }
        }
    }

    private func wait(for container: ComposeContainer, _ condition: String) async throws {
        let daemon = try await session.daemon()
        while true {
            let state = try await state(of: container.id, daemon)
            switch (condition, state) {
            case ("service_healthy", .healthy), ("service_completed_successfully", .exited(0)): return
            case ("service_healthy", .running):
                throw failed("container \(container.name) has no healthcheck configured", container)
            case ("service_healthy", .unhealthy):
                throw failed("dependency failed to start: container \(container.name) is unhealthy", container)
            case ("service_healthy", .exited(let code)):
                throw failed("dependency failed to start: container \(container.name) exited (\(code))", container)
            case ("service_completed_successfully", .exited(let code)):
                throw failed("service \"\(container.service)\" didn't complete successfully: exit \(code)", container)
            case (_, .gone):
                throw failed("container \(container.name) is gone", container)
            case (_, .unstarted):
                throw Diagnostic(
                    code: "SC0229", summary: "dependency failed to start: container \(container.name) was not started",
                    hint: "start it: stackctl compose start \(container.service)")
            default: try await EventLoop.shared.sleep(for: Self.pause)
            }
        }
    }

    private func failed(_ summary: String, _ container: ComposeContainer) -> Diagnostic {
        Diagnostic(code: "SC0229", summary: summary, hint: "stackctl compose logs \(container.service)")
    }

    private func state(of id: String, _ daemon: DaemonClient) async throws -> State {
        do {
            return State(inspected: try await daemon.get(Target("containers", id, "json").text))
        } catch let failure as StatusFailure where failure.status == 404 {
            return .gone
        }
    }

    // MARK: --wait

    /// Waits until every container of services runs or, where it has a health check, is healthy.
    ///
    /// One that has ended with code 0 is as far as it gets.
    func wait(for services: [String]) async throws -> ExitCode {
        let containers = try await session.containers(of: target).filter { services.contains($0.service) }
        let limit = session.arguments.value(of: ComposeStartCommand.waitTimeout).flatMap { Int($0) } ?? 0
        let work = ComposeWork(
            session: session, order: ComposeOrder(dependencies: [:]), operation: "wait")
        let deadline = limit > 0 ? ContinuousClock.now + .seconds(limit) : nil
        return try await work.run(containers) { container, _ in
            try await waitUntilReady(container, until: deadline)
        }
    }

    private func waitUntilReady(_ container: ComposeContainer, until deadline: ContinuousClock.Instant?) async throws {
        let daemon = try await session.daemon()
        while true {
            switch try await state(of: container.id, daemon) {
            case .running, .healthy, .exited(0): return
            case .unhealthy: throw failed("container \(container.name) is unhealthy", container)
            case .exited(let code): throw failed("container \(container.name) exited (\(code))", container)
            case .gone: throw failed("container \(container.name) is gone", container)
            case .unstarted: throw failed("container \(container.name) was not started", container)
            case .pending: break
            }
            if let deadline, ContinuousClock.now >= deadline {
                throw failed("container \(container.name) is not ready: --wait-timeout is over", container)
            }
            try await EventLoop.shared.sleep(for: Self.pause)
        }
    }
}
