import Diagnostics
import Dockerfile
import Linux
import Synchronization

/// Tells what happens in one build: numbers its steps, keeps events in order, and remembers what was told.
final class BuildProgress: Sendable {
    private struct Step {
        let name: String
        var span: SourceSpan?
        var started: Timestamp?
        var isOver = false
        /// The last lines its process wrote.
        var tail: [UInt8] = []
    }

    private struct State {
        var steps: [Int: Step] = [:]
        var next = 1
        var counted = 0
        var cached = 0
        var warnings: [Diagnostic] = []
        var transcript = BuildTranscript()
    }

    private let state = Mutex(State())
    private let sink: BuildEventSink
    private static let tailLimit = 4 << 10

    init(_ sink: @escaping BuildEventSink) { self.sink = sink }

    // MARK: Steps

    /// Tells that there is a step, which has not begun.
    func announce(_ name: String, at span: SourceSpan? = nil) -> Int {
        state.withLock { state in
            let id = state.next
            state.next += 1
            tell(.step(BuildEvent.Step(id: id, name: name, phase: .waiting, span: span)), &state)
            return id
        }
    }

    func start(_ id: Int) { enter(id, .started(Clock.now())) }
    func end(_ id: Int) { enter(id, .done(Clock.now())) }
    func endCached(_ id: Int) { enter(id, .cached) }
    func fail(_ id: Int, _ message: String) { enter(id, .failed(message)) }
    func cancel(_ id: Int) { enter(id, .cancelled) }

    /// Runs a body as a step: begun before, over after it.
    func step<Value: Sendable>(_ name: String, _ body: (Int) async throws -> Value) async throws -> Value {
        let id = announce(name)
        start(id)
        do {
            let value = try await body(id)
            end(id)
            return value
        } catch {
            end(id, with: error)
            throw error
        }
    }

    /// Ends a step with what was thrown in it.
    func end(_ id: Int, with error: any Error) {
        if BuildFailure.isCancellation(error) { cancel(id) } else { fail(id, BuildFailure.sentence(of: error)) }
    }

    private func enter(_ id: Int, _ phase: BuildEvent.Phase) {
        state.withLock { state in
            guard let step = state.steps[id], !step.isOver else { return }
            tell(.step(BuildEvent.Step(id: id, name: step.name, phase: phase, span: step.span)), &state)
        }
    }

    /// Ends all that has not ended, as a build does that was cancelled or failed elsewhere.
    func cancelOpenSteps() {
        let open = state.withLock { state in state.steps.filter { !$0.value.isOver }.keys.sorted() }
        for id in open { cancel(id) }
    }

    // MARK: What else is told

    func log(_ id: Int, isError: Bool, _ bytes: [UInt8]) {
        state.withLock { state in
            if var tail = state.steps[id]?.tail {
                tail += bytes.suffix(Self.tailLimit)
                if tail.count > Self.tailLimit * 2 { tail = Array(tail.suffix(Self.tailLimit)) }
                state.steps[id]?.tail = tail
            }
            tell(.log(step: id, isError: isError, bytes: bytes), &state)
        }
    }

    func report(_ progress: BuildEvent.Progress) { state.withLock { tell(.progress(progress), &$0) } }

    func warn(_ warning: Diagnostic) {
        state.withLock { state in
            state.warnings.append(warning)
            tell(.warning(warning), &state)
        }
    }

    /// Takes events whose steps somebody else has numbered, from `nextStep` on.
    func forward(_ event: BuildEvent) {
        state.withLock { state in
            if case .step(let step) = event { state.next = max(state.next, step.id + 1) }
            if case .warning(let warning) = event { state.warnings.append(warning) }
            tell(event, &state)
        }
    }

    /// Counts a step that a later build may find in the cache.
    func count(isCached: Bool) {
        state.withLock { state in
            state.counted += 1
            if isCached { state.cached += 1 }
        }
    }

    // Under the lock, so that order is kept.
    private func tell(_ event: BuildEvent, _ state: inout State) {
        if case .step(let step) = event {
            var known = state.steps[step.id] ?? Step(name: step.name, span: step.span)
            switch step.phase {
            case .waiting: break
            case .started(let time): known.started = known.started ?? time
            case .cached, .done, .failed, .cancelled: known.isOver = true
            }
            state.steps[step.id] = known
            state.transcript.add(step, started: known.started)
        } else {
            state.transcript.add(event) { state.steps[$0]?.started }
        }
        sink(event)
    }

    // MARK: What is known afterwards

    var nextStep: Int { state.withLock { $0.next } }
    var counts: (steps: Int, cached: Int) { state.withLock { ($0.counted, $0.cached) } }
    var warnings: [Diagnostic] { state.withLock { $0.warnings } }
    var transcript: String { state.withLock { $0.transcript.text } }

    func name(of id: Int) -> String { state.withLock { $0.steps[id]?.name ?? "" } }

    /// The last lines a step's process wrote.
    func lastLines(of id: Int, _ count: Int = 20) -> [String] {
        let tail = state.withLock { $0.steps[id]?.tail ?? [] }
        let lines = String(decoding: tail.suffix(Self.tailLimit), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0.last == "\r" ? $0.dropLast() : $0) }
        let whole = tail.count > Self.tailLimit ? Array(lines.dropFirst()) : lines
        return (whole.last == "" ? whole.dropLast() : whole[...]).suffix(count).map { $0 }
    }
}
