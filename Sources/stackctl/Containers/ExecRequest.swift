import JSONText
import Linux

/// A program that is to run in a container.
struct ExecRequest: Sendable {
    /// Its name or identifier.
    let container: String
    let command: [String]
    var isDetached = false
    var hasTerminal = false
    /// Whether our standard input is the program's.
    var takesInput = false
    /// `NAME=VALUE`.
    var variables: [String] = []
    var user: String?
    var workingDirectory: String?
    var isPrivileged = false
    /// As the user wrote them.
    var detachKeys: String?

    init(container: String, command: [String]) {
        self.container = container
        self.command = command
    }

    /// Runs it and stays with it, unless it is detached.
    ///
    /// - Returns: its exit code.
    func run(_ daemon: DaemonClient, _ output: Output) async throws -> ExitCode {
        let keys = try DetachKeysOption.keys(detachKeys)
        let made = try await daemon.post(Target("containers", container, "exec").text, body)
        let id = made["Id"]?.stringValue ?? ""
        let start = Target("exec", id, "start").text
        var options: JSONObject = ["Detach": .bool(isDetached), "Tty": .bool(hasTerminal)]
        if hasTerminal, let size = ConsoleSize.current {
            options["ConsoleSize"] = size
        }
        if isDetached {
            _ = try await daemon.post(start, .object(options))
            return .success
        }
        let stream = try await daemon.hijack(start, body: .object(options))
        let session = StreamSession(
            daemon: daemon, stream: stream, output: output, hasTerminal: hasTerminal, takesInput: takesInput,
            resizing: ("exec", id), detachKeys: keys)
        guard try await session.run() == .ended else { return .success }
        let state = try await daemon.get(Target("exec", id, "json").text)
        return ExitCode(code: Int32(clamping: state["ExitCode"]?.intValue ?? 125))
    }

    private var body: JSONValue {
        var body: JSONObject = [
            "AttachStdin": .bool(takesInput), "AttachStdout": .bool(!isDetached), "AttachStderr": .bool(!isDetached),
            "Tty": .bool(hasTerminal), "Cmd": .strings(command),
        ]
        if !variables.isEmpty { body["Env"] = .strings(variables) }
        if let user { body["User"] = .string(user) }
        if let workingDirectory { body["WorkingDir"] = .string(workingDirectory) }
        if isPrivileged { body["Privileged"] = true }
        if let detachKeys { body["DetachKeys"] = .string(detachKeys) }
        return .object(body)
    }
}
