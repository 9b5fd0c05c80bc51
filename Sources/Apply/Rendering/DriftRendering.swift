import Diagnostics
import StackModel

/// Writes a drift report for the terminal.
///
/// Pure.
package struct DriftRendering: Sendable {
    private let report: DriftReport
    private let style: Style

    package init(_ report: DriftReport, color: Bool) {
        self.report = report
        style = Style(isColored: color)
    }

    /// The whole text, without a newline at the end.
    package func text() -> String {
        let stack = TerminalText.line(report.stack)
        guard !report.entries.isEmpty else {
            return "No drift. \(objects(report.checked)) of stack \(stack) as they were set."
        }
        var lines = ["Stack \(stack), generation \(report.generation)", ""]
        var current: ResourceAddress?
        var columns = Columns()
        for entry in report.entries {
            if entry.address != current {
                lines += columns.lines(indent: "      ")
                if current != nil { lines.append("") }
                columns = Columns()
                current = entry.address
                lines.append("  " + style(.bold, TerminalText.line(entry.address.description)))
            }
            if entry.kind == .attribute {
                columns.add(cells(of: entry))
            } else {
                let text = TerminalText.line(entry.text ?? entry.kind.rawValue)
                lines.append("      " + style(.yellow, text) + "  " + place(entry))
            }
        }
        lines += columns.lines(indent: "      ")
        let drifted = Set(report.entries.map(\.address)).count
        lines.append("")
        lines.append(
            "Drift: \(drifted) of \(objects(report.checked)), \(things(report.entries.count)). "
                + "Put it right with: stackctl apply" + (report.origin.map { " " + TerminalText.line($0) } ?? ""))
        return lines.joined(separator: "\n")
    }

    private func cells(of entry: DriftReport.Entry) -> [String] {
        let (set, found) = AttributeText.pair(entry.set, entry.found, path: entry.path)
        return [TerminalText.line(entry.path), "set: \(set)", "found: " + style(.yellow, found), place(entry)]
    }

    private func place(_ entry: DriftReport.Entry) -> String {
        entry.location.map { style(.cyan, TerminalText.line("\($0.file):\($0.line)")) } ?? ""
    }

    private func objects(_ count: Int) -> String { count == 1 ? "1 object" : "\(count) objects" }

    private func things(_ count: Int) -> String { count == 1 ? "1 difference" : "\(count) differences" }
}
