import CLinux
import Glibc
import Synchronization

/// Threads for work that blocks: disks, SQLite, mounts, archives.
///
/// Starts with none, grows while work waits, up to a limit; a thread with nothing to do for a while ends.
package final class BlockingExecutor: Sendable {
    /// The executor everything uses.
    package static let shared = BlockingExecutor(limit: 32)

    private struct State {
        /// Nil is what a thread has taken.
        var queue: [(@Sendable () -> Void)?] = []
        var head = 0
        var threads = 0
        var idle = 0
    }

    private let limit: Int
    private let idleSeconds: Int
    private let condition: Condition<State>

    /// An executor of its own, with at most `limit` threads.
    package init(limit: Int, idleSeconds: Int = 10) {
        self.limit = max(2, limit)
        self.idleSeconds = idleSeconds
        condition = Condition(State())
    }

    /// Runs a body on one of the threads.
    ///
    /// A cancelled task still waits for it.
    package func run<Answer: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        typealias Waiting = CheckedContinuation<Result<Answer, Failure>, Never>
        let result = await withCheckedContinuation { (continuation: Waiting) in
            submit {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// How many threads there are now.
    package var threadCount: Int { condition.withLock { $0.threads } }

    /// Runs work whose end nobody waits for.
    package func submit(_ work: @escaping @Sendable () -> Void) {
        let start = condition.withLock { state in
            state.queue.append(work)
            let waiting = state.queue.count - state.head
            if state.idle >= waiting || state.threads >= limit { return false }
            state.threads += 1
            return true
        }
        condition.signal()
        if start && !Thread.detach(name: "blocking", { [self] in workLoop() }) {
            let alone = condition.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            // With no thread at all and none to be had, the caller's must do.
            if alone { drainHere() }
        }
    }

    private func workLoop() {
        while let work = next() { work() }
    }

    private func drainHere() {
        while let work = condition.withLock({ Self.take(&$0) }) { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        condition.take(
            untilMonotonic: Clock.monotonic() + Int64(idleSeconds) * 1_000_000_000,
            Self.take,
            waiting: { $0.idle += $1 },
            gaveUp: { $0.threads -= 1 })
    }

    private static func take(_ state: inout State) -> (@Sendable () -> Void)? {
        guard state.head < state.queue.count else { return nil }
        let work = state.queue[state.head]
        // What a body holds must not end under the lock: its end may submit more.
        state.queue[state.head] = nil
        state.head += 1
        if state.head == state.queue.count {
            state.queue.removeAll(keepingCapacity: true)
            state.head = 0
        } else if state.head > 1_024 {
            state.queue.removeFirst(state.head)
            state.head = 0
        }
        return work
    }
}
