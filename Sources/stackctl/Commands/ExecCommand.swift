import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl exec`: runs a program in a container and answers with its exit code.
enum ExecCommand {
    private static let detach = OptionDeclaration.flag("detach", "d", "Leave it running in the background")
    private static let interactive = OptionDeclaration.flag("interactive", "i", "Give it this program's standard input")
    private static let tty = OptionDeclaration.flag("tty", "t", "Give it a terminal")
    private static let env = OptionDeclaration.list("env", "e", .text("NAME=VALUE"), "Set an environment variable")
    private static let user = OptionDeclaration.value("user", "u", .text("USER[:GROUP]"), "Run it as this user")
    private static let workdir = OptionDeclaration.value("workdir", "w", .text("DIR"), "Run it in this folder")

    static let declaration = CommandDeclaration(
        "exec", summary: "Run a program in a running container",
        discussion: """
            The exit code is the program's own: 126 when it cannot be executed, 127 when it is
            not found, 125 when the daemon refused.
            """,
        operands: [
            SharedOptions.container, OperandDeclaration("COMMAND", .one, "Program to run"),
            OperandDeclaration("ARG", .any, "Its arguments"),
        ],
        options: [detach, interactive, tty, env, user, workdir], endsAtFirstOperand: true, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        do {
            return try await exec(invocation)
        } catch let failure as StatusFailure {
            invocation.output.show(failure.diagnostics)
            return ExitCode(code: 125)
        }
    }

    private static func exec(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let container = arguments.operand(0) ?? ""
        let wantsTerminal = arguments.isSet(tty)
        let wantsInput = arguments.isSet(interactive)
        let isDetached = arguments.isSet(detach)
        if wantsTerminal, wantsInput, !Terminal.isTerminal(0) {
            throw Diagnostic(
                code: "SC0133", summary: "-t with -i wants a terminal as standard input",
                hint: "leave out -t when the input comes from a file or a pipe")
        }
        let daemon = try await invocation.daemon()
        let made = try await daemon.post(
            Target("containers", container, "exec").text, body(arguments, input: wantsInput && !isDetached))
        let id = made["Id"]?.stringValue ?? ""
        let start = Target("exec", id, "start").text
        let options: JSONValue = ["Detach": .bool(isDetached), "Tty": .bool(wantsTerminal)]
        if isDetached {
            _ = try await daemon.post(start, options)
            return .success
        }
        let (response, upgraded) = try await daemon.http.upgrade(
            "POST", start, headers: ["Content-Type": "application/json"], body: options.serializedBytes(.compact))
        guard let stream = upgraded else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect())
        }
        let session = ExecSession(daemon: daemon, id: id, stream: stream, output: invocation.output)
        try await session.run(terminal: wantsTerminal, input: wantsInput)
        let state = try await daemon.get(Target("exec", id, "json").text)
        return ExitCode(code: Int32(clamping: state["ExitCode"]?.intValue ?? 125))
    }

    private static func body(_ arguments: ParsedArguments, input: Bool) -> JSONValue {
        var body: JSONObject = [
            "AttachStdin": .bool(input), "AttachStdout": .bool(!arguments.isSet(detach)),
            "AttachStderr": .bool(!arguments.isSet(detach)), "Tty": .bool(arguments.isSet(tty)),
            "Cmd": .array(arguments.operands.dropFirst().map { .string($0) }),
        ]
        let variables = arguments.values(of: env).compactMap { text -> JSONValue? in
            if text.contains("=") { return .string(text) }
            return Environment.get(text).map { .string("\(text)=\($0)") }
        }
        if !variables.isEmpty { body["Env"] = .array(variables) }
        if let name = arguments.value(of: user) { body["User"] = .string(name) }
        if let folder = arguments.value(of: workdir) { body["WorkingDir"] = .string(folder) }
        return .object(body)
    }
}
