import JSONText
import Testing

@testable import stackctl

@Suite("progress")
struct ProgressTests {
    private let second: Int64 = 1_000_000_000

    private func event(_ type: String, _ address: String, _ more: JSONObject = [:]) -> JSONValue {
        var object: JSONObject = ["type": .string(type), "address": .string(address)]
        for (key, value) in more { object[key] = value }
        return .object(object)
    }

    @Test("a step begins, says what it does, and ends")
    func life() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style())
        var lines: [String] = []
        func take(_ event: JSONValue, _ seconds: Int64) {
            lines += board.take(event, at: seconds * second).map { painter.plain($0) }
        }
        take(["type": "started", "steps": 2], 0)
        take(event("step_started", "image.web", ["operation": "create"]), 0)
        take(event("step_progress", "image.web", ["message": "unpacking", "current": 1, "total": 4]), 2)
        #expect(board.running.first?.fraction == 0.25)
        take(event("step_progress", "image.web", ["message": "unpacking", "current": 2, "total": 4]), 3)
        take(event("step_done", "image.web", ["operation": "create"]), 5)
        #expect(
            lines == ["image.web: create", "image.web: unpacking [2.0s]", "image.web: created [5.0s]"],
            "the same message is not said twice")
        #expect(board.total == 2)
        #expect(board.finished == 1)
        #expect(board.running.isEmpty)
    }

    @Test("a failed step says why, a skipped one because of what")
    func failures() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style())
        let failed = board.take(
            event("step_failed", "network.lan", ["operation": "create", "diagnostic": ["summary": "subnet taken"]]),
            at: 0)
        #expect(failed.map { painter.plain($0) } == ["network.lan: failed to create: subnet taken"])
        let skipped = board.take(
            event("step_skipped", "container.web", ["operation": "create", "reason": "network.lan failed"]), at: 0)
        #expect(skipped.map { painter.plain($0) } == ["container.web: skipped: network.lan failed"])
    }

    @Test("a resource's second step has its own row")
    func twoSteps() {
        var board = ProgressBoard()
        for type in ["step_started", "step_done"] {
            _ = board.take(event(type, "container.web", ["operation": "create"]), at: 0)
        }
        _ = board.take(event("step_started", "container.web", ["operation": "wait"]), at: 0)
        #expect(board.rows.map(\.operation) == ["create", "wait"])
        #expect(board.running.count == 1)
    }

    @Test("no row is wider than the terminal, however long the message")
    func width() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style(isTerminal: true, color: false, width: 40))
        _ = board.take(
            event("step_started", "container.a-very-long-name-of-a-container", ["operation": "create"]), at: 0)
        _ = board.take(
            event(
                "step_progress", "container.a-very-long-name-of-a-container",
                ["message": .string(String(repeating: "x", count: 200))]),
            at: 0)
        for line in painter.live(board, at: second) { #expect(line.count <= 40, "\(line)") }
    }

    @Test("many rows are cut, the rest counted")
    func manyRows() {
        var board = ProgressBoard()
        for index in 0..<50 {
            _ = board.take(event("step_started", "volume.v\(index)", ["operation": "create"]), at: 0)
        }
        let lines = ProgressPainter(style: Output.Style(isTerminal: true, color: false, width: 80)).live(board, at: 0)
        #expect(lines.count == 13)
        #expect(lines.last == "  … and 38 more")
    }

    @Test("control characters of a message never reach the terminal")
    func controlCharacters() {
        var board = ProgressBoard()
        let painter = ProgressPainter(style: Output.Style())
        _ = board.take(event("step_started", "image.x", ["operation": "create"]), at: 0)
        let lines = board.take(event("step_progress", "image.x", ["message": "a\u{1B}[2Jb\nc"]), at: 0)
        #expect(lines.map { painter.plain($0) } == ["image.x: a\u{FFFD}[2Jb\\nc"])
    }

    @Test("events of kinds to come are passed over")
    func unknownEvents() {
        var board = ProgressBoard()
        #expect(board.take(["type": "novelty", "address": "image.x"], at: 0).isEmpty)
        #expect(board.take(["no": "type"], at: 0).isEmpty)
        #expect(board.take(.null, at: 0).isEmpty)
    }

    @Test("the summary of what went wrong names what failed and says how to go on")
    func failedSummary() {
        let summary: JSONValue = [
            "done": ["create": 1], "failed": ["container.db"], "skipped": ["container.web", "container.job"],
            "milliseconds": 1500,
        ]
        #expect(
            ApplySummaryText.render(summary, color: false) == """

                Not everything was done: 1 created, 1 failed, 2 skipped in 1.5s.
                Failed: container.db
                Not tried: container.web, container.job
                What was done is recorded. Once the cause is gone, the same command goes on from there.

                """)
    }

    @Test("the summary counts by what was done and lists the outputs")
    func summary() {
        let summary: JSONValue = [
            "done": ["create": 2, "repair": 1], "failed": [], "skipped": [], "unchanged": 3, "milliseconds": 1500,
            "outputs": [["name": "url", "value": "http://x/"], ["name": "key", "value": "s", "sensitive": true]],
        ]
        let text = ApplySummaryText.render(summary, color: false)
        #expect(
            text == """

                Done: 2 created, 1 repaired, 3 unchanged in 1.5s.

                Outputs:
                  url = http://x/
                  key = (sensitive)

                """)
    }
}
