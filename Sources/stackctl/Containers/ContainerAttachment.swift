import Diagnostics
import HTTP
import JSONText
import Linux

/// Which streams somebody attaches to.
struct AttachedStreams: Sendable, Equatable {
    var input: Bool
    var output: Bool
    var error: Bool

    var areAny: Bool { input || output || error }
}

/// Stays with a container: its streams, our signals, and its exit code.
struct ContainerAttachment: Sendable {
    let daemon: DaemonClient
    let output: Output
    let id: String
    let hasTerminal: Bool
    let streams: AttachedStreams
    let detachKeys: DetachKeys
    /// The keys as the user wrote them, for the daemon.
    var detachKeysText: String?
    let proxiesSignals: Bool

    /// Starts the container with us attached to it.
    ///
    /// - Parameter condition: what the wait is for, as the API has it; it is heard before the start, or its end could
    ///   be missed.
    func start(waitingFor condition: String) async throws -> ExitCode {
        try await follow(waitingFor: condition) {
            _ = try await daemon.post(Target("containers", id, "start").text)
        }
    }

    /// Attaches to a container that runs.
    func follow() async throws -> ExitCode {
        let code = try await follow(waitingFor: "next-exit", start: nil)
        return code
    }

    private func follow(waitingFor condition: String, start: (() async throws -> Void)?) async throws -> ExitCode {
        // Signals that come from now on are the container's.
        let proxy = proxiesSignals ? try SignalProxy(daemon: daemon, container: id) : nil
        defer { proxy?.stop() }
        let session = try await session()
        let wait = try await daemon.open("POST", Target("containers", id, "wait").with("condition", condition).text)
        defer { wait.close() }
        if let start {
            do {
                try await start()
            } catch {
                session.stream.close()
                throw error
            }
        }
        let end: StreamSession.End
        if proxiesSignals {
            end = try await session.run()
        } else {
            end = try await Interruption.shared.whileInterruptible { try await session.run() }
        }
        guard end == .ended else { return .success }
        let answer = try await wait.collect(limit: 1 << 20)
        return try ContainerAttachment.exitCode(of: answer)
    }

    /// What the answer of a wait says.
    static func exitCode(of bytes: [UInt8]) throws -> ExitCode {
        let answer = try? JSONValue.parse(String(decoding: bytes, as: UTF8.self))
        if let message = answer?["Error"]?["Message"]?.stringValue, !message.isEmpty {
            throw StatusFailure(status: 200, diagnostics: [Diagnostic(code: "SC0121", summary: message)])
        }
        return ExitCode(code: Int32(clamping: answer?["StatusCode"]?.intValue ?? 125))
    }

    private func session() async throws -> StreamSession {
        let target = Target("containers", id, "attach").with("stream", true).with("stdin", streams.input)
            .with("stdout", streams.output).with("stderr", streams.error).with("detachKeys", detachKeysText)
        let stream = try await daemon.hijack(target.text)
        return StreamSession(
            daemon: daemon, stream: stream, output: output, hasTerminal: hasTerminal, takesInput: streams.input,
            showsOutput: streams.output || streams.error, resizing: ("containers", id), detachKeys: detachKeys)
    }
}
