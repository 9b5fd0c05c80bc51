import Apply
import Diagnostics
import JSONText
import Linux
import StackModel

/// `stackctl destroy`: removes everything a stack made.
enum DestroyCommand {
    static let declaration = CommandDeclaration(
        "destroy", summary: "Remove everything a stack made",
        discussion: """
            Shows what would be removed and asks. Data in volumes is lost; a protected volume is
            refused until its `protect` is taken out of the manifest and applied. With --target
            the rest stays, and is still known as the stack.
            """,
        operands: [SelectedStack.operand],
        options: [
            SharedOptions.yes, SharedOptions.variable, SharedOptions.variableFile, PlanTargets.destroyed,
            SharedOptions.takeOver, SharedOptions.json,
        ], optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let (stack, origin) = try await SelectedStack.nameAndOrigin(invocation)
        let daemon = try await invocation.daemon()
        let target = Target("stacks", stack, "destroy").text
        var options = JSONObject()
        if let origin {
            options["origin"] = .string(origin)
            options["takeOver"] = .bool(invocation.arguments.isSet(SharedOptions.takeOver))
        }
        let targets = PlanTargets(invocation)
        options["scope"] = try targets.scope().json
        let plan = try Plan(json: try await daemon.plan(.destroy(stack: stack, options: .object(options))))
        try targets.check([], plan)
        if !invocation.arguments.isSet(SharedOptions.json) { invocation.output.show(plan) }
        options["expected"] = plan.json
        try await Approval.ask("Remove all this? There is no undo.", invocation)
        return try await ApplyStream.run(
            daemon, target, ["options": .object(options)], invocation: invocation, shown: plan)
    }
}
