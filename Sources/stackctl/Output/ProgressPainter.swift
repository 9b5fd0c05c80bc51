import Diagnostics

/// Turns the state of an apply into lines of text.
///
/// What a container or a package manager wrote may hold control characters; none reaches the terminal.
struct ProgressPainter: Sendable {
    /// Whether colours are wanted.
    var color: Bool
    /// Columns.
    var width: Int

    /// A painter for what a stream can show.
    init(style: Output.Style) {
        color = style.color
        width = style.width
    }

    static let hideCursor = "\u{1B}[?25l"
    static let showCursor = "\u{1B}[?25h"

    /// Most rows that are redrawn; the others are counted.
    private static let liveRows = 12
    private static let spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

    /// What moves the cursor back over `lines` painted ones and clears them.
    func erase(_ lines: Int) -> String { lines > 0 ? "\u{1B}[\(lines)A\u{1B}[J" : "" }

    /// One line for a log file.
    func plain(_ line: ProgressBoard.Line) -> String {
        let row = line.row
        let took = line.elapsed > 0 ? " [\(HumanText.elapsed(nanoseconds: line.elapsed))]" : ""
        switch row.outcome {
        case .running:
            if row.message.isEmpty { return "\(row.address): \(row.operation)" }
            return "\(row.address): \(TerminalText.line(row.message))\(took)"
        case .done: return "\(row.address): \(ProgressPainter.past(row.operation))\(took)"
        case .failed:
            let reason = TerminalText.line(row.reason ?? "no reason given")
            return "\(row.address): failed to \(row.operation): \(reason)\(took)"
        case .skipped: return "\(row.address): skipped\(row.reason.map { ": " + TerminalText.line($0) } ?? "")"
        }
    }

    /// A finished step as it stays on a terminal.
    func settled(_ line: ProgressBoard.Line) -> String {
        let row = line.row
        let took = HumanText.elapsed(nanoseconds: line.elapsed)
        switch row.outcome {
        case .running: return ""
        case .done:
            return fitted(paint("✓", "32"), " \(row.address)  \(ProgressPainter.past(row.operation))", took)
        case .failed:
            return fitted(paint("✗", "1;31"), " \(row.address)  \(TerminalText.line(row.reason ?? "failed"))", took)
        case .skipped:
            return fitted(paint("-", "33"), " \(row.address)  skipped: \(TerminalText.line(row.reason ?? ""))", "")
        }
    }

    /// The rows that are going on.
    func live(_ board: ProgressBoard, at now: Int64) -> [String] {
        let running = board.running
        guard !running.isEmpty else { return [] }
        let frame = ProgressPainter.spinner[Int((now / 100_000_000) % Int64(ProgressPainter.spinner.count))]
        var lines = running.prefix(ProgressPainter.liveRows).map { row in
            var text = " \(row.address)  \(row.message.isEmpty ? row.operation : TerminalText.line(row.message))"
            if let fraction = row.fraction { text += "  \(Int(fraction * 100))%" }
            return fitted(paint(frame, "36"), text, HumanText.elapsed(nanoseconds: row.elapsed(at: now)))
        }
        if running.count > ProgressPainter.liveRows {
            lines.append("  … and \(running.count - ProgressPainter.liveRows) more")
        }
        if let total = board.total, total > 1 { lines.append(paint("  \(board.finished) of \(total) done", "2")) }
        return lines
    }

    /// `create` → `created`.
    static func past(_ operation: String) -> String {
        switch operation {
        case "release": "has let go"
        case "fetch": "fetched"
        case "create": "created"
        case "update": "updated"
        case "restart": "restarted"
        case "start": "started"
        case "stop": "stopped"
        case "kill": "killed"
        case "pause": "paused"
        case "unpause": "unpaused"
        case "remove": "removed"
        case "build": "built"
        case "recreate", "replace": "recreated"
        case "repair": "repaired"
        case "delete": "deleted"
        case "wait": "ready"
        case "pull": "pulled"
        case "push": "pushed"
        case "mount": "mounted"
        case "keep": "there already"
        default: operation.isEmpty ? "done" : "\(operation): done"
        }
    }

    /// A mark, a text cut to the width, and the time at the right edge.
    private func fitted(_ mark: String, _ text: String, _ time: String) -> String {
        let room = max(10, width - 2 - time.count - 1)
        var body = text
        if TerminalText.columns(body) > room { body = TerminalText.prefix(body, columns: room - 1) + "…" }
        guard !time.isEmpty else { return mark + body }
        let gap = String(repeating: " ", count: max(1, width - 2 - TerminalText.columns(body) - time.count))
        return mark + body + gap + paint(time, "2")
    }

    private func paint(_ text: String, _ code: String) -> String {
        color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
