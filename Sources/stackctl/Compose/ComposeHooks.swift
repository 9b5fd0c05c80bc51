import Compose
import Diagnostics
import HTTP
import JSONText

/// Runs `post_start` and `pre_stop` of services where a verb starts or stops containers; in an apply the provider does.
struct ComposeHooks: Sendable {
    /// When they are run.
    enum Moment: String, Sendable {
        case postStart = "post_start"
        case preStop = "pre_stop"
    }

    /// One step of them.
    struct Hook: Sendable, Equatable {
        var command: [String]
        var user: String?
        var isPrivileged = false
        var workingDirectory: String?
        var environment: [String] = []

        /// Reads an element of `post_start`; nil where it has no command.
        init?(_ node: ComposeNode) {
            command = node["command"]?.list?.compactMap(\.string) ?? node["command"]?.string.map { [$0] } ?? []
            guard !command.isEmpty else { return nil }
            user = node["user"]?.string
            isPrivileged = node["privileged"]?.bool ?? false
            workingDirectory = node["working_dir"]?.string
            environment = (node["environment"]?.map?.entries ?? []).map { entry in
                entry.value.string.map { "\(entry.key)=\($0)" } ?? entry.key
            }
        }
    }

    let daemon: DaemonClient
    let output: Output
    let project: ComposeProject?

    /// The hooks of a service.
    func hooks(of service: String, _ moment: Moment) -> [Hook] {
        (project?.services[service]?[moment.rawValue]?.list ?? []).compactMap { Hook($0) }
    }

    /// Runs the hooks of a container's service in it, one after the other.
    ///
    /// - Throws: `Diagnostic` (SC0226) for one that fails.
    func run(_ moment: Moment, in container: ComposeContainer) async throws {
        for hook in hooks(of: container.service, moment) {
            try await run(hook, named: moment.rawValue, in: container)
        }
    }

    /// Runs one hook.
    ///
    /// - Parameter name: what it is of the file.
    /// - Throws: `Diagnostic` (SC0226) where it fails.
    func run(_ hook: Hook, named name: String, in container: ComposeContainer) async throws {
        let code = try await run(hook, in: container)
        guard code == 0 else {
            throw Diagnostic(
                code: "SC0226",
                summary: "\(name) of \(container.shortName) ended with code \(code): "
                    + TerminalText.line(hook.command.joined(separator: " ")),
                hint: "try it: stackctl compose exec \(container.service) sh")
        }
    }

    /// Runs one of them, what it prints behind `web-1 -> | `.
    private func run(_ hook: Hook, in container: ComposeContainer) async throws -> Int64 {
        var body: JSONObject = [
            "Cmd": .strings(hook.command), "AttachStdout": true, "AttachStderr": true,
            "Privileged": .bool(hook.isPrivileged),
        ]
        if let user = hook.user { body["User"] = .string(user) }
        if let directory = hook.workingDirectory { body["WorkingDir"] = .string(directory) }
        if !hook.environment.isEmpty { body["Env"] = .strings(hook.environment) }
        let made = try await daemon.post(Target("containers", container.id, "exec").text, .object(body))
        let id = made["Id"]?.stringValue ?? ""
        let stream = try await daemon.hijack(Target("exec", id, "start").text, body: ["Detach": false, "Tty": false])
        defer { stream.close() }
        await stream.shutdownWrite()
        let printer = ComposeLogPrinter(output: output, style: .init(hasColor: output.style.color))
        let name = "\(container.shortName) ->"
        var decoder = StreamFrameDecoder()
        while true {
            let bytes = try await stream.read(max: 64 * 1024)
            if bytes.isEmpty { break }
            for frame in try decoder.decode(bytes) { await printer.take(frame, of: name) }
        }
        await printer.finish(name)
        return try await daemon.get(Target("exec", id, "json").text)["ExitCode"]?.intValue ?? 0
    }
}
