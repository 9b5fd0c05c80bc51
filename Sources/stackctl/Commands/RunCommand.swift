import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl create`: makes a container without starting it.
enum CreateCommand {
    static let declaration = CommandDeclaration(
        "create", summary: "Make a container without starting it",
        discussion: "Its identifier is printed. The options are those of `stackctl run`.",
        operands: RunCommand.operands, endsAtFirstOperand: true,
        optionGroups: CreateOptions.groups(first: []), usageExitCode: ExitCode(code: 125), action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let pull: ContainerCreation.Pull
        let body: CreateBody
        do {
            pull = try ContainerCreation.pull(invocation.arguments)
            body = try RunCommand.body(invocation)
        } catch {
            return RunFailure.show(error, "create", invocation.output, code: 125)
        }
        do {
            let creation = ContainerCreation(invocation: invocation, daemon: try await invocation.daemon(), body: body)
            invocation.output.print(try await creation.create(pull: pull))
            return .success
        } catch {
            return RunFailure.show(error, "create", invocation.output, code: 1)
        }
    }
}

/// `stackctl run`: makes a container, starts it and stays with it.
enum RunCommand {
    static let operands = [
        OperandDeclaration("IMAGE", .one, "Image to make it of", completion: .names(.images)),
        OperandDeclaration("COMMAND", .optional, "Program to run (default: the image's)"),
        OperandDeclaration("ARG", .any, "Its arguments"),
    ]

    static let declaration = CommandDeclaration(
        "run", summary: "Make a container of an image and start it",
        discussion: """
            Without -d it stays until the program ends; its exit code is ours. 125 means that the
            container was refused, 126 that the program cannot be executed, 127 that it was not found.
            """,
        operands: operands, endsAtFirstOperand: true, watchesInterrupts: false,
        optionGroups: CreateOptions.groups(
            first: [CreateOptions.detach, CreateOptions.detachKeys, CreateOptions.signalProxy]),
        usageExitCode: ExitCode(code: 125), action: run)

    static func body(_ invocation: Invocation) throws -> CreateBody {
        let location = invocation.location
        let isHere = (try location.chosen.get())?.isLocal ?? true
        var body = try CreateBody(
            invocation.arguments, environment: Environment.all,
            workingDirectory: try CurrentProcess.workingDirectory(),
            apiSocket: isHere ? location.socket : "/var/run/docker.sock")
        body.addVariables { UserFiles.proxyVariables(for: location.address, known: $0) }
        return body
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        do {
            let arguments = invocation.arguments
            let pull = try ContainerCreation.pull(arguments)
            var body = try body(invocation)
            let keys = try DetachKeysOption.keys(arguments.value(of: CreateOptions.detachKeys))
            if arguments.isSet(CreateOptions.detach) {
                guard arguments.values(of: CreateOptions.attach).isEmpty else {
                    throw FlagProblem.sentence("conflicting options: cannot specify both --attach and --detach")
                }
                body.detach()
            } else if body.attaches("Stdin"), arguments.isSet(CreateOptions.tty), !Terminal.isTerminal(0) {
                throw FlagProblem.sentence(
                    "the input device is not a TTY", hint: "leave out -t when the input comes from a file or a pipe")
            }
            if arguments.isSet(CreateOptions.tty), let size = ConsoleSize.current {
                body.setHost("ConsoleSize", size)
            }
            let daemon = try await invocation.daemon()
            let creation = ContainerCreation(invocation: invocation, daemon: daemon, body: body)
            let id = try await creation.create(pull: pull)
            return try await start(id, body, keys, invocation, daemon)
        } catch {
            return RunFailure.show(error, "run", invocation.output)
        }
    }

    private static func start(
        _ id: String, _ body: CreateBody, _ keys: DetachKeys, _ invocation: Invocation, _ daemon: DaemonClient
    ) async throws -> ExitCode {
        let arguments = invocation.arguments
        let streams = AttachedStreams(
            input: body.attaches("Stdin"), output: body.attaches("Stdout"), error: body.attaches("Stderr"))
        guard streams.areAny else {
            _ = try await daemon.post(Target("containers", id, "start").text)
            invocation.output.print(id)
            return .success
        }
        let attachment = ContainerAttachment(
            daemon: daemon, output: invocation.output, id: id, hasTerminal: arguments.isSet(CreateOptions.tty),
            streams: streams, detachKeys: keys,
            detachKeysText: arguments.value(of: CreateOptions.detachKeys),
            proxiesSignals: !arguments.isRefused(CreateOptions.signalProxy))
        return try await attachment.start(waitingFor: arguments.isSet(CreateOptions.remove) ? "removed" : "next-exit")
    }
}

/// `--detach-keys`, or what the user's configuration of Docker says.
enum DetachKeysOption {
    static func keys(_ text: String?) throws(Diagnostic) -> DetachKeys {
        if let text, !text.isEmpty { return try DetachKeys(text) }
        guard let keys = UserFiles.dockerSettings["detachKeys"]?.stringValue, !keys.isEmpty else { return .standard }
        return try DetachKeys(keys)
    }
}

/// How `run` and `create` say that they failed: in one sentence, with the code that scripts know.
enum RunFailure {
    /// - Parameter code: the exit code whatever the reason; nil takes it from the reason.
    static func show(_ error: any Error, _ command: String, _ output: Output, code: Int32? = nil) -> ExitCode {
        if let code = Interruption.shared.exitCode { return code }
        var text = ""
        let diagnostics = Failure.diagnostics(error)
        let isDaemons = error is StatusFailure
        for diagnostic in diagnostics {
            text +=
                "stackctl: \(isDaemons ? "Error response from daemon: " : "")\(TerminalText.line(diagnostic.summary))\n"
            if let detail = diagnostic.detail { text += TerminalText.lines(detail) + "\n" }
            if let hint = diagnostic.hint { text += "  hint: \(TerminalText.line(hint))\n" }
        }
        output.writeError(text + "\nRun 'stackctl \(command) --help' for more information\n")
        let whole = diagnostics.map { $0.summary + " " + ($0.detail ?? "") }.joined(separator: " ")
        return ExitCode(code: code ?? self.code(of: whole))
    }

    /// 127 for a program that is not there, 126 for one that cannot be executed, else 125.
    static func code(of text: String) -> Int32 {
        if text.contains("executable file not found") || text.contains("no such file or directory") { return 127 }
        if text.contains("permission denied") || text.contains("is a directory") { return 126 }
        return 125
    }
}
