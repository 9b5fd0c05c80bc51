import Diagnostics
import JSONText

/// `stackctl inspect`: everything about an object.
enum InspectCommand {
    private static let kinds = ["container", "image", "network", "volume"]
    private static let type = OptionDeclaration.value("type", nil, .choice(kinds), "Look among these objects only")
    private static let size = OptionDeclaration.flag("size", "s", "Also the sizes of containers")
    static let format = OptionDeclaration.value(
        "format", "f", .text("FORMAT"), "`json`, or a Go template, such as '{{.Id}}'")

    static let declaration = CommandDeclaration(
        "inspect", summary: "Show everything about containers, images, networks or volumes, as JSON",
        operands: [OperandDeclaration("OBJECT", .oneOrMore, "Names or identifiers", completion: .names(.objects))],
        options: [format, size, type],
        action: run)

    static let container = CommandDeclaration(
        "inspect", summary: "Show everything about containers, as JSON", operands: [SharedOptions.containers],
        options: [format, size]
    ) {
        try await inspect($0, try await $0.daemon(), $0.arguments.operands, among: ["container"])
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        let among = invocation.arguments.value(of: type).map { [$0] } ?? kinds
        return try await inspect(invocation, daemon, invocation.arguments.operands, among: among)
    }

    /// Prints what was found, as a JSON array or by the template, and says what was not.
    static func inspect(
        _ invocation: Invocation, _ daemon: DaemonClient, _ names: [String], among kinds: [String]
    ) async throws -> ExitCode {
        let template = try ObjectFormat(invocation.arguments.value(of: format))
        var found: [JSONValue] = []
        var missing: [Diagnostic] = []
        for name in names {
            let size = invocation.arguments.isSet(size)
            if let object = try await object(daemon, name, among: kinds, size: size) {
                found.append(object)
            } else {
                let kind = kinds.count > 1 ? "object" : kinds.first ?? "object"
                missing.append(
                    Diagnostic(
                        code: "SC0122", summary: "No such \(kind): \(name)",
                        hint: "`stackctl ps -a`, `images`, `network ls` and `volume ls` list what there is"))
            }
        }
        if invocation.arguments.value(of: format) == "json" {
            invocation.output.print(jsonLine: .array(found))
        } else if let template {
            for object in found { invocation.output.print(try template.render(object)) }
        } else {
            invocation.output.print(json: .array(found))
        }
        invocation.output.show(missing)
        return missing.isEmpty ? .success : .failure
    }

    private static func object(
        _ daemon: DaemonClient, _ name: String, among kinds: [String], size: Bool
    ) async throws -> JSONValue? {
        for kind in kinds {
            let target =
                switch kind {
                case "container": Target("containers", name, "json").with("size", size)
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
