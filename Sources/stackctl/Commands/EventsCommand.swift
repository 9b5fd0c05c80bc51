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
    private static let format = OptionDeclaration.value(
        "format", nil, .text("FORMAT"), "`json`, or a Go template, such as '{{.Type}} {{.Action}}'")

    static let declaration = CommandDeclaration(
        "events", summary: "Show events as they happen", options: [filter, format, since, until, SharedOptions.json],
        action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let text = arguments.value(of: format)
        let isJSON = arguments.isSet(SharedOptions.json) || text == "json" || text == "{{json .}}"
        let template = isJSON ? nil : try ObjectFormat(text)
        let target = Target("events")
            .with("since", try arguments.value(of: since).map { try PointInTime.unixSeconds($0, option: "--since") })
            .with("until", try arguments.value(of: until).map { try PointInTime.unixSeconds($0, option: "--until") })
            .with(filters: arguments.pairs(of: filter))
        try await invocation.daemon().stream("GET", target.text) { event in
            if isJSON {
                invocation.output.print(jsonLine: event)
            } else if let template {
                invocation.output.print(try template.render(fields(of: event)))
            } else {
                invocation.output.print(line(event))
            }
        }
        return .success
    }

    /// The event by the names that templates use, which are those of Docker's Go type.
    static func fields(of event: JSONValue) -> JSONValue {
        let actor = event["Actor"] ?? ["ID": "", "Attributes": [:]]
        let action = event["Action"] ?? ""
        return [
            "Type": event["Type"] ?? "", "Action": action, "Actor": actor, "Scope": event["scope"] ?? "local",
            "Time": event["time"] ?? 0, "TimeNano": event["timeNano"] ?? 0, "Status": event["status"] ?? action,
            "ID": event["id"] ?? actor["ID"] ?? "", "From": event["from"] ?? actor["Attributes"]?["image"] ?? "",
        ]
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
