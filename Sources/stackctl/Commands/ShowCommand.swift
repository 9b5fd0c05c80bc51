import JSONText

/// `stackctl show`: a stack as it was last applied.
enum ShowCommand {
    static let declaration = CommandDeclaration(
        "show", summary: "Show the resources and outputs of a stack as recorded",
        operands: [SelectedStack.operand],
        options: [SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let stack = try await SelectedStack.name(invocation)
        let shown = try await invocation.daemon().get(Target("stacks", stack).text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: shown)
        } else {
            ShownStackText.show(shown, on: invocation.output)
        }
        return .success
    }
}
