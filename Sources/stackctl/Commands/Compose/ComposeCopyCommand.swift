import Diagnostics

/// `stackctl compose cp`: copies files between containers of a service and this host.
enum ComposeCopyCommand {
    private static let all = OptionDeclaration.flag("all", nil, "Also into the containers that `run` made")

    static let declaration = CommandDeclaration(
        "cp", summary: "Copy files between a service and this host",
        discussion: """
            One of the two is SERVICE:PATH, the other a path of this host, or - for a tar on
            standard input or output. What is copied into a service goes into all its containers.
            """,
        operands: [
            OperandDeclaration("SOURCE", .one, "PATH or SERVICE:PATH", completion: .path),
            OperandDeclaration("DESTINATION", .one, "PATH or SERVICE:PATH", completion: .path),
        ],
        options: [all, CopyCommand.archive, CopyCommand.follow, ComposeOptions.index, ComposeOptions.dryRun],
        action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let source = CopyCommand.split(session.arguments.operand(0) ?? "")
        let destination = CopyCommand.split(session.arguments.operand(1) ?? "")
        switch (source.container, destination.container) {
        case (nil, nil):
            throw problem("unknown copy direction", hint: "write SERVICE:PATH for one of the two")
        case (_?, _?):
            throw problem(
                "copying between services is not supported",
                hint: "stackctl compose cp SERVICE:PATH - | stackctl compose cp - SERVICE:PATH")
        case (let service?, nil):
            guard let container = try await containers(of: service, session).first else { throw missing(service) }
            if session.isDryRun { return told(container, session) }
            try await CopyCommand.receive(
                container.id, source.path, to: destination.path, session.progressInvocation)
        case (nil, let service?):
            let containers = try await containers(of: service, session)
            guard !containers.isEmpty else { throw missing(service) }
            guard source.path != "-" || containers.count == 1 else {
                throw problem(
                    "standard input can be copied into one container only, and service \"\(service)\" has "
                        + "\(containers.count)", hint: "choose one: --index 1")
            }
            for container in containers {
                if session.isDryRun {
                    _ = told(container, session)
                    continue
                }
                try await CopyCommand.send(
                    source.path, to: container.id, destination.path, session.progressInvocation)
            }
        }
        return .success
    }

    /// What a dry run says.
    private static func told(_ container: ComposeContainer, _ session: ComposeSession) -> ExitCode {
        session.output.print("Would copy files of \(container.name)")
        return .success
    }

    private static func containers(of service: String, _ session: ComposeSession) async throws -> [ComposeContainer] {
        let target = try await session.target()
        if let index = session.arguments.value(of: ComposeOptions.index).flatMap({ Int($0) }), index > 0 {
            return [try await session.container(of: target, service: service, index: index, running: false)]
        }
        return try await session.containers(
            of: target, services: [service], oneOff: session.arguments.isSet(all) ? .included : .excluded)
    }

    private static func missing(_ service: String) -> Diagnostic {
        problem(
            "no container found for service \"\(service)\"", hint: "make one: stackctl compose create \(service)")
    }

    private static func problem(_ summary: String, hint: String) -> Diagnostic {
        Diagnostic(code: "SC0262", summary: summary, hint: hint)
    }
}
