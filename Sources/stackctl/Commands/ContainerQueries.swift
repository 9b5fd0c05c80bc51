import Diagnostics
import JSONText

/// `stackctl port`: where ports of a container are published.
enum PortCommand {
    static let declaration = CommandDeclaration(
        "port", summary: "Show where the ports of a container are published",
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.running)),
            OperandDeclaration("PORT[/PROTO]", .optional, "Only this port"),
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        let container = try await invocation.daemon().get(Target("containers", name, "json").text)
        let ports = container["NetworkSettings"]?["Ports"]?.objectValue ?? [:]
        func addresses(_ port: String) -> [String] {
            (ports[port]?.arrayValue ?? []).map { binding in
                let ip = binding["HostIp"]?.stringValue ?? ""
                return "\(ip.contains(":") ? "[\(ip)]" : ip):\(binding["HostPort"]?.stringValue ?? "")"
            }
        }
        guard let wanted = invocation.arguments.operand(1) else {
            let order = ports.keys.sorted { PortCommand.key($0) < PortCommand.key($1) }
            for port in order { for address in addresses(port) { invocation.output.print("\(port) -> \(address)") } }
            return .success
        }
        let (number, given) = CommaSeparated.cut(wanted, at: "/")
        guard UInt16(number) != nil else {
            throw Diagnostic(
                code: "SC0204", summary: "invalid port (\(wanted)): it is a number, with a protocol or without",
                hint: "write 80 or 53/udp")
        }
        let port = "\(number)/\(given ?? "tcp")"
        let found = addresses(port)
        guard !found.isEmpty else {
            throw Diagnostic(
                code: "SC0204", summary: "no public port '\(port)' published for \(name)",
                hint: "`stackctl port \(name)` lists those that are")
        }
        for address in found { invocation.output.print(address) }
        return .success
    }

    /// Ports in the order of their numbers.
    private static func key(_ port: String) -> (Int, String) {
        let (number, proto) = CommaSeparated.cut(port, at: "/")
        return (Int(number) ?? 0, proto ?? "")
    }
}

/// `stackctl top`: the processes of a container.
enum TopCommand {
    static let declaration = CommandDeclaration(
        "top", summary: "Show the processes of a container",
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.running)),
            OperandDeclaration("PS-OPTION", .any, "Options of ps(1) on the daemon's host (default: -ef)"),
        ], endsAtFirstOperand: true, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let options = invocation.arguments.operands.dropFirst().joined(separator: " ")
        let target = Target("containers", invocation.arguments.operand(0) ?? "", "top")
            .with("ps_args", options.isEmpty ? nil : options)
        let answer = try await invocation.daemon().get(target.text)
        func cells(_ value: JSONValue?) -> String {
            (value?.arrayValue ?? []).map { TerminalText.line($0.stringValue ?? "") }.joined(separator: "\t")
        }
        let lines = [cells(answer["Titles"])] + (answer["Processes"]?.arrayValue ?? []).map { cells($0) }
        invocation.output.write(AlignedText.render(lines.map { $0 + "\n" }.joined(), narrowest: 20))
        return .success
    }
}

/// `stackctl diff`: what a container changed in its files.
enum DiffCommand {
    static let declaration = CommandDeclaration(
        "diff", summary: "Show which files a container changed",
        discussion: "A is added, C is changed, D is deleted; what is in volumes does not count.",
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.containers))
        ],
        options: [ListFormat.option], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let format = try ListFormat(
            invocation.arguments.value(of: ListFormat.option) ?? "{{.Type}} {{.Path}}",
            fields: [.init("Type", "CHANGE TYPE"), .init("Path", "PATH")], columns: "{{.Type}}\\t{{.Path}}")
        let target = Target("containers", invocation.arguments.operand(0) ?? "", "changes")
        let rows = (try await invocation.daemon().get(target.text).arrayValue ?? []).map { change -> JSONObject in
            let kinds = ["C", "A", "D"]
            let kind = Int(change["Kind"]?.intValue ?? 0)
            return [
                "Type": .string(kinds.indices.contains(kind) ? kinds[kind] : "?"),
                "Path": .string(change["Path"]?.stringValue ?? ""),
            ]
        }
        invocation.output.write(try format.render(rows))
        return .success
    }
}
