import Compose
import Diagnostics
import JSONText
import Linux

/// `stackctl compose events`: what happens to the containers of a project, as it happens.
enum ComposeEventsCommand {
    private static let since = OptionDeclaration.value(
        "since", nil, .text("TIME"), "Begin with events since a time or age")
    private static let until = OptionDeclaration.value("until", nil, .text("TIME"), "End at a time or age")

    static let declaration = CommandDeclaration(
        "events", summary: "Show what happens to a project's containers", operands: [ComposeOptions.services],
        options: [SharedOptions.json, since, until], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let services = Set(arguments.operands)
        let target = Target("events")
            .with("since", try arguments.value(of: since).map { try PointInTime.unixSeconds($0, option: "--since") })
            .with("until", try arguments.value(of: until).map { try PointInTime.unixSeconds($0, option: "--until") })
            .with(filters: [
                ("type", "container"),
                ("label", "\(ComposeLabels.project)=\(try await session.target().name)"),
            ])
        let isJSON = arguments.isSet(SharedOptions.json)
        try await session.daemon().stream("GET", target.text) { event in
            guard let event = ComposeEvent(event), services.isEmpty || services.contains(event.service) else { return }
            if isJSON { session.output.print(jsonLine: event.json) } else { session.output.print(event.line) }
        }
        return .success
    }
}

/// An event of a container of a project; those of one-off containers are none.
struct ComposeEvent {
    let time: Timestamp
    let service: String
    let container: String
    let action: String
    /// Without Compose's own.
    let attributes: [(key: String, value: String)]

    init?(_ event: JSONValue) {
        let given = event["Actor"]?["Attributes"]?.objectValue?.strings ?? [:]
        guard event["Type"]?.stringValue == "container",
            given[ComposeLabels.oneOff]?.lowercased() != "true"
        else { return nil }
        let nanoseconds = event["timeNano"]?.intValue ?? (event["time"]?.intValue ?? 0) * 1_000_000_000
        time = Timestamp(nanosecondsSinceEpoch: nanoseconds)
        service = given[ComposeLabels.service] ?? ""
        container = event["Actor"]?["ID"]?.stringValue ?? ""
        action = event["Action"]?.stringValue ?? ""
        attributes = given.filter { !$0.key.hasPrefix("com.docker.compose.") }.sorted { $0.key < $1.key }
    }

    /// The members that scripts read.
    var json: JSONValue {
        [
            "action": .string(action),
            "attributes": .object(JSONObject(attributes.map { ($0.key, .string($0.value)) })),
            "id": .string(container), "service": .string(service), "time": .string(time.rfc3339),
            "type": "container",
        ]
    }

    /// `2026-01-02 03:04:05.123456 container start 0123… (image=busybox, name=shop-web-1)`.
    var line: String {
        let text = time.rfc3339
        let moment = String(text.prefix(19)).replacing("T", with: " ")
        let micros = String(time.nanoseconds / 1000)
        let fraction = String(repeating: "0", count: max(0, 6 - micros.count)) + micros
        let list = attributes.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        return TerminalText.line("\(moment).\(fraction) container \(action) \(container) (\(list))")
    }
}
