import Diagnostics
import JSONText

/// `stackctl stacks …`.
enum StacksCommand {
    static let declaration = CommandDeclaration(
        "stacks", summary: "Work with applied stacks",
        subcommands: [
            CommandDeclaration(
                "list", aliases: ["ls"], summary: "List the stacks on the host", options: [SharedOptions.json],
                action: list),
            CommandDeclaration(
                "history", summary: "Show what was applied to a stack, when, and by whom",
                discussion: "`stackctl rollback NAME --to GENERATION` applies one of them again.",
                operands: [OperandDeclaration("NAME", "Name of a stack", completion: .names(.stacks))],
                options: [SharedOptions.json],
                action: history),
        ])

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get("/stacks")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["NAME", "GENERATION", "LAST", "RESULT", "WHEN"])
        var damaged: [Diagnostic] = []
        for stack in answer.arrayValue ?? [] {
            let name = stack["name"]?.stringValue ?? ""
            table.append([name] + cells(stack["last"]))
            guard let damage = stack["damage"]?.stringValue else { continue }
            damaged.append(
                Diagnostic(
                    severity: .warning, code: "SC0126", summary: "what is recorded of stack \(name) cannot be read",
                    detail: damage, hint: "restore state.db from a backup: see docs/operations.md"))
        }
        invocation.output.write(table.render())
        invocation.output.show(damaged)
        return .success
    }

    private static func history(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        let answer = try await invocation.daemon().get(Target("stacks", name, "history").text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["GENERATION", "WHAT", "RESULT", "WHEN", "BY", "SUMMARY"])
        for run in answer.arrayValue ?? [] {
            let summary = run["summary"] ?? .null
            var row = cells(run)
            if let number = summary["rollback"]?.intValue { row[1] += " to \(number)" }
            row.append(run["uid"]?.intValue.map { $0 == 0 ? "root" : "user \($0)" } ?? "")
            row.append(ApplySummaryText.parts(summary).joined(separator: ", "))
            table.append(row)
        }
        invocation.output.write(table.render())
        return .success
    }

    private static func cells(_ run: JSONValue?) -> [String] {
        let time = run?["finished"]?.intValue ?? run?["started"]?.intValue
        return [
            run?["generation"]?.intValue.map { "\($0)" } ?? "", run?["operation"]?.stringValue ?? "",
            run?["outcome"]?.stringValue ?? "", time.map { HumanText.moment(nanoseconds: $0) } ?? "",
        ]
    }
}
