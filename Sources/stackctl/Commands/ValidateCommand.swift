import Diagnostics
import JSONText
import StackModel

/// `stackctl validate`: evaluates a manifest or reads compose files, without a daemon.
enum ValidateCommand {
    static let declaration = CommandDeclaration(
        "validate", summary: "Check a manifest or a compose file without looking at the host",
        operands: [SharedOptions.stack],
        options: [
            SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json, SharedOptions.timings,
        ], optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let asJSON = arguments.isSet(SharedOptions.json)
        do {
            let evaluated = try await StackSource.chosen(by: invocation).evaluate(invocation)
            let document = evaluated.document
            let warnings = evaluated.warnings + document.diagnostics
            if asJSON {
                invocation.output.print(json: report(valid: true, warnings, document: document.json))
            } else {
                invocation.output.show(warnings)
                let counts = Dictionary(grouping: document.resources, by: \.address.kind).mapValues(\.count)
                let parts = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { kind, count in
                    "\(count) \(kind.rawValue)\(count == 1 ? "" : "s")"
                }
                let listed = parts.isEmpty ? "no resources" : parts.joined(separator: ", ")
                invocation.output.print("The stack \(document.name) is valid: \(listed).")
            }
            if arguments.isSet(SharedOptions.timings) { invocation.output.writeError(evaluated.timings.line + "\n") }
            return .success
        } catch  where asJSON {
            invocation.output.print(json: report(valid: false, Failure.diagnostics(error), document: nil))
            return .failure
        }
    }

    private static func report(valid: Bool, _ diagnostics: [Diagnostic], document: JSONValue?) -> JSONValue {
        var object: JSONObject = [
            "version": 1, "valid": .bool(valid), "diagnostics": .array(diagnostics.map(\.json)),
        ]
        if let document { object["document"] = document }
        return .object(object)
    }
}
