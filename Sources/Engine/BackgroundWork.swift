import Linux
import Synchronization

/// Owns the tasks that outlive a request: watching supervisors, health checks.
///
/// Ends them with the daemon.
package final class BackgroundWork: Sendable {
    private struct State {
        var tasks: [Int: Task<Void, Never>] = [:]
        var next = 0
        var closed = false
    }

    private let state = Mutex(State())

    /// An owner of nothing yet.
    package init() {}

    /// A running piece of work.
    package struct Handle: Sendable {
        fileprivate let task: Task<Void, Never>?
        /// Whether it was begun: after the owner's end nothing is.
        package var isRunning: Bool { task != nil }
        /// Asks it to end.
        package func cancel() { task?.cancel() }
        /// Waits for its end, or until the waiting task is cancelled.
        package func wait() async {
            guard let task else { return }
            let (end, sender) = AsyncStream<Void>.makeStream()
            // A task's value cannot be waited for and given up: the stream can.
            Task {
                await task.value
                sender.finish()
            }
            for await _ in end {}
        }

        /// Waits for its end, but not longer than this; false where it goes on.
        package func wait(atMost timeout: Duration) async -> Bool {
            let isOver = try? await withTimeout(timeout) {
                await wait()
                return !Task.isCancelled
            }
            return isOver ?? false
        }
    }

    /// Starts `work`; it runs until it returns, is cancelled by its handle, or the owner ends.
    @discardableResult
    package func spawn(_ work: @escaping @Sendable () async -> Void) -> Handle {
        state.withLock { state in
            guard !state.closed else { return Handle(task: nil) }
            let id = state.next
            state.next += 1
            let task = Task {
                await work()
                self.forget(id)
            }
            state.tasks[id] = task
            return Handle(task: task)
        }
    }

    private func forget(_ id: Int) {
        state.withLock { $0.tasks[id] = nil }
    }

    /// Cancels everything and waits for it.
    package func shutdown() async {
        let tasks = state.withLock { state in
            state.closed = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
