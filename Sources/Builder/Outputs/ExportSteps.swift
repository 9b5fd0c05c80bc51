import Diagnostics
import Linux
import Synchronization

/// Tells of the steps that come after those of the Dockerfile.
final class ExportSteps: Sendable {
    private let next: Mutex<Int>
    private let events: BuildEventSink

    /// One that is under way.
    struct Step: Sendable {
        let number: Int
        let name: String
        fileprivate let events: BuildEventSink

        /// Tells how far a part is.
        func report(_ name: String, _ current: Int64 = 0, of total: Int64 = 0, isDone: Bool = false) {
            events(
                .progress(
                    BuildEvent.Progress(step: number, name: name, current: current, total: total, isDone: isDone)))
        }

        /// Tells of a part that is over at once.
        func done(_ name: String) { report(name, isDone: true) }
    }

    init(from first: Int, _ events: @escaping BuildEventSink) {
        next = Mutex(first)
        self.events = events
    }

    /// Does a step and tells how it went.
    func run<Value>(_ name: String, _ body: (Step) async throws -> Value) async throws -> Value {
        let number = next.withLock { next in
            defer { next += 1 }
            return next
        }
        func tell(_ phase: BuildEvent.Phase) {
            events(.step(BuildEvent.Step(id: number, name: name, phase: phase)))
        }
        tell(.started(Clock.now()))
        do {
            let value = try await body(Step(number: number, name: name, events: events))
            tell(.done(Clock.now()))
            return value
        } catch {
            let failure = BuildFailure.exporting(error, doing: name)
            if failure.kind == .cancelled {
                tell(.cancelled)
            } else {
                tell(.failed(failure.diagnostics.first?.summary ?? name))
            }
            throw failure
        }
    }
}
