import Linux
import Synchronization

/// Commits changes in groups: all that came in while one commit was under way share the next, and its one `fsync`.
package actor StateWriter {
    /// One change of the database.
    package typealias Change = @Sendable (borrowing WriteTransaction) throws -> Void

    private struct Waiting {
        let change: Change
        let done: CheckedContinuation<Void, any Error>?
    }

    private final class Answer<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    private let database: StateDatabase
    private var waiting: [Waiting] = []
    private var running = false
    private var idle: [CheckedContinuation<Void, Never>] = []

    /// A writer of `database`.
    package init(database: StateDatabase) { self.database = database }

    /// Applies a change and gives what it answered; it is on the disk when this returns.
    ///
    /// A change may be tried twice, where another one of its group fails.
    @discardableResult
    package func commit<Value: Sendable>(
        _ change: @escaping @Sendable (borrowing WriteTransaction) throws -> Value
    ) async throws -> Value {
        let answer = Answer<Value>()
        try await withCheckedThrowingContinuation { continuation in
            let change: Change = { transaction in
                let value = try change(transaction)
                answer.value.withLock { $0 = value }
            }
            add(Waiting(change: change, done: continuation))
        }
        guard let value = answer.value.withLock({ $0 }) else { throw CancellationError() }
        return value
    }

    /// Applies a change soon, in order with the others.
    ///
    /// For what can be found out again after a crash.
    package func later(_ change: @escaping Change) {
        add(Waiting(change: change, done: nil))
    }

    /// Returns when every change given before is on the disk.
    package func flush() async {
        guard running else { return }
        await withCheckedContinuation { idle.append($0) }
    }

    private func add(_ item: Waiting) {
        waiting.append(item)
        guard !running else { return }
        running = true
        // Ends by itself as soon as nothing waits; `flush` is how an owner waits for it.
        Task { await drain() }
    }

    private func drain() async {
        while !waiting.isEmpty {
            let batch = waiting
            waiting = []
            let results = await apply(batch.map(\.change))
            for (item, result) in zip(batch, results) { item.done?.resume(with: result) }
        }
        running = false
        let flushed = idle
        idle = []
        for continuation in flushed { continuation.resume() }
    }

    private func apply(_ changes: [Change]) async -> [Result<Void, any Error>] {
        let database = self.database
        return await BlockingExecutor.shared.run {
            do {
                try database.write { transaction in
                    for change in changes { try change(transaction) }
                }
                return changes.map { _ in .success(()) }
            } catch  where changes.count == 1 {
                return [.failure(error)]
            } catch {
                // One of them failed and took the others with it: each on its own, then.
                return changes.map { change in Result { try database.write { try change($0) } } }
            }
        }
    }
}
