import Diagnostics
import JSONText

/// `stackctl inspect`: everything about an object.
enum InspectCommand {
    private static let kinds = ["container", "image", "network", "volume"]
    private static let type = OptionDeclaration.value("type", nil, .choice(kinds), "Look among these objects only")

    static let declaration = CommandDeclaration(
        "inspect", summary: "Show everything about containers, images, networks or volumes, as JSON",
        operands: [OperandDeclaration("OBJECT", .oneOrMore, "Names or identifiers")], options: [type], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        let among = invocation.arguments.value(of: type).map { [$0] } ?? kinds
        return try await inspect(invocation, daemon, invocation.arguments.operands, among: among)
    }

    /// Prints a JSON array of what was found and says what was not.
    static func inspect(
        _ invocation: Invocation, _ daemon: DaemonClient, _ names: [String], among kinds: [String]
    ) async throws -> ExitCode {
        var found: [JSONValue] = []
        var missing: [Diagnostic] = []
        for name in names {
            if let object = try await object(daemon, name, among: kinds) {
                found.append(object)
            } else {
                let listed = kinds.count > 1 ? "object" : kinds.first ?? "object"
                missing.append(
                    Diagnostic(
                        code: "SC0122", summary: "no \(listed) is called `\(name)`",
                        hint: "`stackctl ps -a`, `images`, `network ls` and `volume ls` list them"))
            }
        }
        invocation.output.print(json: .array(found))
        invocation.output.show(missing)
        return missing.isEmpty ? .success : .failure
    }

    private static func object(_ daemon: DaemonClient, _ name: String, among kinds: [String]) async throws -> JSONValue?
    {
        for kind in kinds {
            let target =
                switch kind {
                case "container": Target("containers", name, "json")
                case "image": Target("images", name, "json")
                case "network": Target("networks", name)
                default: Target("volumes", name)
                }
            do {
                return try await daemon.get(target.text)
            } catch let failure as StatusFailure where failure.status == 404 {
                continue
            }
        }
        return nil
    }
}
