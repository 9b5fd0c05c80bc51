import Diagnostics
import JSONText
import Linux

/// `stackctl events`: what happens, as it happens.
enum EventsCommand {
    private static let since = OptionDeclaration.value(
        "since", nil, .text("TIME"), "Begin with events since a time or age")
    private static let until = OptionDeclaration.value("until", nil, .text("TIME"), "End at a time or age")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only events that match: type, event, container, label, …")

    static let declaration = CommandDeclaration(
        "events", summary: "Show events as they happen", options: [since, until, filter, SharedOptions.json],
        action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let target = Target("events")
            .with("since", try arguments.value(of: since).map { try PointInTime.unixSeconds($0, option: "--since") })
            .with("until", try arguments.value(of: until).map { try PointInTime.unixSeconds($0, option: "--until") })
            .with(filters: arguments.pairs(of: filter))
        let asJSON = arguments.isSet(SharedOptions.json)
        try await invocation.daemon().stream("GET", target.text) { event in
            if asJSON { invocation.output.print(jsonLine: event) } else { invocation.output.print(line(event)) }
        }
        return .success
    }

    /// `2026-01-02T03:04:05.123456789Z container start 0123… (image=…, name=…)`.
    static func line(_ event: JSONValue) -> String {
        let nanoseconds = event["timeNano"]?.intValue ?? 0
        let time = Timestamp(nanosecondsSinceEpoch: nanoseconds).rfc3339
        let actor = event["Actor"]
        let attributes = (actor?["Attributes"]?.objectValue ?? [:]).sortedByKey().map { key, value in
            "\(key)=\(value.stringValue ?? value.serialized(.compact))"
        }
        let shown = attributes.isEmpty ? "" : " (\(attributes.joined(separator: ", ")))"
        let type = event["Type"]?.stringValue ?? ""
        let action = event["Action"]?.stringValue ?? ""
        return TerminalText.line("\(time) \(type) \(action) \(actor?["ID"]?.stringValue ?? "")\(shown)")
    }
}
