import Apply
import Diagnostics
import JSONText
import Linux
import StackModel

/// `stackctl rollback`: makes the host what an earlier generation said.
enum RollbackCommand {
    private static let to = OptionDeclaration.value(
        "to", nil, .integer("GENERATION"), "The generation to go back to (default: the last that succeeded before)")

    static let declaration = CommandDeclaration(
        "rollback", summary: "Apply an earlier generation of a stack again",
        discussion: """
            Shows the plan and asks, as apply does, and makes a new generation of what an earlier
            one declared, with the images its containers had then where the store still has them.
            Data in volumes stays as it is. `stackctl stacks history NAME` lists the generations;
            the next apply of the manifest or the compose file goes forward again.
            """,
        operands: [SelectedStack.operand],
        options: [to, SharedOptions.yes, SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let stack = try await SelectedStack.name(invocation)
        let daemon = try await invocation.daemon()
        let number = arguments.value(of: to) ?? "previous"
        let earlier = try EarlierGeneration(try await daemon.get(Target("stacks", stack, "history", number).text))
        let isJSON = arguments.isSet(SharedOptions.json)
        if !isJSON {
            invocation.output.print(
                "Back to generation \(earlier.number), applied \(HumanText.moment(nanoseconds: earlier.applied))\n")
        }
        invocation.output.show(earlier.notes)
        let plan = try Plan(json: try await daemon.post("/stacks/plan", ["document": earlier.document.json]))
        let saved = SavedPlan(plan: plan, document: earlier.document)
        if !isJSON { invocation.output.show(plan) }
        if !plan.isEmpty { try await Approval.ask("Apply these changes?", invocation) }
        return try await ApplyStream.run(
            daemon, "/stacks/apply",
            ["plan": saved.json, "options": ["rollback": .int(earlier.number)]],
            headers: await CallerCredentials.headers(for: saved, invocation.output), invocation: invocation,
            shown: plan)
    }
}
