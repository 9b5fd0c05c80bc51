import JSONText
import Linux

/// Shows the steps of an apply as they go: rows that redraw themselves on a terminal, one line an event elsewhere.
///
/// What is finished scrolls up and stays; only what is going on is redrawn, at most ten times a second.
actor ProgressDisplay {
    private let output: Output
    private var painter: ProgressPainter
    private var board = ProgressBoard()
    private var paintedLines = 0
    private var isLive: Bool { output.style.isTerminal }

    /// A display on the standard output of `output`.
    init(output: Output) {
        self.output = output
        painter = ProgressPainter(style: output.style)
    }

    /// Takes one event of the apply stream.
    func take(_ event: JSONValue, at now: Int64 = Clock.monotonic()) {
        let lines = board.take(event, at: now)
        guard isLive else {
            for line in lines { output.print(painter.plain(line)) }
            return
        }
        let settled = lines.filter(\.isSettled)
        if !settled.isEmpty { paint(above: settled, at: now) }
    }

    /// Prints a line that stays.
    func say(_ line: String) {
        guard isLive else { return output.print(line) }
        output.write(painter.erase(paintedLines) + line + "\n")
        paintedLines = 0
    }

    /// What an interrupt has to do.
    nonisolated var restoringCursor: @Sendable () -> Void {
        let output = output
        return { if output.style.isTerminal { output.write(ProgressPainter.showCursor) } }
    }

    /// Redraws the live rows until the task is cancelled.
    func keepPainting() async {
        guard isLive else { return }
        while !Task.isCancelled {
            paint(above: [], at: Clock.monotonic())
            do { try await EventLoop.shared.sleep(for: .milliseconds(100)) } catch { return }
        }
    }

    /// Takes the live rows away and shows the cursor again.
    func finish() {
        guard isLive else { return }
        output.write(painter.erase(paintedLines) + ProgressPainter.showCursor)
        paintedLines = 0
    }

    private func paint(above settled: [ProgressBoard.Line], at now: Int64) {
        painter.width = output.currentWidth()
        let rows = painter.live(board, at: now)
        var text = ProgressPainter.hideCursor + painter.erase(paintedLines)
        for line in settled.map(painter.settled) + rows { text += line + "\n" }
        paintedLines = rows.count
        output.write(text)
    }
}

/// The state of every step, and what each event means for it.
struct ProgressBoard: Sendable, Equatable {
    /// One step.
    struct Row: Sendable, Equatable {
        var address: String
        var operation: String
        var message = ""
        var fraction: Double?
        var startedAt: Int64
        var finishedAt: Int64?
        var outcome = Outcome.running
        var reason: String?

        /// Nanoseconds since it began.
        func elapsed(at now: Int64) -> Int64 { (finishedAt ?? now) - startedAt }
    }

    /// How a step stands.
    enum Outcome: Sendable, Equatable {
        case running
        case done
        case failed
        case skipped
    }

    /// A line that an event is worth.
    struct Line: Sendable, Equatable {
        let row: Row
        let elapsed: Int64
        /// Whether the step is over.
        var isSettled: Bool { row.outcome != .running }
    }

    /// Steps by address, in the order they began.
    private(set) var rows: [Row] = []
    private var indices: [String: Int] = [:]
    /// Steps in all, once known.
    private(set) var total: Int?
    /// Steps that are over.
    private(set) var finished = 0

    /// Applies an event.
    ///
    /// - Returns: what a plain log prints for it.
    mutating func take(_ event: JSONValue, at now: Int64) -> [Line] {
        let type = event["type"]?.stringValue ?? ""
        if type == "started", let steps = event["steps"]?.intValue { total = Int(clamping: steps) }
        guard let address = event["address"]?.stringValue else { return [] }
        switch type {
        case "step_started":
            let index = open(address, event, at: now)
            return [Line(row: rows[index], elapsed: 0)]
        case "step_progress":
            let index = open(address, event, at: now)
            let message = event["message"]?.stringValue ?? ""
            let isNews = message != rows[index].message
            rows[index].message = message
            rows[index].fraction = ProgressBoard.fraction(event)
            return isNews ? [Line(row: rows[index], elapsed: rows[index].elapsed(at: now))] : []
        case "step_done": return [close(address, event, .done, at: now)]
        case "step_failed": return [close(address, event, .failed, at: now)]
        case "step_skipped": return [close(address, event, .skipped, at: now)]
        default: return []
        }
    }

    /// Those that are going on, in the order they began.
    var running: [Row] { rows.filter { $0.outcome == .running } }

    private mutating func open(_ address: String, _ event: JSONValue, at now: Int64) -> Int {
        if let index = indices[address], rows[index].outcome == .running { return index }
        let operation = event["operation"]?.stringValue ?? ""
        rows.append(Row(address: address, operation: operation, startedAt: now))
        indices[address] = rows.count - 1
        return rows.count - 1
    }

    private mutating func close(_ address: String, _ event: JSONValue, _ outcome: Outcome, at now: Int64) -> Line {
        let index = open(address, event, at: now)
        rows[index].outcome = outcome
        rows[index].finishedAt = now
        rows[index].reason =
            event["diagnostic"]?["summary"]?.stringValue ?? event["reason"]?.stringValue
        finished += 1
        return Line(row: rows[index], elapsed: rows[index].elapsed(at: now))
    }

    private static func fraction(_ event: JSONValue) -> Double? {
        guard let current = event["current"]?.doubleValue, let total = event["total"]?.doubleValue, total > 0 else {
            return nil
        }
        return min(1, max(0, current / total))
    }
}
