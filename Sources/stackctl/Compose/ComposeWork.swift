import Diagnostics
import JSONText
import Linux
import Synchronization

/// What a verb does something to, under the name that it is shown by.
protocol ComposeItem: Sendable {
    var name: String { get }
    /// The service it belongs to.
    var service: String { get }
}

extension ComposeContainer: ComposeItem {}

/// Does one thing to many containers or services, each shown as a step.
struct ComposeWork: Sendable {
    let session: ComposeSession
    let order: ComposeOrder
    /// What is done: `stop`.
    let operation: String
    var direction = ComposeOrder.Direction.none
    /// Whether a failure is a warning (`--ignore-pull-failures`).
    var forgivesFailures = false

    /// Does it; goes on after a failure, which is told at the end.
    ///
    /// Under `--dry-run` it only tells.
    ///
    /// - Returns: failure where one of them failed.
    func run<Item: ComposeItem>(
        _ items: [Item], _ body: @escaping @Sendable (Item, ComposeStep) async throws -> Void
    ) async throws -> ExitCode {
        guard !session.isDryRun else {
            for item in items { session.output.print(TerminalText.line("Would \(operation) \(item.name)")) }
            return .success
        }
        let display = ProgressDisplay(output: session.progress)
        let problems = Mutex<[Diagnostic]>([])
        let operation = operation
        await display.while {
            await order.each(of: items, direction, limit: session.limit, service: { $0.service }) { item in
                let step = ComposeStep(display: display, name: item.name, operation: operation)
                await step.begin()
                do {
                    try await body(item, step)
                    await step.end()
                } catch where Task.isCancelled {
                    // Whoever interrupted it need not be told that it failed.
                    await step.fail("interrupted")
                } catch {
                    let found = Failure.diagnostics(error)
                    problems.withLock { $0 += found }
                    await step.fail(found)
                }
            }
        }
        try Task.checkCancellation()
        var found = problems.withLock { $0 }
        if forgivesFailures {
            for index in found.indices { found[index].severity = .warning }
        }
        session.output.show(found)
        return found.isEmpty || forgivesFailures ? .success : .failure
    }
}

/// One row of what goes on.
struct ComposeStep: Sendable {
    let display: ProgressDisplay
    let name: String
    let operation: String

    func begin() async { await take("step_started") }

    /// Says how far it is.
    func say(_ message: String) async { await take("step_progress", ["message": .string(message)]) }

    func end() async { await take("step_done") }

    func fail(_ problems: [Diagnostic]) async { await fail(problems.first?.summary ?? "failed") }

    func fail(_ reason: String) async { await take("step_failed", ["reason": .string(reason)]) }

    private func take(_ type: String, _ more: JSONObject = [:]) async {
        var event: JSONObject = [
            "type": .string(type), "address": .string(TerminalText.line(name)), "operation": .string(operation),
        ]
        for (key, value) in more { event[key] = value }
        await display.take(.object(event))
    }
}

extension ProgressDisplay {
    /// Keeps the rows painted while something goes on.
    nonisolated func `while`<Answer: Sendable>(_ body: @Sendable () async throws -> Answer) async rethrows -> Answer {
        let restore = restoringCursor
        return try await Interruption.shared.guarding(cleanUp: restore) {
            let painter = Task { await keepPainting() }
            do {
                let answer = try await body()
                await end(painter)
                return answer
            } catch {
                await end(painter)
                throw error
            }
        }
    }

    private func end(_ painter: Task<Void, Never>) async {
        painter.cancel()
        await painter.value
        finish()
    }
}
