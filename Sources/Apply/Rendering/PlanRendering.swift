import Diagnostics
import JSONText
import StackModel

/// Writes a plan for the terminal.
///
/// A pure function of the plan: the client runs it on the JSON it got.
package struct PlanRendering: Sendable {
    private let plan: Plan
    private let style: Style

    package init(_ plan: Plan, color: Bool) {
        self.plan = plan
        style = Style(isColored: color)
    }

    /// The whole text, without a newline at the end.
    package func text() -> String {
        let changes = plan.changes.filter { $0.action != .noChange }
        if changes.isEmpty { return (warnings + [noChanges]).joined(separator: "\n") }
        var lines = warnings
        let generation = plan.generation == 0 ? "not applied yet" : "generation \(plan.generation)"
        lines.append("Stack \(TerminalText.line(plan.stack)), \(generation)")
        lines.append("")
        for group in Self.groups {
            let members = changes.filter { group.contains($0.action) }
            for change in members { lines += self.lines(of: change) + [""] }
        }
        return (lines + ending(changes)).joined(separator: "\n")
    }

    /// One kind of change after the other: additions first, what costs most last, nearest to the prompt.
    private static let groups: [Set<ChangeAction>] = [
        [.create], [.update], [.repair], [.restart], [.recreate], [.delete],
    ]

    private var noChanges: String {
        plan.goal == .destroy
            ? "Nothing to destroy. (planned in \(milliseconds))"
            : "No changes. The host matches the stack. (planned in \(milliseconds))"
    }

    private var warnings: [String] {
        let renderer = DiagnosticRenderer(color: style.isColored, width: 100)
        return plan.diagnostics.flatMap { [renderer.render($0), ""] }
    }

    private var milliseconds: String {
        plan.milliseconds < 10
            ? "\(Double(Int(plan.milliseconds * 10)) / 10) ms" : "\(Int(plan.milliseconds)) ms"
    }

    // MARK: One change

    private func lines(of change: Change) -> [String] {
        var head = "  " + symbol(change) + " " + style(.bold, TerminalText.line(change.address.description))
        head += "  " + style(.dim, words(change))
        if let location = change.location { head += "  " + place(location) }
        var columns = Columns()
        var notes: [String] = []
        for reason in change.shownReasons {
            if let note = reason.note {
                notes.append("        " + sentence(note, reason))
            } else if !reason.path.isEmpty {
                columns.add(cells(of: reason, in: change))
            }
        }
        return [head] + notes + columns.lines(indent: "        ")
    }

    private func cells(of reason: ChangeReason, in change: Change) -> [String] {
        let name = TerminalText.line(reason.path)
        let (from, to) = AttributeText.pair(reason.from, reason.to, path: reason.path)
        var last = reason.location.map { place($0) } ?? ""
        if change.action == .create { return [name, to, last] }
        if reason.cause == .drift { last += "  " + style(.yellow, "(changed on the host)") }
        if change.reasons.count > 1, reason.changeClass == change.changeClass, reason.changeClass >= .restart {
            last += "  " + style(.red, "(forces \(reason.changeClass == .restart ? "the restart" : "the recreation"))")
        }
        return [name, from + " → " + to, last]
    }

    private func sentence(_ note: String, _ reason: ChangeReason) -> String {
        if note == ComposeLabels.words { return note }
        let because = reason.cause == .drift ? style(.yellow, "on the host: ") : "because: "
        let said = reason.remark.map { "\(note): \($0)" } ?? note
        return because + TerminalText.line(said)
    }

    private func place(_ location: SourceLocation) -> String {
        style(.cyan, TerminalText.line("\(location.file):\(location.line)"))
    }

    private func symbol(_ change: Change) -> String {
        switch change.action {
        case .create: style(.green, "+")
        case .update: style(.yellow, "~")
        case .restart: style(.yellow, "!")
        case .repair: style(.yellow, "*")
        case .recreate: style(.red, "-/+")
        case .delete: style(.red, "-")
        case .noChange: " "
        }
    }

    private func words(_ change: Change) -> String {
        switch change.action {
        case .create: "create"
        case .update: "change live"
        case .restart: "restart"
        case .repair: change.changeClass == .restart ? "repair with a restart" : "repair"
        case .recreate:
            (change.losesData ? "recreate, LOSING ITS DATA" : "recreate")
                + (change.startsFirst ? ", replaced start-first" : "")
        case .delete: change.losesData ? "delete, LOSING ITS DATA" : "delete"
        case .noChange: ""
        }
    }

    // MARK: The end

    /// Who loses what comes first, the counts last.
    private func ending(_ changes: [Change]) -> [String] {
        var lines: [String] = []
        func name(_ title: String, _ color: Style.Color, _ members: [Change]) {
            guard !members.isEmpty else { return }
            let names = members.map { change in
                TerminalText.line(change.address.description)
                    + (change.location.map { " (\(TerminalText.line("\($0.file):\($0.line)")))" } ?? "")
            }
            lines.append(style(color, title) + " " + names.joined(separator: ", "))
        }
        name("DATA WILL BE LOST:", .red, changes.filter(\.losesData))
        name("To be deleted:", .red, changes.filter { $0.action == .delete && !$0.losesData })
        name("To be recreated:", .red, changes.filter { $0.action == .recreate && !$0.losesData })
        name("To be restarted:", .yellow, changes.filter { $0.changeClass == .restart })
        return lines + ["Plan: \(counts). (planned in \(milliseconds))"]
    }

    private var counts: String {
        let counts = plan.counts
        let words: [(ChangeAction, String)] = [
            (.create, "to create"), (.update, "live"), (.restart, "to restart"), (.repair, "to repair"),
            (.recreate, "to recreate"), (.delete, "to delete"), (.noChange, "unchanged"),
        ]
        return words.compactMap { action, word in
            guard let count = counts[action], count > 0 else { return nil }
            return "\(count) \(word)"
        }.joined(separator: ", ")
    }
}
