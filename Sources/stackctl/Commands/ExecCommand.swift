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
        let container = arguments.operand(0) ?? ""
        let wantsTerminal = arguments.isSet(tty)
        let wantsInput = arguments.isSet(interactive)
        let isDetached = arguments.isSet(detach)
        if wantsTerminal, wantsInput, !isDetached, !Terminal.isTerminal(0) {
            throw Diagnostic(
                code: "SC0133", summary: "the input device is not a TTY",
                hint: "leave out -t when the input comes from a file or a pipe")
        }
        let keys = try DetachKeysOption.keys(arguments.value(of: CreateOptions.detachKeys))
        let body = try body(arguments, input: wantsInput && !isDetached)
        let daemon = try await invocation.daemon()
        let made = try await daemon.post(Target("containers", container, "exec").text, body)
        let id = made["Id"]?.stringValue ?? ""
        let start = Target("exec", id, "start").text
        var options: JSONObject = ["Detach": .bool(isDetached), "Tty": .bool(wantsTerminal)]
        if wantsTerminal, let size = Terminal.size(1) {
            options["ConsoleSize"] = [.int(Int64(size.rows)), .int(Int64(size.columns))]
        }
        if isDetached {
            _ = try await daemon.post(start, .object(options))
            return .success
        }
        let stream = try await daemon.hijack(start, body: .object(options))
        let session = StreamSession(
            daemon: daemon, stream: stream, output: invocation.output, hasTerminal: wantsTerminal,
            takesInput: wantsInput, resizing: ("exec", id), detachKeys: keys)
        guard try await session.run() == .ended else { return .success }
        let state = try await daemon.get(Target("exec", id, "json").text)
        return ExitCode(code: Int32(clamping: state["ExitCode"]?.intValue ?? 125))
    }

    private static func body(_ arguments: ParsedArguments, input: Bool) throws(Diagnostic) -> JSONValue {
        var body: JSONObject = [
            "AttachStdin": .bool(input), "AttachStdout": .bool(!arguments.isSet(detach)),
            "AttachStderr": .bool(!arguments.isSet(detach)), "Tty": .bool(arguments.isSet(tty)),
            "Cmd": .array(arguments.operands.dropFirst().map { .string($0) }),
        ]
        let variables = try CreateBody.variables(arguments, env, envFile, Environment.all)
        if !variables.isEmpty { body["Env"] = .array(variables.map { .string($0) }) }
        if let name = arguments.value(of: user) { body["User"] = .string(name) }
        if let folder = arguments.value(of: workdir) { body["WorkingDir"] = .string(folder) }
        if arguments.isSet(privileged) { body["Privileged"] = true }
        if let keys = arguments.value(of: CreateOptions.detachKeys) { body["DetachKeys"] = .string(keys) }
        return .object(body)
    }
}
