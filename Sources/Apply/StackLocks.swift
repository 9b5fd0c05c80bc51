import Diagnostics
import Linux

/// Who holds a stack, for those who have to wait.
package struct LockHolder: Sendable, Hashable {
    /// Who asked.
    package var uid: UInt32
    /// The asking process, when known.
    package var pid: Int32?
    /// What is done with the stack: "apply", "destroy", "recover".
    package var operation: String

    package init(uid: UInt32, pid: Int32? = nil, operation: String) {
        self.uid = uid
        self.pid = pid
        self.operation = operation
    }
}

/// One lock per stack.
///
/// Held by the daemon alone, so its end frees them all; different stacks never wait for each other.
package actor StackLocks {
    private struct Held {
        var holder: LockHolder
        /// Nanoseconds on the monotonic clock.
        var since: Int64
        var waiting: [Waiter] = []
    }

    private struct Waiter {
        var id: Int
        var holder: LockHolder
        var wake: CheckedContinuation<Bool, Never>
    }

    private var held: [String: Held] = [:]
    private var nextWaiter = 0

    package init() {}

    /// Runs `body` as the only one on the stack.
    ///
    /// Waits its turn, at most `patience`.
    ///
    /// - Throws: a diagnostic that names who holds the stack, for what and for how long.
    package func withLock<Value: Sendable>(
        _ stack: String, _ holder: LockHolder, patience: Duration,
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        guard await acquire(stack, holder, patience) else { throw refusal(stack) }
        defer { release(stack) }
        return try await body()
    }

    /// Who holds a stack, if anyone.
    package func holder(of stack: String) -> LockHolder? { held[stack]?.holder }

    private func acquire(_ stack: String, _ holder: LockHolder, _ patience: Duration) async -> Bool {
        guard held[stack] != nil else {
            held[stack] = Held(holder: holder, since: Clock.monotonic())
            return true
        }
        guard patience > .zero else { return false }
        nextWaiter += 1
        let id = nextWaiter
        // Ends with the wait: woken or given up, the timer has nothing left to do.
        let timer = Task {
            try? await Task.sleep(for: patience)
            self.giveUp(stack, id)
        }
        defer { timer.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                held[stack]?.waiting.append(Waiter(id: id, holder: holder, wake: continuation))
            }
        } onCancel: {
            timer.cancel()
        }
    }

    private func giveUp(_ stack: String, _ id: Int) {
        guard let position = held[stack]?.waiting.firstIndex(where: { $0.id == id }) else { return }
        held[stack]?.waiting.remove(at: position).wake.resume(returning: false)
    }

    private func release(_ stack: String) {
        guard var state = held[stack] else { return }
        guard !state.waiting.isEmpty else {
            held[stack] = nil
            return
        }
        let next = state.waiting.removeFirst()
        state.holder = next.holder
        state.since = Clock.monotonic()
        held[stack] = state
        next.wake.resume(returning: true)
    }

    private func refusal(_ stack: String) -> Diagnostic {
        var detail: String?
        if let state = held[stack] {
            let seconds = (Clock.monotonic() - state.since) / 1_000_000_000
            let process = state.holder.pid.map { ", process \($0)" } ?? ""
            detail = "\(state.holder.operation) by user \(state.holder.uid)\(process), for \(seconds) s."
        }
        return Diagnostic(
            code: "SC3140", summary: "stack \(stack) is being changed by someone else", detail: detail,
            hint: "try again when it is over")
    }
}
