import Apply
import Diagnostics
import Engine
import JSONText
import StackModel

/// Programs that a stack runs in a container after it is started, and before it is stopped.
struct ContainerHooks {
    let engine: HostEngine
    let container: Container
    let address: ResourceAddress
    let hooks: JSONValue?
    let progress: ProgressSink

    /// The most of its output that is told, in bytes.
    private static let outputLimit = 64 << 10

    init(
        _ engine: HostEngine, _ container: Container, _ address: ResourceAddress, _ attributes: JSONObject,
        _ progress: @escaping ProgressSink
    ) {
        self.engine = engine
        self.container = container
        self.address = address
        hooks = attributes["hooks"]
        self.progress = progress
    }

    /// Runs what follows a start, one after the other.
    ///
    /// - Throws: a diagnostic with what the first one that fails has said.
    func postStart() async throws {
        for hook in hooks?["postStart"]?.arrayValue ?? [] {
            let result = try await run(hook, within: nil)
            guard result.exitCode != 0 else { continue }
            throw Diagnostic(
                code: "SC5148", summary: "a program that follows the start of \(container.name) failed",
                detail: "\(Self.words(hook)) ended with \(result.exitCode.map { "exit code \($0)" } ?? "a time-out")",
                address: address.description, notes: Array(result.lines.suffix(10)))
        }
    }

    /// Runs what comes before a stop, within the time that the stop may take.
    ///
    /// What fails is told, and keeps nothing from being stopped.
    func preStop() async {
        guard container.state.phase == .running else { return }
        let seconds = StopPatience.asked ?? container.specification.stopTimeout ?? 10
        let limit: Duration? = seconds < 0 ? nil : .seconds(seconds)
        for hook in hooks?["preStop"]?.arrayValue ?? [] {
            do {
                let result = try await run(hook, within: limit)
                if result.exitCode == 0 { continue }
                let end = result.exitCode.map { "exit code \($0)" } ?? "a time-out"
                tell("warning: \(Self.words(hook)), which comes before the stop, ended with \(end)")
            } catch {
                tell("warning: \(Self.words(hook)), which comes before the stop, failed: \(error)")
            }
        }
    }

    private func run(_ hook: JSONValue, within limit: Duration?) async throws -> (exitCode: Int32?, lines: [String]) {
        var request = Execution.Request(arguments: hook["command"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        request.user = hook["user"]?.stringValue ?? ""
        request.isPrivileged = hook["privileged"]?.boolValue ?? false
        request.workingDirectory = hook["workdir"]?.stringValue ?? ""
        request.env = (hook.objectValue?.strings("env") ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        // A name alone takes the container's own away.
        request.env += hook["unsetEnv"]?.arrayValue?.compactMap(\.stringValue) ?? []
        tell("running \(Self.words(hook))")
        let result = try await engine.run(request, in: container, within: limit, limit: Self.outputLimit)
        let lines = String(decoding: result.output, as: UTF8.self).split(separator: "\n").map(String.init)
        for line in lines { tell(line) }
        return (result.exitCode, lines)
    }

    private func tell(_ text: String) { progress(ProgressUpdate(address: address, message: text)) }

    private static func words(_ hook: JSONValue) -> String {
        (hook["command"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " ")
    }
}
