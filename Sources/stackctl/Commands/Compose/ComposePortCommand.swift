import Diagnostics
import JSONText

/// `stackctl compose port`: where a port of a service is published.
enum ComposePortCommand {
    private static let proto = OptionDeclaration.value(
        "protocol", nil, .text("PROTOCOL"), "tcp, udp or sctp (default: tcp)")

    static let declaration = CommandDeclaration(
        "port", summary: "Show where a port of a service is published",
        operands: [ComposeOptions.service, OperandDeclaration("PRIVATE_PORT", "The port inside the container")],
        options: [ComposeOptions.index, proto], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let text = arguments.operand(1) ?? ""
        guard let number = UInt16(text), number > 0 else {
            throw Diagnostic(
                code: "SC0261", summary: "invalid port \(FlagProblem.quoted(text))",
                hint: "write a number from 1 to 65535, such as 80; the protocol is given by --protocol udp")
        }
        let transport = (arguments.value(of: proto) ?? "tcp").lowercased()
        let container = try await session.container(
            of: try await session.target(), service: arguments.operand(0) ?? "",
            index: arguments.value(of: ComposeOptions.index).flatMap { Int($0) })
        let ports = container.json["Ports"]?.arrayValue ?? []
        let found = ports.filter {
            $0["PrivatePort"]?.intValue == Int64(number) && $0["Type"]?.stringValue == transport
                && ($0["PublicPort"]?.intValue ?? 0) > 0
        }
        // The IPv4 address where it has both.
        func address(_ port: JSONValue) -> String { port["IP"]?.stringValue ?? "" }
        guard let port = found.first(where: { !address($0).contains(":") }) ?? found.first else {
            let known = ports.map { "\($0["PrivatePort"]?.intValue ?? 0)/\($0["Type"]?.stringValue ?? "")" }
            throw Diagnostic(
                code: "SC0261", summary: "no port \(number)/\(transport) for container \(container.name)",
                detail: known.isEmpty ? "it publishes none" : "it has \(Set(known).sorted().joined(separator: ", "))",
                hint: "`stackctl compose ps \(container.service)` shows what is published")
        }
        let ip = address(port)
        session.output.print("\(ip.contains(":") ? "[\(ip)]" : ip):\(port["PublicPort"]?.intValue ?? 0)")
        return .success
    }
}
