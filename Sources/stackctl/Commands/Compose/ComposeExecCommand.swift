import Diagnostics
import JSONText
import Linux

/// `stackctl compose exec`.
enum ComposeExecCommand {
    private static let detach = OptionDeclaration.flag("detach", "d", "Leave it running in the background")
    private static let environment = OptionDeclaration.list(
        "env", "e", .text("NAME=VALUE"), "Set a variable; NAME alone takes it over from here")
    static let noTerminal = OptionDeclaration.flag("no-tty", "T", "Give it no terminal (default: where we have one)")
        .named(also: "no-TTY")
    private static let user = OptionDeclaration.value("user", "u", .text("USER[:GROUP]"), "Run it as this user")
    private static let workdir = OptionDeclaration.value("workdir", "w", .text("DIR"), "Run it in this folder")
    private static let privileged = OptionDeclaration.flag("privileged", nil, "Give it every capability")
    private static let interactive = OptionDeclaration.flag(
        "interactive", "i", "Give it our standard input, as without it; --interactive=false does not")
    private static let terminal = OptionDeclaration.flag("tty", "t", "Give it a terminal, as without it")

    static let declaration = CommandDeclaration(
        "exec", summary: "Run a program in a container of a service",
        discussion: "The exit code is the program's own: 126 when it cannot be executed, 127 when it is not found.",
        operands: [
            ComposeOptions.service, OperandDeclaration("COMMAND", .one, "Program to run"),
            OperandDeclaration("ARG", .any, "Its arguments"),
        ],
        options: [
            detach, environment, ComposeOptions.index, noTerminal, user, privileged, workdir, interactive, terminal,
            ComposeOptions.dryRun,
        ], endsAtFirstOperand: true, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let target = try await session.target()
        let container = try await session.container(
            of: target, service: arguments.operand(0) ?? "",
            index: arguments.value(of: ComposeOptions.index).flatMap { Int($0) })
        if session.isDryRun {
            session.output.print("Would exec in \(container.name)")
            return .success
        }
        var request = ExecRequest(container: container.id, command: Array(arguments.operands.dropFirst()))
        request.isDetached = arguments.isSet(detach)
        request.takesInput = !request.isDetached && !arguments.isRefused(interactive)
        request.hasTerminal =
            !request.isDetached && !arguments.isSet(noTerminal) && !arguments.isRefused(terminal)
            && Terminal.isTerminal(0) && Terminal.isTerminal(1)
        request.variables = try CreateBody.variables(arguments, environment, nil, Environment.all)
        request.user = arguments.value(of: user)
        request.workingDirectory = arguments.value(of: workdir)
        request.isPrivileged = arguments.isSet(privileged)
        return try await request.run(try await session.daemon(), session.output)
    }
}

/// `stackctl compose attach`.
enum ComposeAttachCommand {
    private static let noInput = OptionDeclaration.flag("no-stdin", nil, "Do not give it our standard input")

    static let declaration = CommandDeclaration(
        "attach", summary: "Attach to the streams of a service's container",
        discussion: "The exit code is the container's. ctrl-p ctrl-q leave it running, where it has a terminal.",
        operands: [ComposeOptions.service],
        options: [
            CreateOptions.detachKeys, ComposeOptions.index, noInput, CreateOptions.signalProxy, ComposeOptions.dryRun,
        ], watchesInterrupts: false
    ) { invocation in
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let found = try await session.container(
            of: try await session.target(), service: arguments.operand(0) ?? "",
            index: arguments.value(of: ComposeOptions.index).flatMap { Int($0) })
        if session.isDryRun {
            session.output.print("Would attach to \(found.name)")
            return .success
        }
        let daemon = try await session.daemon()
        let container = try await daemon.get(Target("containers", found.id, "json").text)
        try AttachCommand.check(container, start: "stackctl compose start \(found.service)")
        return try await AttachCommand.attachment(
            to: container, session.invocation, daemon, takesInput: !arguments.isSet(noInput)
        ).follow()
    }
}

/// `stackctl compose commit`.
enum ComposeCommitCommand {
    static let declaration = CommandDeclaration(
        "commit", summary: "Make an image of what a service's container has changed",
        operands: [ComposeOptions.service, OperandDeclaration("NAME[:TAG]", .optional, "Name of the image")],
        options: CommitCommand.options + [ComposeOptions.index, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let container = try await session.container(
            of: try await session.target(), service: arguments.operand(0) ?? "",
            index: arguments.value(of: ComposeOptions.index).flatMap { Int($0) }, running: false)
        if session.isDryRun {
            session.output.print("Would commit \(container.name)")
            return .success
        }
        return try await CommitCommand.commit(container.id, as: arguments.operand(1), session.invocation)
    }
}
