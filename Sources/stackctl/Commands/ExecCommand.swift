import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl exec`: runs a program in a container and answers with its exit code.
enum ExecCommand {
    private static let detach = OptionDeclaration.flag("detach", "d", "Leave it running in the background")
    private static let interactive = OptionDeclaration.flag("interactive", "i", "Give it this program's standard input")
    private static let tty = OptionDeclaration.flag("tty", "t", "Give it a terminal")
    private static let env = OptionDeclaration.list(
        "env", "e", .text("NAME=VALUE"), "Set a variable; NAME alone takes it over from here")
    private static let envFile = OptionDeclaration.list(
        "env-file", nil, .path("FILE"), "Read variables from lines of NAME=VALUE; it is no shell")
    private static let user = OptionDeclaration.value("user", "u", .text("USER[:GROUP]"), "Run it as this user")
    private static let workdir = OptionDeclaration.value("workdir", "w", .text("DIR"), "Run it in this folder")
    private static let privileged = OptionDeclaration.flag("privileged", nil, "Give it every capability")

    static let declaration = CommandDeclaration(
        "exec", summary: "Run a program in a running container",
        discussion: """
            The exit code is the program's own: 126 when it cannot be executed, 127 when it is
            not found, 1 when the daemon refused.
            """,
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.running)),
            OperandDeclaration("COMMAND", .one, "Program to run"), OperandDeclaration("ARG", .any, "Its arguments"),
        ],
        options: [
            detach, interactive, tty, env, envFile, user, workdir, privileged, CreateOptions.detachKeys,
        ], endsAtFirstOperand: true, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        var request = ExecRequest(
            container: arguments.operand(0) ?? "", command: Array(arguments.operands.dropFirst()))
        request.isDetached = arguments.isSet(detach)
        request.hasTerminal = arguments.isSet(tty)
        request.takesInput = arguments.isSet(interactive) && !request.isDetached
        if request.hasTerminal, request.takesInput, !Terminal.isTerminal(0) {
            throw Diagnostic(
                code: "SC0133", summary: "the input device is not a TTY",
                hint: "leave out -t when the input comes from a file or a pipe")
        }
        request.detachKeys = arguments.value(of: CreateOptions.detachKeys)
        request.variables = try CreateBody.variables(arguments, env, envFile, Environment.all)
        request.user = arguments.value(of: user)
        request.workingDirectory = arguments.value(of: workdir)
        request.isPrivileged = arguments.isSet(privileged)
        return try await request.run(try await invocation.daemon(), invocation.output)
    }
}
