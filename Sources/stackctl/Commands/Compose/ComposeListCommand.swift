import Compose
import Diagnostics
import JSONText

/// `stackctl compose ls`: the projects of the host, whoever started them.
enum ComposeListCommand {
    private static let all = OptionDeclaration.flag("all", "a", "Also projects of which nothing runs")
    private static let filter = OptionDeclaration.list(
        "filter", nil, .pair("KEY=VALUE"), "Only those that match: name, a regular expression")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the names")

    static let declaration = CommandDeclaration(
        "ls", summary: "List compose projects", options: [all, filter, ComposeTable.format, quiet], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let names = try filters(arguments)
        let target = Target("containers", "json").with("all", arguments.isSet(all))
            .with(filters: [("label", ComposeLabels.project)])
        let found = (try await session.daemon().get(target.text).arrayValue ?? []).compactMap {
            ComposeContainer(json: $0)
        }
        let projects = Dictionary(grouping: found, by: \.project).sorted { $0.key < $1.key }
            .filter { project in names.isEmpty || names.contains { $0(project.key) } }
        if arguments.isSet(quiet) {
            for project in projects { session.output.print(project.key) }
            return .success
        }
        let rows = projects.map { name, containers -> JSONObject in
            [
                "Name": .string(name), "Status": .string(status(containers)),
                "ConfigFiles": .string(files(containers)),
            ]
        }
        ComposeTable(
            headings: ["NAME", "STATUS", "CONFIG FILES"], members: ["Name", "Status", "ConfigFiles"]
        ).write(rows, session)
        return .success
    }

    /// A name, or a regular expression that is found in it.
    private static func filters(_ arguments: ParsedArguments) throws(Diagnostic) -> [(String) -> Bool] {
        var tests: [(String) -> Bool] = []
        for (key, value) in arguments.pairs(of: filter) {
            guard key == "name" else {
                throw Diagnostic(
                    code: "SC0260", summary: "invalid filter '\(key)'", hint: "only name is known: --filter name=shop")
            }
            // What is no regular expression matches as it is, as in Docker's client.
            let pattern = try? Regex(value)
            tests.append { name in name == value || pattern.map { name.firstMatch(of: $0) != nil } ?? false }
        }
        return tests
    }

    /// `exited(1), running(2)`.
    static func status(_ containers: [ComposeContainer]) -> String {
        Dictionary(grouping: containers, by: \.state).sorted { $0.key < $1.key }
            .map { "\($0.key)(\($0.value.count))" }.joined(separator: ", ")
    }

    /// The compose files of all containers, each once.
    static func files(_ containers: [ComposeContainer]) -> String {
        var files: [String] = []
        for container in containers {
            guard let text = container.labels[ComposeLabels.configFiles] else { return "N/A" }
            for file in text.split(separator: ",").map(String.init) where !files.contains(file) { files.append(file) }
        }
        return files.joined(separator: ",")
    }
}

/// A list as Compose prints it: a table of wide columns, or an array of JSON on one line.
struct ComposeTable {
    static let format = OptionDeclaration.value("format", nil, .choice(["table", "json"]), "`table` or `json`")

    let headings: [String]
    /// What the columns show, by name in the rows.
    let members: [String]

    func write(_ rows: [JSONObject], _ session: ComposeSession) {
        if session.arguments.value(of: Self.format) == "json" {
            session.output.print(jsonLine: .array(rows.map { .object($0) }))
            return
        }
        let lines = rows.map { row in members.map { TerminalText.line(row[$0]?.stringValue ?? "") } }
        session.output.write(
            AlignedText.render(
                ([headings] + lines).map { $0.joined(separator: "\t") + "\n" }.joined(), narrowest: 20))
    }
}
