import Diagnostics
import HTTP
import JSONText

/// `stackctl compose wait`.
enum ComposeWaitCommand {
    private static let downProject = OptionDeclaration.flag(
        "down-project", nil, "Take the project down once the first of them has ended")

    static let declaration = CommandDeclaration(
        "wait", summary: "Wait until services have ended",
        discussion: "The exit code is that of the container that ended last, or first with --down-project.",
        operands: [OperandDeclaration("SERVICE", .oneOrMore, "Services to wait for")],
        options: [downProject, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        let containers = try await session.containers(of: target, services: session.arguments.operands)
        for service in session.arguments.operands where !containers.contains(where: { $0.service == service }) {
            throw Diagnostic(
                code: "SC0227", summary: "service \"\(service)\" has no container to wait for",
                hint: "start it: stackctl compose up -d \(service)")
        }
        if session.isDryRun {
            for container in containers { session.output.print("Would wait for \(container.name)") }
            return .success
        }
        let takesDown = session.arguments.isSet(downProject)
        let code = try await wait(for: containers, onlyFirst: takesDown, session)
        guard takesDown else { return code }
        let down = try await ComposeDownCommand.down(session, target, .init())
        return code == .success ? down : code
    }

    private static func wait(
        for containers: [ComposeContainer], onlyFirst: Bool, _ session: ComposeSession
    ) async throws -> ExitCode {
        let daemon = try await session.daemon()
        return try await withThrowingTaskGroup(of: (ComposeContainer, ExitCode).self) { group in
            for container in containers {
                group.addTask {
                    let answer = try await daemon.open("POST", Target("containers", container.id, "wait").text)
                        .collect()
                    return (container, try ContainerAttachment.exitCode(of: answer))
                }
            }
            var last = ExitCode.success
            while let (container, code) = try await group.next() {
                session.output.print("container \"\(container.name)\" exited with status code \(code.code)")
                last = code
                if onlyFirst {
                    group.cancelAll()
                    break
                }
            }
            return last
        }
    }
}
