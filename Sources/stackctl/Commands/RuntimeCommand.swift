import Diagnostics
import JSONText

/// `stackctl runtime …`: what the runtime does, step by step.
enum RuntimeCommand {
    static let declaration = CommandDeclaration(
        "runtime", summary: "Look into the runtime",
        subcommands: [
            CommandDeclaration(
                "explain", summary: "Show every step of a container's start",
                discussion: """
                    A start is data: a list of primitive operations that stack-init carries out before
                    it executes the container's process. This prints the list.
                    """,
                operands: [SharedOptions.container], options: [SharedOptions.json], action: explain)
        ])

    private static func explain(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        let answer = try await invocation.daemon().get(Target("containers", name, "launch").text)
        let steps = (answer["Steps"]?.arrayValue ?? []).compactMap(\.stringValue)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: .array(steps.map { .string($0) }))
            return .success
        }
        let width = String(steps.count).count
        for (index, step) in steps.enumerated() {
            let number = String(index + 1)
            invocation.output.print(
                String(repeating: " ", count: width - number.count) + "\(number)  \(TerminalText.line(step))")
        }
        return .success
    }
}
