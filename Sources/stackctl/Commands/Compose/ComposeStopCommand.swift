/// `stackctl compose stop`.
enum ComposeStopCommand {
    static let declaration = CommandDeclaration(
        "stop", summary: "Stop services, those that depend on others first",
        operands: [ComposeOptions.services], options: [ComposeOptions.timeout, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        let containers = try await session.meant(target, services: session.arguments.operands, all: false)
        return try await stop(containers, session, target)
    }

    /// Stops containers, each after those that depend on it.
    static func stop(
        _ containers: [ComposeContainer], _ session: ComposeSession, _ target: ComposeTarget
    ) async throws -> ExitCode {
        let daemon = try await session.daemon()
        let hooks = ComposeHooks(daemon: daemon, output: session.output, project: target.project)
        let timeout = session.stopTimeout.map { "\($0)" }
        let order = ComposeOrder(target, containers)
        let work = ComposeWork(session: session, order: order, operation: "stop", direction: .dependentsFirst)
        return try await work.run(containers) { container, _ in
            if container.state == "running" { try await hooks.run(.preStop, in: container) }
            _ = try await daemon.post(Target("containers", container.id, "stop").with("t", timeout).text)
        }
    }
}
