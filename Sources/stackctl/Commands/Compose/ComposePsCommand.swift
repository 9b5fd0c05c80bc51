import Compose
import Diagnostics
import JSONText
import Linux

/// `stackctl compose ps`: the containers of a project.
enum ComposePsCommand {
    private static let all = OptionDeclaration.flag(
        "all", "a", "Also those that do not run, and those that `run` made")
    private static let filter = OptionDeclaration.list(
        "filter", nil, .pair("KEY=VALUE"), "Only those that match: status")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers and commands")
    private static let orphans = OptionDeclaration.flag(
        "orphans", nil, "Also those of services that the file does not have (default: so it is)")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")
    private static let onlyServices = OptionDeclaration.flag("services", nil, "Only the names of the services")
    private static let states = ["paused", "restarting", "removing", "running", "dead", "created", "exited"]
    private static let status = OptionDeclaration.list(
        "status", nil, .choice(states), "Only those in this state; also those that do not run, then")

    static let declaration = CommandDeclaration(
        "ps", summary: "List containers", operands: [ComposeOptions.services],
        options: [all, filter, ListFormat.option, long, orphans, quiet, onlyServices, status], action: run)

    private static let fields =
        ContainerRow.fields.filter { !["Platform", "HealthStatus"].contains($0.name) } + [
            .init("Name", "NAME"), .init("Service", "SERVICE"), .init("Project", "PROJECT"),
            .init("Health", "HEALTH"), .init("ExitCode", "EXIT CODE"), .init("Publishers", "PUBLISHERS"),
        ]
    private static let columns =
        "{{.Name}}\\t{{.Image}}\\t{{.Command}}\\t{{.Service}}\\t{{.RunningFor}}\\t{{.Status}}\\t{{.Ports}}"

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let wanted = try wantedStates(arguments)
        let given = arguments.value(of: ListFormat.option) ?? UserFiles.format("psFormat")
        let format = try ListFormat(given, fields: fields, columns: columns)
        let containers = try await containers(session, states: wanted)
        if arguments.isSet(quiet) {
            for container in containers { session.output.print(container.id) }
            return .success
        }
        if arguments.isSet(onlyServices) {
            var seen: Set<String> = []
            for container in containers where seen.insert(container.service).inserted {
                session.output.print(container.service)
            }
            return .success
        }
        // Health and exit code are not in the list; the plain table does not show them.
        let isPlain = given.map { $0.isEmpty || $0 == "table" } ?? true
        let inspected = isPlain ? [:] : try await inspect(containers, session)
        let now = Clock.now().seconds
        let rows = containers.map {
            row($0, inspected[$0.id], whole: arguments.isSet(long), now: now)
        }
        session.output.write(try format.render(rows))
        return .success
    }

    /// The states of `--status` and `--filter status=`; empty is any.
    private static func wantedStates(_ arguments: ParsedArguments) throws(Diagnostic) -> Set<String> {
        var wanted = Set(arguments.values(of: status))
        for (key, value) in arguments.pairs(of: filter) {
            guard key == "status" else {
                throw Diagnostic(
                    code: "SC0260", summary: "unknown filter \(key)",
                    hint: "only status is known: --filter status=exited")
            }
            guard states.contains(value) else {
                throw FlagProblem.invalid(filter, value, "one of \(states.joined(separator: ", ")) is expected")
            }
            wanted.insert(value)
        }
        return wanted
    }

    private static func containers(
        _ session: ComposeSession, states: Set<String>
    ) async throws -> [ComposeContainer] {
        let arguments = session.arguments
        let target = try await session.target()
        var services = arguments.operands
        // Only what is in the file: a service without containers is no mistake then.
        let declared = arguments.isRefused(orphans) && services.isEmpty ? target.project?.services.keys : nil
        let showsAll = arguments.isSet(all) || !states.isEmpty
        if declared != nil { services = [] }
        return try await session.containers(
            of: target, services: services, all: showsAll, oneOff: showsAll ? .included : .excluded
        ).filter { container in
            (states.isEmpty || states.contains(container.state)) && declared?.contains(container.service) != false
        }.sorted { $0.name < $1.name }
    }

    /// What the daemon says of each container, by identifier.
    private static func inspect(
        _ containers: [ComposeContainer], _ session: ComposeSession
    ) async throws -> [String: JSONValue] {
        let daemon = try await session.daemon()
        return try await withThrowingTaskGroup(of: (String, JSONValue).self) { group in
            for container in containers {
                group.addTask {
                    (container.id, try await daemon.get(Target("containers", container.id, "json").text))
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private static func row(
        _ container: ComposeContainer, _ inspected: JSONValue?, whole: Bool, now: Int64
    ) -> JSONObject {
        var row = ContainerRow.row(container.json, whole: whole, now: now)
        row["Platform"] = nil
        row["HealthStatus"] = nil
        row["Name"] = .string(container.name)
        row["Service"] = .string(container.service)
        row["Project"] = .string(container.project)
        let state = inspected?["State"]
        let isOver = ["exited", "dead"].contains(container.state)
        row["Health"] = container.state == "running" ? state?["Health"]?["Status"] ?? "" : ""
        row["ExitCode"] = isOver ? state?["ExitCode"] ?? 0 : 0
        row["Publishers"] = .array(publishers(container.json["Ports"]?.arrayValue ?? []))
        return row
    }

    /// Ports in Compose's form, by the container's port.
    private static func publishers(_ ports: [JSONValue]) -> [JSONValue] {
        ports.sorted { ($0["PrivatePort"]?.intValue ?? 0) < ($1["PrivatePort"]?.intValue ?? 0) }.map { port in
            [
                "URL": port["IP"] ?? "", "TargetPort": port["PrivatePort"] ?? 0,
                "PublishedPort": port["PublicPort"] ?? 0, "Protocol": port["Type"] ?? "",
            ]
        }
    }
}
