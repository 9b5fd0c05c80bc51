import Apply
import Diagnostics
import HTTP
import JSONText
import Linux

/// The events of an apply or a destroy, shown as they come.
enum ApplyStream {
    /// Sends the request, shows each event, and answers whether all was done.
    ///
    /// - Parameters:
    ///   - headers: the user's logins, where images may have to be pulled.
    ///   - shown: the plan that the user has seen; its warnings are not repeated.
    ///   - stop: the command that stops what was started, for whoever interrupts.
    static func run(
        _ daemon: DaemonClient, _ target: String, _ body: JSONValue, headers: HTTPHeaders = HTTPHeaders(),
        invocation: Invocation, shown: Plan, stop: String? = nil
    ) async throws -> ExitCode {
        if invocation.arguments.isSet(SharedOptions.json) {
            return try await printJSON(daemon, target, body, headers, invocation)
        }
        let output = invocation.output
        let display = ProgressDisplay(output: output)
        let isTerminal = output.style.isTerminal
        var problems: [Diagnostic] = []
        var summary: JSONValue?
        try await Interruption.shared.guarding {
            if isTerminal { output.write(ProgressPainter.showCursor) }
            let command = TerminalText.line("stackctl show \(shown.stack)")
            let end = stop.map { ", `\(TerminalText.line($0))` stops what it has started" } ?? ""
            output.writeError("\ninterrupted; the daemon goes on with it: `\(command)` says how far it is\(end)\n")
        } _: {
            // Whoever has interrupted it already was told nothing, and gets nothing done.
            try Task.checkCancellation()
            let painter = Task { await display.keepPainting() }
            defer { painter.cancel() }
            do {
                try await daemon.stream("POST", target, body, headers: headers) { event in
                    await display.take(event)
                    if let problem = event["diagnostic"].flatMap({ Diagnostic(json: $0) }) {
                        if !shown.diagnostics.contains(problem) { problems.append(problem) }
                    }
                    switch event["type"]?.stringValue {
                    case "summary": summary = event
                    case "error": problems += DaemonClient.diagnostics(of: event)
                    default: break
                    }
                }
            } catch {
                painter.cancel()
                await painter.value
                await display.finish()
                throw (error as? HTTPError) == .truncated ? cutShort : error
            }
            painter.cancel()
            await painter.value
            await display.finish()
        }
        output.show(problems)
        guard let summary else {
            if problems.isEmpty { throw cutShort }
            return .failure
        }
        output.write(ApplySummaryText.render(summary, color: output.style.color, hasChanges: !shown.isEmpty))
        return summary["succeeded"]?.boolValue ?? false ? .success : .failure
    }

    private static func printJSON(
        _ daemon: DaemonClient, _ target: String, _ body: JSONValue, _ headers: HTTPHeaders, _ invocation: Invocation
    ) async throws -> ExitCode {
        var succeeded: Bool?
        try await daemon.stream("POST", target, body, headers: headers) { event in
            invocation.output.print(jsonLine: event)
            switch event["type"]?.stringValue {
            case "summary": succeeded = event["succeeded"]?.boolValue ?? false
            case "error": succeeded = false
            default: break
            }
        }
        guard let succeeded else { throw cutShort }
        return succeeded ? .success : .failure
    }

    private static var cutShort: Diagnostic {
        Diagnostic(
            code: "SC0174", summary: "the daemon ended in the middle",
            detail: "what was done until then is recorded",
            hint: "run the command again: it goes on from there")
    }
}

/// The last lines of an apply.
enum ApplySummaryText {
    /// Counts by what was done, then the stack's outputs.
    ///
    /// Without changes only the outputs.
    static func render(_ summary: JSONValue, color: Bool, hasChanges: Bool = true) -> String {
        let outputs = summary["outputs"]?.arrayValue ?? []
        let listed = outputs.isEmpty ? "" : "\nOutputs:\n" + OutputsText.render(outputs)
        return hasChanges ? counts(summary, color: color) + remainder(summary) + listed : listed
    }

    /// What was not done, and how to go on.
    private static func remainder(_ summary: JSONValue) -> String {
        var text = ""
        for (title, key) in [("Failed", "failed"), ("Not tried", "skipped")] {
            let addresses = (summary[key]?.arrayValue ?? []).compactMap(\.stringValue)
            if !addresses.isEmpty { text += TerminalText.line("\(title): \(addresses.joined(separator: ", "))") + "\n" }
        }
        return text.isEmpty
            ? "" : text + "What was done is recorded. Once the cause is gone, the same command goes on from there.\n"
    }

    /// What was done, in words: "2 created", "1 failed".
    static func parts(_ summary: JSONValue) -> [String] {
        let order = ["create", "update", "restart", "repair", "delete"]
        let done = summary["done"]
        var parts = order.compactMap { operation -> String? in
            guard let count = done?[operation]?.intValue, count > 0 else { return nil }
            return "\(count) \(ProgressPainter.past(operation))"
        }
        let failed = summary["failed"]?.arrayValue?.count ?? 0
        let skipped = summary["skipped"]?.arrayValue?.count ?? 0
        if failed > 0 { parts.append("\(failed) failed") }
        if skipped > 0 { parts.append("\(skipped) skipped") }
        if let unchanged = summary["unchanged"]?.intValue, unchanged > 0 { parts.append("\(unchanged) unchanged") }
        return parts
    }

    private static func counts(_ summary: JSONValue, color: Bool) -> String {
        let parts = parts(summary)
        let isWhole = ["failed", "skipped"].allSatisfy { summary[$0]?.arrayValue?.isEmpty ?? true }
        let nanoseconds = Int64(min(max(summary["milliseconds"]?.doubleValue ?? 0, 0), 1e12) * 1e6)
        let verb = isWhole ? "Done" : "Not everything was done"
        let painted = color ? "\u{1B}[1;\(isWhole ? 32 : 31)m\(verb)\u{1B}[0m" : verb
        let listed = parts.isEmpty ? "nothing to do" : parts.joined(separator: ", ")
        return "\n\(painted): \(listed) in \(HumanText.elapsed(nanoseconds: nanoseconds)).\n"
    }
}

/// A stack's outputs as lines of `name = value`.
enum OutputsText {
    static func render(_ outputs: [JSONValue]) -> String {
        let width = outputs.compactMap { $0["name"]?.stringValue?.count }.max() ?? 0
        return outputs.map { output in
            let name = output["name"]?.stringValue ?? ""
            let isSensitive = output["sensitive"]?.boolValue ?? false
            let value = output["value"].map { $0.stringValue ?? $0.serialized(.compact) } ?? ""
            let gap = String(repeating: " ", count: width - name.count)
            return TerminalText.line("  \(name)\(gap) = \(isSensitive ? "(sensitive)" : value)") + "\n"
        }.joined()
    }
}
