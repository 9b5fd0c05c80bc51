import Diagnostics
import JSONText

/// `stackctl attach`: goes to the streams of a container that runs.
enum AttachCommand {
    private static let noInput = OptionDeclaration.flag("no-stdin", nil, "Do not give it our standard input")

    static let declaration = CommandDeclaration(
        "attach", summary: "Attach to the streams of a running container",
        discussion: """
            The exit code is the container's. The keys ctrl-p ctrl-q leave it running, where it
            has a terminal.
            """,
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.running))
        ],
        options: [CreateOptions.detachKeys, noInput, CreateOptions.signalProxy], watchesInterrupts: false, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let daemon = try await invocation.daemon()
        let name = arguments.operand(0) ?? ""
        let container = try await daemon.get(Target("containers", name, "json").text)
        try check(container, start: "stackctl start -a \(name)")
        return try await attachment(
            to: container, invocation, daemon, takesInput: !arguments.isSet(noInput)
        ).follow()
    }

    /// That one can stay with a container.
    ///
    /// - Parameter start: the command that starts it.
    /// - Throws: `Diagnostic` (SC0202) where it does not run.
    static func check(_ container: JSONValue, start: String) throws(Diagnostic) {
        let state = container["State"]
        for (key, sentence) in [
            ("Paused", "cannot attach to a paused container, unpause it first"),
            ("Restarting", "cannot attach to a restarting container, wait until it is running"),
        ] where state?[key]?.boolValue == true {
            throw Diagnostic(code: "SC0202", summary: sentence)
        }
        guard state?["Running"]?.boolValue == true else {
            throw Diagnostic(
                code: "SC0202", summary: "cannot attach to a stopped container, start it first",
                hint: start)
        }
    }

    /// How one stays with a container that is there.
    static func attachment(
        to container: JSONValue, _ invocation: Invocation, _ daemon: DaemonClient, takesInput: Bool
    ) throws -> ContainerAttachment {
        let arguments = invocation.arguments
        let config = container["Config"]
        let hasTerminal = config?["Tty"]?.boolValue ?? false
        let input = takesInput && config?["OpenStdin"]?.boolValue ?? false
        let keys = arguments.value(of: CreateOptions.detachKeys)
        return ContainerAttachment(
            daemon: daemon, output: invocation.output, id: container["Id"]?.stringValue ?? "",
            hasTerminal: hasTerminal, streams: AttachedStreams(input: input, output: true, error: true),
            detachKeys: try DetachKeysOption.keys(keys), detachKeysText: keys,
            proxiesSignals: !hasTerminal && !arguments.isRefused(CreateOptions.signalProxy))
    }
}

/// `stackctl start`.
enum StartCommand {
    private static let attach = OptionDeclaration.flag("attach", "a", "Show what it prints, and pass signals on to it")
    private static let interactive = OptionDeclaration.flag("interactive", "i", "Give it our standard input")

    static let declaration = CommandDeclaration(
        "start", summary: "Start containers",
        operands: [
            OperandDeclaration(
                "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(.stopped))
        ],
        options: [attach, interactive, CreateOptions.detachKeys, CreateOptions.signalProxy], watchesInterrupts: false,
        action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        guard arguments.isSet(attach) || arguments.isSet(interactive) else { return try await startAll(invocation) }
        guard arguments.operands.count == 1 else {
            throw Diagnostic(code: "SC0202", summary: "you cannot start and attach multiple containers at once")
        }
        let daemon = try await invocation.daemon()
        let container = try await daemon.get(Target("containers", arguments.operand(0) ?? "", "json").text)
        let attachment = try AttachCommand.attachment(
            to: container, invocation, daemon, takesInput: arguments.isSet(interactive))
        let isRemoved = container["HostConfig"]?["AutoRemove"]?.boolValue ?? false
        return try await attachment.start(waitingFor: isRemoved ? "removed" : "next-exit")
    }

    private static func startAll(_ invocation: Invocation) async throws -> ExitCode {
        let keys = invocation.arguments.value(of: CreateOptions.detachKeys)
        return try await EachObject.run(invocation) { daemon, name in
            _ = try await daemon.post(Target("containers", name, "start").with("detachKeys", keys).text)
        }
    }
}
