import Diagnostics
import HTTP
import JSONText

/// `stackctl search`: looks for images at Docker Hub or another registry that can search.
enum SearchCommand {
    private static let limit = OptionDeclaration.value("limit", nil, .integer("N"), "At most so many, up to 100")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only those with stars=N, is-official=BOOL or is-automated=BOOL")
    private static let noTruncation = OptionDeclaration.flag("no-trunc", nil, "Do not shorten descriptions")

    static let declaration = CommandDeclaration(
        "search", summary: "Search a registry for images",
        operands: [OperandDeclaration("TERM", "What to look for; a registry's name before it, such as quay.io/nginx")],
        options: [filter, ListFormat.option, limit, noTruncation, SharedOptions.json], action: run)

    private static let fields = [
        ListFormat.Field("Name", "NAME"), .init("Description", "DESCRIPTION"), .init("StarCount", "STARS"),
        .init("IsOfficial", "OFFICIAL"),
    ]

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try ListFormat(
            arguments.value(of: ListFormat.option), fields: fields,
            columns: "{{.Name}}\\t{{.Description}}\\t{{.StarCount}}\\t{{.IsOfficial}}")
        let term = arguments.operand(0) ?? ""
        let target = Target("images", "search").with("term", term).with("limit", arguments.value(of: limit))
            .with(filters: arguments.pairs(of: filter))
        let domain = term.split(separator: "/").first.map(String.init) ?? ""
        let isRegistry = term.contains("/") && (domain == "localhost" || domain.contains { $0 == "." || $0 == ":" })
        var headers: HTTPHeaders = [:]
        let credentials = await CallerCredentials.header(for: isRegistry ? domain : "docker.io", invocation.output)
        if let credentials { headers.set("X-Registry-Auth", credentials) }
        let answer = try await invocation.daemon().get(target.text, headers: headers)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let rows = (answer.arrayValue ?? []).map { found -> JSONObject in
            let description = TerminalText.line(found["description"]?.stringValue ?? "")
            return [
                "Name": .string(found["name"]?.stringValue ?? ""),
                "Description": .string(
                    arguments.isSet(noTruncation) ? description : HumanText.ellipsis(description, 45)),
                "StarCount": .string("\(found["star_count"]?.intValue ?? 0)"),
                "IsOfficial": .string(found["is_official"]?.boolValue ?? false ? "[OK]" : ""),
            ]
        }
        invocation.output.write(try format.render(rows))
        return .success
    }
}
