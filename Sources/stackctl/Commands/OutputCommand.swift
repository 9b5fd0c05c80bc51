import Diagnostics
import JSONText

/// `stackctl output`: the outputs of a stack, for people and scripts.
enum OutputCommand {
    static let declaration = CommandDeclaration(
        "output", summary: "Print the outputs of a stack, or the value of one",
        discussion: """
            With a NAME its value alone is printed, also that of a sensitive one, which no other
            command shows. Where -f or -p names the stack, the first word is the NAME.
            """,
        operands: [
            OperandDeclaration(
                "STACK", .optional, "Folder with Stack.swift or compose.yaml, or a stack's name", completion: .path),
            OperandDeclaration("NAME", .optional, "Name of an output"),
        ],
        options: [SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let isNamed = SelectedStack.isNamedByOptions(invocation)
        if !isNamed, invocation.arguments.operands.isEmpty {
            throw Diagnostic(
                code: "SC0149", summary: "output needs a stack", hint: "for the one of this folder: stackctl output .")
        }
        let stack = try await SelectedStack.name(invocation, operand: isNamed ? nil : 0)
        let daemon = try await invocation.daemon()
        let isJSON = invocation.arguments.isSet(SharedOptions.json)
        guard let name = invocation.arguments.operand(isNamed ? 0 : 1) else {
            let outputs = try await daemon.get(Target("stacks", stack).text)["outputs"]?.arrayValue ?? []
            if isJSON {
                invocation.output.print(json: .array(outputs))
            } else {
                invocation.output.write(OutputsText.render(outputs))
            }
            return .success
        }
        let output = try await daemon.get(Target("stacks", stack, "outputs", name).text)
        let value = output["value"] ?? .null
        if isJSON {
            invocation.output.print(json: value)
        } else {
            let text = value.stringValue ?? value.serialized(.compact)
            // A program gets the value as it is; a terminal must not be steered by it.
            invocation.output.print(invocation.output.style.isTerminal ? TerminalText.lines(text) : text)
        }
        return .success
    }
}
