import Apply
import Diagnostics
import JSONText

/// `stackctl drift`: whether the host is still what was recorded.
enum DriftCommand {
    private static let all = OptionDeclaration.flag("all", nil, "Look at every stack applied on this host")

    static let declaration = CommandDeclaration(
        "drift", summary: "Say what on the host is not as recorded",
        discussion: """
            Answers 0 when nothing is, 2 when something is, 1 when it could not tell. Nothing is
            changed; `stackctl apply` repairs. Made for cron, with --all: see docs/operations.md.
            """,
        operands: [SelectedStack.operand],
        options: [all, SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        if invocation.arguments.isSet(all) { return try await runAll(invocation) }
        let stack = try await SelectedStack.name(invocation)
        let (answer, report) = try await look(at: stack, try await invocation.daemon())
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
        } else {
            show(report, invocation)
        }
        return report.entries.isEmpty ? .success : .changes
    }

    /// Looks at one stack after the other; one that cannot be looked at does not hide the others.
    private static func runAll(_ invocation: Invocation) async throws -> ExitCode {
        guard invocation.arguments.operands.isEmpty else {
            throw Diagnostic(
                code: "SC0125", summary: "`--all` looks at every stack, so it takes none by name",
                hint: "leave out `--all` or the stack")
        }
        let daemon = try await invocation.daemon()
        var survey = DriftSurvey()
        for name in try await daemon.get("/stacks").arrayValue?.compactMap({ $0["name"]?.stringValue }) ?? [] {
            do {
                let (answer, report) = try await look(at: name, daemon)
                survey.add(report, answer)
            } catch let failure as StatusFailure where failure.status == 404 {
                // Destroyed since it was listed.
            } catch {
                survey.add(failed: name, Failure.diagnostics(error))
            }
        }
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: survey.json)
        } else {
            for (position, report) in survey.reports.enumerated() {
                if position > 0, !report.entries.isEmpty || !survey.reports[position - 1].entries.isEmpty {
                    invocation.output.print()
                }
                show(report, invocation)
            }
            if survey.isEmpty { invocation.output.print("No stacks are applied on this host.") }
            for (name, diagnostics) in survey.failures {
                invocation.output.writeError("\(TerminalText.line(name)) could not be looked at:\n")
                invocation.output.show(diagnostics)
            }
        }
        return survey.exitCode
    }

    private static func look(
        at stack: String, _ daemon: DaemonClient
    ) async throws -> (answer: JSONValue, report: DriftReport) {
        let answer = try await daemon.get(Target("stacks", stack, "drift").text)
        guard let report = DriftReport(json: answer) else {
            throw Diagnostic(
                code: "SC0124", summary: "the daemon's answer is not a drift report of this version",
                hint: "`stackctl version` compares this program with the daemon")
        }
        return (answer, report)
    }

    private static func show(_ report: DriftReport, _ invocation: Invocation) {
        invocation.output.print(DriftRendering(report, color: invocation.output.style.color).text())
    }
}

/// What came of looking at every stack.
struct DriftSurvey: Sendable {
    private(set) var reports: [DriftReport] = []
    private(set) var failures: [(stack: String, diagnostics: [Diagnostic])] = []
    private var answers: [JSONValue] = []

    var isEmpty: Bool { reports.isEmpty && failures.isEmpty }

    /// Takes a report and the daemon's answer that it was read from.
    mutating func add(_ report: DriftReport, _ answer: JSONValue) {
        reports.append(report)
        answers.append(answer)
    }

    /// Takes a stack that could not be looked at.
    mutating func add(failed stack: String, _ diagnostics: [Diagnostic]) {
        failures.append((stack, diagnostics))
    }

    /// 1 when a stack could not be looked at, else 2 when there is drift, else 0.
    var exitCode: ExitCode {
        if !failures.isEmpty { return .failure }
        return reports.allSatisfy { $0.entries.isEmpty } ? .success : .changes
    }

    /// Each stack's own report, and who has none.
    var json: JSONValue {
        [
            "version": 1, "stacks": .array(answers),
            "failures": .array(
                failures.map { name, diagnostics in
                    ["stack": .string(name), "diagnostics": DiagnosticList(diagnostics).json]
                }),
        ]
    }
}
