import CLinux
import Glibc
import Synchronization

extension EventLoop {
    /// Waits for a time.
    ///
    /// Throws `CancellationError` as soon as the task is cancelled.
    package func sleep(for duration: Duration) async throws {
        let (deadline, overflow) = Clock.monotonic().addingReportingOverflow(max(0, duration.wholeNanoseconds))
        try await sleep(untilMonotonic: overflow ? .max : deadline)
    }

    /// Waits until `Clock.monotonic()` reads `deadline` nanoseconds.
    package func sleep(untilMonotonic deadline: Int64) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let cancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.timers.insert(continuation, id: id, deadline: deadline)
                    armTimer(&state)
                    return false
                }
                if cancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.timers.remove(id) }?.resume(throwing: CancellationError())
        }
    }

    /// Called on the loop's thread when the kernel's timer fired.
    func expireTimers() {
        var count: UInt64 = 0
        _ = read(timer, &count, MemoryLayout<UInt64>.size)
        let expired = state.withLock { state in
            state.armed = nil
            let expired = state.timers.expire(now: Clock.monotonic())
            armTimer(&state)
            return expired
        }
        for continuation in expired { continuation.resume() }
    }

    /// Sets the kernel's timer to the earliest deadline, when it is not set to that or an earlier one.
    private func armTimer(_ state: inout State) {
        guard let deadline = state.timers.nextDeadline() else { return }
        if let armed = state.armed, armed <= deadline { return }
        // A value of zero would switch the timer off.
        let moment = max(deadline, 1)
        var setting = itimerspec()
        setting.it_value = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
        let absolute: Int32 = 1  // TFD_TIMER_ABSTIME
        _ = timerfd_settime(timer, absolute, &setting, nil)
        state.armed = deadline
    }
}

/// A wait that took longer than it was given.
package struct TimeoutError: Error, Sendable, Hashable, CustomStringConvertible {
    /// How long it was given.
    package var duration: Duration

    /// Describes a timeout.
    package init(duration: Duration) {
        self.duration = duration
    }

    package var description: String { "timed out after \(duration)" }
}

/// Runs a body and cancels it when it takes longer than `duration`; then throws `TimeoutError`.
///
/// The body must answer cancellation, as everything of `EventLoop` does.
package func withTimeout<Answer: Sendable>(
    _ duration: Duration, _ body: @escaping @Sendable () async throws -> Answer
) async throws -> Answer {
    try await withThrowingTaskGroup(of: Answer?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await EventLoop.shared.sleep(for: duration)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let answer = first else { throw TimeoutError(duration: duration) }
        return answer
    }
}
