import Builder
import Diagnostics
import Linux

/// A build as rows of a terminal's window, redrawn as it goes on.
///
///     [+] Building 1.2s (3/5)
///      => [internal] load build context                         0.0s
///      => CACHED [2/4] RUN apk add make                         0.0s
///      => [3/4] RUN make                                        1.1s
///      => => # cc -c main.c
struct LiveBuildBoard: Sendable {
    private enum State: Sendable { case waiting, running, cached, done, failed, cancelled }

    private struct Row: Sendable {
        var name: String
        var state = State.waiting
        var begun: Int64?
        var ended: Int64?
        var output = StepOutput()
        var tail: [String] = []
        var parts: [String] = []
        var progress: [String: BuildEvent.Progress] = [:]
    }

    private var rows: [Int: Row] = [:]
    private var order: [Int] = []
    private let begun: Int64
    private let color: Bool
    /// Lines of output that are shown of a step.
    private static let tail = 6

    /// - Parameter now: of the monotonic clock, in nanoseconds.
    init(at now: Int64, color: Bool) {
        begun = now
        self.color = color
    }

    /// Takes an event.
    mutating func take(_ event: BuildEvent, at now: Int64) {
        switch event {
        case .step(let step): take(step, at: now)
        case .log(let id, _, let bytes):
            guard var row = rows[id] else { return }
            row.tail = (row.tail + row.output.take(bytes)).suffix(Self.tail)
            rows[id] = row
        case .progress(let progress):
            guard var row = rows[progress.step] else { return }
            if row.progress[progress.name] == nil { row.parts.append(progress.name) }
            row.progress[progress.name] = progress
            rows[progress.step] = row
        case .warning: break
        }
    }

    private mutating func take(_ step: BuildEvent.Step, at now: Int64) {
        var row = rows[step.id] ?? Row(name: step.name)
        if rows[step.id] == nil { order.append(step.id) }
        row.name = step.name
        switch step.phase {
        case .waiting: break
        case .started:
            row.state = .running
            row.begun = row.begun ?? now
        case .cached: row.state = .cached
        case .done: if row.state != .cached { row.state = .done }
        case .failed: row.state = .failed
        case .cancelled: row.state = .cancelled
        }
        if row.state != .waiting, row.state != .running { row.ended = row.ended ?? now }
        rows[step.id] = row
    }

    /// The rows as they are now.
    ///
    /// - Parameters:
    ///   - height: rows of the window; nil for all there are, once it is over.
    func render(width: Int, height: Int?, at now: Int64) -> [String] {
        let known = order.compactMap { rows[$0] }
        let over = known.filter { $0.ended != nil }.count
        let shown = known.filter { $0.state != .waiting }
        let isOver = height == nil
        let time = HumanText.elapsed(nanoseconds: now - begun)
        let verdict = isOver && over == known.count && !known.contains { $0.state == .failed } ? " FINISHED" : ""
        let head = "[+] Building \(time) (\(over)/\(known.count))\(verdict)"
        var blocks = shown.map { block($0, width: width, isOver: isOver, at: now) }
        if let height {
            // What is over leaves first, the oldest of it before the others; then the details of what goes on.
            let room = max(3, height - 2)
            while blocks.reduce(0, { $0 + $1.count }) > room,
                let index = blocks.indices.first(where: { shown[$0].ended != nil && !blocks[$0].isEmpty })
            {
                blocks[index] = []
            }
            while blocks.reduce(0, { $0 + $1.count }) > room,
                let index = blocks.indices.max(by: { blocks[$0].count < blocks[$1].count }), blocks[index].count > 1
            {
                blocks[index].removeLast()
            }
            return [paint(head, "1")] + blocks.joined().prefix(room)
        }
        return [paint(head, "1")] + blocks.joined()
    }

    private func block(_ row: Row, width: Int, isOver: Bool, at now: Int64) -> [String] {
        let seconds = Double((row.ended ?? now) - (row.begun ?? row.ended ?? now)) / 1e9
        let time = "\(HumanText.fixed(seconds, 1))s"
        let (mark, code): (String, String?) =
            switch row.state {
            case .cached: ("CACHED ", "34")
            case .failed: ("ERROR ", "31")
            case .cancelled: ("CANCELED ", "33")
            case .done: ("", "34")
            case .running, .waiting: ("", nil)
            }
        var lines = [fitted(" => \(mark)\(TerminalText.line(row.name))", time, width, code)]
        guard row.state == (isOver ? .failed : .running) else { return lines }
        for name in row.parts.suffix(Self.tail) {
            guard let part = row.progress[name], !part.isDone else { continue }
            lines.append(fitted(" => => \(TerminalText.line(shortened(name)))", amount(part), width, nil))
        }
        lines += row.tail.map { fitted(" => => # \($0)", "", width, "2") }
        return lines
    }

    /// `sha256:9f86d081884c` of a whole digest.
    private func shortened(_ name: String) -> String {
        name.hasPrefix("sha256:") ? String(name.prefix("sha256:".count + 12)) : name
    }

    private func amount(_ part: BuildEvent.Progress) -> String {
        let current = HumanText.size(part.current)
        return part.total > 0 ? "\(current) / \(HumanText.size(part.total))" : current
    }

    private func fitted(_ text: String, _ right: String, _ width: Int, _ code: String?) -> String {
        let room = max(10, width - 1 - (right.isEmpty ? 0 : right.count + 1))
        let body = HumanText.ellipsis(text, room)
        let gap = String(repeating: " ", count: max(1, room - TerminalText.columns(body) + 1))
        return paint(right.isEmpty ? body : body + gap + right, code)
    }

    private func paint(_ text: String, _ code: String?) -> String {
        guard color, let code else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}
