import JSONText
import Linux

/// `stackctl ps`: the containers.
enum PsCommand {
    private static let all = OptionDeclaration.flag("all", "a", "Also those that do not run")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers and commands")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only those that match: name, status, label, network, …")
    private static let json = SharedOptions.json

    static let declaration = CommandDeclaration(
        "ps", summary: "List containers", options: [all, quiet, long, filter, json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let target = Target("containers", "json").with("all", arguments.isSet(all))
            .with(filters: arguments.pairs(of: filter))
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(json) {
            invocation.output.print(json: answer)
            return .success
        }
        let whole = arguments.isSet(long)
        let now = Clock.now().seconds
        var table = TextTable(["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"])
        for container in answer.arrayValue ?? [] {
            let id = shortID(container["Id"]?.stringValue ?? "", whole: whole)
            if arguments.isSet(quiet) {
                invocation.output.print(id)
            } else {
                table.append(cells(container, id: id, whole: whole, now: now))
            }
        }
        if !arguments.isSet(quiet) { invocation.output.write(table.render()) }
        return .success
    }

    private static func cells(_ container: JSONValue, id: String, whole: Bool, now: Int64) -> [String] {
        let command = container["Command"]?.stringValue ?? ""
        let shown = whole || command.count <= 20 ? command : command.prefix(19) + "…"
        // What is known of a damaged one does not include its age.
        let created = container["Created"]?.intValue ?? 0
        let age = created > 0 ? "\(HumanText.age(seconds: now - created)) ago" : ""
        let names = (container["Names"]?.arrayValue ?? []).compactMap(\.stringValue)
        return [
            id, image(container["Image"]?.stringValue ?? "", whole: whole), "\"\(shown)\"", age,
            container["Status"]?.stringValue ?? "", ports(container["Ports"]?.arrayValue ?? []),
            names.map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }.joined(separator: ","),
        ]
    }

    /// A reference as it is, an identifier shortened.
    private static func image(_ text: String, whole: Bool) -> String {
        text.hasPrefix("sha256:") ? shortID(text, whole: whole) : text
    }

    /// `0.0.0.0:8080->80/tcp`, as Docker writes it.
    static func ports(_ ports: [JSONValue]) -> String {
        ports.map { port in
            let inside = "\(port["PrivatePort"]?.intValue ?? 0)/\(port["Type"]?.stringValue ?? "tcp")"
            guard let outside = port["PublicPort"]?.intValue, outside > 0 else { return inside }
            return "\(port["IP"]?.stringValue ?? "0.0.0.0"):\(outside)->\(inside)"
        }.joined(separator: ", ")
    }
}

/// The first twelve characters of an identifier, `sha256:` left out.
func shortID(_ id: String, whole: Bool = false) -> String {
    if whole { return id }
    let hex = id.hasPrefix("sha256:") ? id.dropFirst("sha256:".count) : id[...]
    return String(hex.prefix(12))
}
