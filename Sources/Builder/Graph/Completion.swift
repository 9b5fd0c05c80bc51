import Synchronization

/// Something that happens once, and those who wait for it.
final class Completion: Sendable {
    private struct State {
        var isOver = false
        var waiting: [AsyncStream<Void>.Continuation] = []
    }

    private let state = Mutex(State())

    /// Lets all go on that wait, and will wait.
    func complete() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.finish() }
    }

    /// Waits for it, or until the waiting task is cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let isOver = state.withLock { state in
            if !state.isOver { state.waiting.append(continuation) }
            return state.isOver
        }
        if isOver { return }
        for await _ in stream {}
    }
}

/// Lets a number of tasks do something at a time, in the order they came.
final class StepGate: Sendable {
    private final class Waiting: Sendable {
        let turn = Completion()
    }

    private struct State {
        var free: Int
        var waiting: [Waiting] = []
    }

    private let state: Mutex<State>

    init(places: Int) { state = Mutex(State(free: max(1, places))) }

    /// Runs a body once there is a place.
    ///
    /// - Throws: what the body throws, or `CancellationError` where the task was cancelled before.
    func run<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let waiting = state.withLock { state -> Waiting? in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            let waiting = Waiting()
            state.waiting.append(waiting)
            return waiting
        }
        if let waiting {
            await waiting.turn.wait()
            let wasWaiting = state.withLock { state in
                guard let index = state.waiting.firstIndex(where: { $0 === waiting }) else { return false }
                state.waiting.remove(at: index)
                return true
            }
            if wasWaiting { throw CancellationError() }
        }
        defer { leave() }
        try Task.checkCancellation()
        return try await body()
    }

    private func leave() {
        let next = state.withLock { state -> Waiting? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.turn.complete()
    }
}

/// Values that several tasks need and one makes.
///
/// What makes them runs in tasks of its own, so that it goes on whoever stops waiting; `cancel` ends all of them.
final class SharedTasks<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var tasks: [Key: Task<Value, any Error>] = [:]
        var isCancelled = false
    }

    private let state = Mutex(State())

    init() {}

    /// The value of a key, made with `body` where nobody has begun to.
    func value(_ key: Key, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await start(key, body).value
    }

    /// Begins to make a value, unless somebody has.
    @discardableResult
    func start(_ key: Key, _ body: @escaping @Sendable () async throws -> Value) -> Task<Value, any Error> {
        state.withLock { state in
            if let task = state.tasks[key] { return task }
            let task = Task { try await body() }
            if state.isCancelled { task.cancel() }
            state.tasks[key] = task
            return task
        }
    }

    /// Ends whatever is being made, and what will be.
    func cancel() {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }

    /// Waits until nothing is being made.
    func finish() async {
        while true {
            let tasks = state.withLock { $0.tasks }
            for task in tasks.values { _ = await task.result }
            if state.withLock({ $0.tasks.count }) == tasks.count { return }
        }
    }
}
