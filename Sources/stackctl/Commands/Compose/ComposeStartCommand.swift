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
        let all = try await session.containers(of: target)
        // Unknown names are told.
        let named = try await session.meant(target, services: services)
        try expect(services.isEmpty ? target.project?.services.keys ?? [] : services, in: named, target)
        let containers = services.isEmpty ? named : named + dependencies(of: services, target, all)
        let code = try await start(containers.filter { !$0.isRunning }, session, target)
        guard code == .success, session.arguments.isSet(wait) else { return code }
        return try await ComposeReadiness(session, target).wait(for: containers.map(\.service))
    }

    /// The containers that services depend on, as Docker starts them too; not what was to be done once and is done.
    private static func dependencies(
        of services: [String], _ target: ComposeTarget, _ all: [ComposeContainer]
    ) -> [ComposeContainer] {
        var reached = Set(services)
        var open = services
        var found: [ComposeContainer] = []
        while let name = open.popLast() {
            for dependency in dependencies(of: name, target, all) where reached.insert(dependency.service).inserted {
                let isOnce = dependency.condition == "service_completed_successfully"
                found += all.filter { container in
                    container.service == dependency.service && !(isOnce && container.status.hasPrefix("Exited (0)"))
                }
                open.append(dependency.service)
            }
        }
        return found
    }

    private static func dependencies(
        of service: String, _ target: ComposeTarget, _ all: [ComposeContainer]
    ) -> [ComposeContainer.Dependency] {
        target.project?.services[service].map(ComposeContainer.Dependency.all)
            ?? all.first { $0.service == service }?.dependencies ?? []
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
