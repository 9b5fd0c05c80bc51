import Compose
import Diagnostics
import Linux

/// `stackctl compose start`.
enum ComposeStartCommand {
    static let wait = OptionDeclaration.flag("wait", nil, "Wait until the services run, or are healthy")
    static let waitTimeout = OptionDeclaration.value(
        "wait-timeout", nil, .integer("SECONDS"), "Seconds to wait at most (default: for ever)")

    static let declaration = CommandDeclaration(
        "start", summary: "Start services that are there, dependencies first",
        discussion: "Containers are not made: `stackctl compose up -d` does that.",
        operands: [ComposeOptions.services], options: [ComposeOptions.dryRun, wait, waitTimeout]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        let services = session.arguments.operands
        let containers = try await session.meant(target, services: services)
        try expect(services.isEmpty ? target.project?.services.keys ?? [] : services, in: containers, target)
        let code = try await start(containers.filter { !$0.isRunning }, session, target)
        guard code == .success, session.arguments.isSet(wait) else { return code }
        return try await ComposeReadiness(session, target).wait(for: containers.map(\.service))
    }

    /// - Throws: `Diagnostic` (SC0227) for a service without a container.
    private static func expect(
        _ services: [String], in containers: [ComposeContainer], _ target: ComposeTarget
    ) throws(Diagnostic) {
        for service in services where !containers.contains(where: { $0.service == service }) {
            if target.project?.services[service]?["deploy"]?["replicas"]?.int == 0 { continue }
            if target.project?.services[service]?["scale"]?.int == 0 { continue }
            throw Diagnostic(
                code: "SC0227", summary: "service \"\(service)\" has no container to start",
                hint: "make it: stackctl compose up -d \(service)")
        }
    }

    /// Starts containers, each once what its service depends on is as far as it has to be.
    static func start(
        _ containers: [ComposeContainer], _ session: ComposeSession, _ target: ComposeTarget
    ) async throws -> ExitCode {
        let daemon = try await session.daemon()
        let hooks = ComposeHooks(daemon: daemon, output: session.output, project: target.project)
        let readiness = ComposeReadiness(session, target)
        let order = ComposeOrder(target, containers)
        let work = ComposeWork(session: session, order: order, operation: "start", direction: .dependenciesFirst)
        return try await work.run(containers) { container, _ in
            try await readiness.waitForDependencies(of: container)
            _ = try await daemon.post(Target("containers", container.id, "start").text)
            try await hooks.run(.postStart, in: container)
        }
    }
}
