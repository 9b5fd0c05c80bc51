import Apply
import Diagnostics
import JSONText

/// `stackctl drift`: whether the host is still what was recorded.
enum DriftCommand {
    static let declaration = CommandDeclaration(
        "drift", summary: "Say what on the host is not as recorded",
        discussion: """
            Answers 0 when nothing is, 2 when something is, 1 when it could not tell. Nothing is
            changed; `stackctl apply` repairs. Made for cron: see docs/operations.md.
            """,
        operands: [SelectedStack.operand],
        options: [SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let stack = try await SelectedStack.name(invocation)
        let answer = try await invocation.daemon().get(Target("stacks", stack, "drift").text)
        guard let report = DriftReport(json: answer) else {
            throw Diagnostic(
                code: "SC0124", summary: "the daemon's answer is not a drift report of this version",
                hint: "`stackctl version` compares this program with the daemon")
        }
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
        } else {
            invocation.output.print(DriftRendering(report, color: invocation.output.style.color).text())
        }
        return report.entries.isEmpty ? .success : .changes
    }
}
