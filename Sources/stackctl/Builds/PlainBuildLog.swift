import Builder
import Diagnostics
import Linux

/// A build as lines of a log, in the form of BuildKit's plain progress.
///
/// Steps that go on at the same time are not mixed line by line: one is told until it is over, or until it has been
/// silent for a while and another has something to say; `#5 ...` then says that it is not over.
///
///     #5 [2/3] RUN make
///     #5 0.312 cc -c main.c
///     #5 DONE 0.4s
struct PlainBuildLog: Sendable {
    private struct Row: Sendable {
        var number = 0
        var name: String
        var begun: Int64?
        var output = StepOutput()
        /// Lines that wait until it is this step's turn.
        var held: [String] = []
        var isOver = false
        var isTold = false
        var lastLine: Int64 = 0
        var isDoneWith: Set<String> = []
    }

    private var rows: [Int: Row] = [:]
    private var order: [Int] = []
    private var current: Int?
    private var numbers = 0
    private var hasPrinted = false
    /// How long a step may be silent while others wait, in nanoseconds.
    private static let silence: Int64 = 2_000_000_000

    init() {}

    /// The lines that an event is worth.
    ///
    /// - Parameter now: of the monotonic clock, in nanoseconds.
    mutating func take(_ event: BuildEvent, at now: Int64) -> [String] {
        switch event {
        case .step(let step): return take(step, at: now)
        case .log(let id, _, let bytes):
            guard rows[id] != nil else { return [] }
            let lines = rows[id]?.output.take(bytes) ?? []
            return say(lines.map { stamp(id, now) + $0 }, of: id, at: now)
        case .progress(let progress): return take(progress, at: now)
        case .warning: return []
        }
    }

    /// The lines that time alone is worth: a step that is silent makes room for others.
    mutating func wait(until now: Int64) -> [String] {
        guard let id = current, let row = rows[id], now - row.lastLine > Self.silence else { return [] }
        guard let next = order.first(where: { $0 != id && rows[$0]?.held.isEmpty == false }) else { return [] }
        return leave(id) + enter(next, at: now)
    }

    /// What was held back, at the end of everything.
    mutating func finish(at now: Int64) -> [String] {
        var lines: [String] = []
        for id in order where rows[id]?.held.isEmpty == false {
            if let current, current != id { lines += leave(current) }
            lines += enter(id, at: now)
        }
        return lines
    }

    private mutating func take(_ step: BuildEvent.Step, at now: Int64) -> [String] {
        if rows[step.id] == nil {
            rows[step.id] = Row(name: step.name)
            order.append(step.id)
        }
        guard rows[step.id]?.isOver == false else { return [] }
        rows[step.id]?.name = step.name
        var last: String
        switch step.phase {
        case .waiting: return []
        case .started:
            if rows[step.id]?.begun == nil { rows[step.id]?.begun = now }
            return say([], of: step.id, at: now)
        case .cached: last = "CACHED"
        case .done:
            last = "DONE \(HumanText.fixed(Double(now - (rows[step.id]?.begun ?? now)) / 1e9, 1))s"
        case .failed(let reason): last = "ERROR: \(TerminalText.line(reason))"
        case .cancelled: last = "CANCELED"
        }
        let rest = rows[step.id]?.output.finish() ?? []
        rows[step.id]?.isOver = true
        return say(rest.map { stamp(step.id, now) + $0 } + [last], of: step.id, at: now)
    }

    private mutating func take(_ progress: BuildEvent.Progress, at now: Int64) -> [String] {
        let isNews = rows[progress.step]?.isDoneWith.contains(progress.name) == false
        guard progress.isDone, isNews else { return [] }
        rows[progress.step]?.isDoneWith.insert(progress.name)
        let size = progress.current > 0 ? ": \(HumanText.size(progress.current))" : ""
        return say(["\(TerminalText.line(progress.name))\(size) done"], of: progress.step, at: now)
    }

    private func stamp(_ id: Int, _ now: Int64) -> String {
        HumanText.fixed(Double(now - (rows[id]?.begun ?? now)) / 1e9, 3) + " "
    }

    /// Says lines of a step, now or when it is its turn.
    private mutating func say(_ lines: [String], of id: Int, at now: Int64) -> [String] {
        rows[id]?.held += lines
        rows[id]?.lastLine = now
        if current == nil || current == id {
            var said = enter(id, at: now)
            // Those that waited come when this one is over.
            while current == nil, let next = order.first(where: { rows[$0]?.held.isEmpty == false }) {
                said += enter(next, at: now)
            }
            return said
        }
        return wait(until: now)
    }

    private mutating func leave(_ id: Int) -> [String] {
        current = nil
        return ["#\(rows[id]?.number ?? 0) ..."]
    }

    private mutating func enter(_ id: Int, at now: Int64) -> [String] {
        guard var row = rows[id] else { return [] }
        var lines: [String] = []
        if current != id {
            if row.number == 0 {
                numbers += 1
                row.number = numbers
            }
            if hasPrinted { lines.append("") }
            lines.append("#\(row.number) \(TerminalText.line(row.name))")
            hasPrinted = true
        }
        lines += row.held.map { "#\(row.number) \($0)" }
        row.held = []
        rows[id] = row
        current = row.isOver ? nil : id
        return lines
    }
}
