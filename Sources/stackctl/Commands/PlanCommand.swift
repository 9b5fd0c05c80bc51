import Apply
import Diagnostics
import JSONText
import Linux

/// `stackctl plan`: what an apply would change.
enum PlanCommand {
    private static let out = OptionDeclaration.value(
        "out", "o", .path("FILE"), "Save the plan for `stackctl apply FILE`")
    private static let detailed = OptionDeclaration.flag(
        "detailed-exitcode", nil, "Answer 0 for no changes, 2 for changes, 1 for an error")

    static let declaration = CommandDeclaration(
        "plan", summary: "Show what apply would change on the host",
        discussion: """
            Nothing is changed. The manifest, or a compose project, is compared with what was
            recorded at the last apply and with what the host has now; only what it sets is
            looked at.
            """,
        operands: [SharedOptions.stack],
        options: [
            SharedOptions.variable, SharedOptions.variableFile, out, detailed, PlanTargets.target, PlanTargets.replace,
            SharedOptions.upgrade, SharedOptions.takeOver, SharedOptions.json, SharedOptions.timings,
        ], optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let session = StackSession(invocation: invocation, source: try StackSource.chosen(by: invocation))
        let planned = try await session.plan { try await invocation.daemon() }
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: planned.plan.json)
        } else {
            invocation.output.show(planned.plan)
        }
        if let path = arguments.value(of: out) {
            try save(planned.saved, to: path)
            if !arguments.isSet(SharedOptions.json) {
                invocation.output.print("\nSaved. Apply exactly this with: stackctl apply \(path)")
            }
        }
        if arguments.isSet(SharedOptions.timings) { invocation.output.writeError(planned.timings.line + "\n") }
        return arguments.isSet(detailed) && !planned.plan.isEmpty ? .changes : .success
    }

    /// A plan may hold secrets given as inputs, so only its owner may read it.
    private static func save(_ plan: SavedPlan, to path: String) throws {
        do {
            try Files.writeAtomically(path, plan.json.serializedBytes(.pretty) + [0x0A], mode: 0o600)
        } catch {
            throw Diagnostic(code: "SC0170", summary: "the plan cannot be written to \(path)", detail: "\(error)")
        }
    }
}

extension Output {
    /// Shows a plan, its warnings included; the wording is Apply's.
    func show(_ plan: Plan) { print(PlanRendering(plan, color: style.color).text()) }
}
