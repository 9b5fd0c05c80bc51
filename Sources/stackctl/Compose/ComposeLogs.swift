import HTTP
import JSONText

/// Reads the logs of a project's containers into a printer.
struct ComposeLogs: Sendable {
    /// Which lines are wanted, in the words of the API.
    struct Query: Sendable, Equatable {
        var follows = false
        var tail: String?
        /// Seconds since 1970.
        var since: String?
        var until: String?
        var hasTimestamps = false
    }

    let daemon: DaemonClient
    let printer: ComposeLogPrinter

    /// Reads one container's log to its end, which is that of the container where it follows.
    ///
    /// - Parameter name: what is before the lines.
    func read(_ container: String, as name: String, _ query: Query) async throws {
        await printer.register(name)
        let inspected = try await daemon.get(Target("containers", container, "json").text)
        let isRaw = inspected["Config"]?["Tty"]?.boolValue ?? false
        let target = Target("containers", container, "logs").with("stdout", true).with("stderr", true)
            .with("follow", query.follows).with("timestamps", query.hasTimestamps).with("tail", query.tail)
            .with("since", query.since).with("until", query.until)
        let response = try await daemon.open("GET", target.text)
        defer { response.close() }
        var decoder = StreamFrameDecoder()
        while let piece = try await response.body.next() {
            let frames = isRaw ? [StreamFrame(stream: .stdout, bytes: piece)] : try decoder.decode(piece)
            for frame in frames { await printer.take(frame, of: name) }
        }
        await printer.finish(name)
    }
}
