import Diagnostics
import HTTP
import JSONText
import Linux

/// A pull or a push, shown as it goes.
struct TransferStream {
    /// What each layer is called to be done to it.
    enum Direction: String { case pull, push, copy }

    let direction: Direction
    let invocation: Invocation
    /// Whether nothing is said on the way.
    let isQuiet: Bool

    /// Sends the request and shows each line of the answer; ends the transfer when it is interrupted.
    ///
    /// - Throws: a `Diagnostic` or a `StatusFailure`, with what the daemon said.
    ///
    /// - Returns: what the daemon gave beside the steps (`aux`), the last of it.
    @discardableResult
    func run(_ target: Target, credentials: String? = nil) async throws -> JSONValue? {
        let daemon = try await invocation.daemon()
        let output = invocation.output
        let display = ProgressDisplay(output: output)
        let isTerminal = output.style.isTerminal
        return try await Interruption.shared.guarding {
            if isTerminal { output.write(ProgressPainter.showCursor) }
        } _: {
            let painter = isQuiet ? nil : Task { await display.keepPainting() }
            let outcome: Result<JSONValue?, any Error>
            do {
                outcome = .success(
                    try await Self.lines(daemon, target, credentials: credentials) { await show($0, display) })
            } catch {
                outcome = .failure(error)
            }
            painter?.cancel()
            await painter?.value
            if !isQuiet { await display.finish() }
            return try outcome.get()
        }
    }

    private func show(_ line: JSONValue, _ display: ProgressDisplay) async {
        guard !isQuiet else { return }
        for event in TransferEvent.events(of: line, direction) { await display.take(event) }
        if let text = TransferEvent.text(of: line) { await display.say(TerminalText.line(text)) }
    }

    /// Sends the request and gives each line of the answer to `each`.
    ///
    /// - Throws: a `Diagnostic` or a `StatusFailure`, with what the daemon said.
    ///
    /// - Returns: what the daemon gave beside the steps (`aux`), the last of it.
    @discardableResult
    static func lines(
        _ daemon: DaemonClient, _ target: Target, credentials: String?, each: (JSONValue) async -> Void
    ) async throws -> JSONValue? {
        var headers: HTTPHeaders = [:]
        if let credentials { headers.set("X-Registry-Auth", credentials) }
        let response = try await daemon.send("POST", target.text, headers: headers)
        defer { response.close() }
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect())
        }
        var result: JSONValue?
        do {
            var lines = response.lines()
            while let line = try await lines.next() {
                guard !line.isEmpty, let value = try? JSONValue.parse(line) else { continue }
                if let message = value["error"]?.stringValue {
                    let diagnostics = DaemonClient.diagnostics(of: value, fallback: message)
                    throw StatusFailure(status: 200, diagnostics: diagnostics)
                }
                if let value = value["aux"] { result = value }
                await each(value)
            }
        } catch let error as HTTPError where error == .truncated {
            throw cutShort
        }
        return result
    }

    private static var cutShort: Diagnostic {
        Diagnostic(
            code: "SC0174", summary: "the daemon ended in the middle",
            hint: "run the command again: layers that are complete are not sent again")
    }
}

/// What Docker's lines about layers mean, as steps that the house's display knows.
enum TransferEvent {
    /// The text of a line that is about no layer.
    static func text(of line: JSONValue) -> String? {
        guard line["progressDetail"] == nil, let status = line["status"]?.stringValue else { return nil }
        return line["id"]?.stringValue.map { "\($0): \(status)" } ?? status
    }

    /// The steps of a line about a layer.
    static func events(of line: JSONValue, _ direction: TransferStream.Direction) -> [JSONValue] {
        guard let id = line["id"]?.stringValue, line["progressDetail"] != nil,
            let status = line["status"]?.stringValue
        else { return [] }
        func event(_ type: String, _ operation: String, _ more: JSONObject = [:]) -> [JSONValue] {
            var object: JSONObject = [
                "type": .string(type), "address": .string(TerminalText.line(id)), "operation": .string(operation),
            ]
            for (key, value) in more { object[key] = value }
            return [.object(object)]
        }
        switch status {
        case "Pulling fs layer": return event("step_progress", direction.rawValue, ["message": "waiting"])
        case "Downloading", "Pushing", "Copying":
            let (current, total) = (
                line["progressDetail"]?["current"]?.intValue ?? 0, line["progressDetail"]?["total"]?.intValue ?? 0
            )
            return event(
                "step_progress", direction.rawValue,
                [
                    "message": .string("\(status.lowercased()) \(HumanText.size(total))"), "current": .int(current),
                    "total": .int(total),
                ])
        case "Download complete": return event("step_progress", direction.rawValue, ["message": "storing"])
        case "Pull complete", "Pushed", "Copied": return event("step_done", direction.rawValue)
        case "Already exists", "Layer already exists": return event("step_done", "keep")
        case _ where status.hasPrefix("Mounted from "): return event("step_done", "mount")
        default: return []
        }
    }
}
