import Compose

/// `stackctl compose restart`.
enum ComposeRestartCommand {
    static let declaration = CommandDeclaration(
        "restart", summary: "Stop services and start them again",
        discussion: """
            A service whose `depends_on` says `restart: true` is restarted with what it depends on.
            Changes of the compose file are not taken in: `stackctl compose up -d` does that.
            """,
        operands: [ComposeOptions.services],
        options: [ComposeOptions.timeout, ComposeOptions.noDependencies, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        let all = try await session.meant(target, services: [])
        // Unknown names are told.
        _ = try await session.containers(of: target, services: session.arguments.operands)
        var services = Set(session.arguments.operands.isEmpty ? all.map(\.service) : session.arguments.operands)
        if !session.arguments.isSet(ComposeOptions.noDependencies) {
            services = withRestarted(services, target, all)
        }
        return try await restart(all.filter { services.contains($0.service) }, session, target)
    }

    /// The services and those that are restarted with them.
    static func withRestarted(
        _ services: Set<String>, _ target: ComposeTarget, _ containers: [ComposeContainer]
    ) -> Set<String> {
        var found = services
        while true {
            let more = containers.filter { container in
                guard !found.contains(container.service) else { return false }
                return dependencies(of: container, target).contains { $0.restarts && found.contains($0.service) }
            }
            guard !more.isEmpty else { return found }
            found.formUnion(more.map(\.service))
        }
    }

    private static func dependencies(
        of container: ComposeContainer, _ target: ComposeTarget
    ) -> [ComposeContainer.Dependency] {
        target.project.flatMap { $0.services[container.service] }.map(ComposeContainer.Dependency.all)
            ?? container.dependencies
    }

    static func restart(
        _ containers: [ComposeContainer], _ session: ComposeSession, _ target: ComposeTarget
    ) async throws -> ExitCode {
        let daemon = try await session.daemon()
        let hooks = ComposeHooks(daemon: daemon, output: session.output, project: target.project)
        let timeout = session.stopTimeout.map { "\($0)" }
        let order = ComposeOrder(target, containers)
        let readiness = ComposeReadiness(session, target)
        let work = ComposeWork(session: session, order: order, operation: "restart", direction: .dependenciesFirst)
        return try await work.run(containers) { container, _ in
            try await readiness.waitForDependencies(of: container)
            if container.state == "running" { try await hooks.run(.preStop, in: container) }
            _ = try await daemon.post(Target("containers", container.id, "restart").with("t", timeout).text)
            try await hooks.run(.postStart, in: container)
        }
    }
}

extension ComposeContainer.Dependency {
    /// `depends_on` of a service.
    static func all(of service: ComposeNode) -> [ComposeContainer.Dependency] {
        (service["depends_on"]?.map?.entries ?? []).map { entry in
            ComposeContainer.Dependency(
                service: entry.key, condition: entry.value["condition"]?.string ?? "service_started",
                restarts: entry.value["restart"]?.bool ?? false)
        }
    }
}
