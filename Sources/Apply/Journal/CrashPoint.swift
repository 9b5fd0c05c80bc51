import Linux
import Synchronization

/// A place where a test can end the daemon: just before the n-th journal transition is committed.
///
/// Before "intended" nothing has happened, before "acting" an identity is committed, before "done" the host has changed
/// and nothing says so. With all n tried, every state a kill can leave is met.
package struct CrashPoint: Sendable {
    private let hook: @Sendable () throws -> Void

    /// A crash point of a test's own making.
    package init(hook: @escaping @Sendable () throws -> Void) {
        self.hook = hook
    }

    /// Never crashes.
    package static let none = CrashPoint {}

    /// What `STACKCTL_CRASH_AT` asks for: the process kills itself at the n-th transition, counted from 1.
    package static func fromEnvironment() -> CrashPoint {
        guard let count = Environment.get("STACKCTL_CRASH_AT").flatMap(Int.init), count > 0 else { return .none }
        let transitions = Counter()
        return CrashPoint {
            // 9 is SIGKILL: no handler, no unwinding, as when the machine's memory runs out.
            if transitions.next() == count { try Signals.kill(CurrentProcess.pid, 9) }
        }
    }

    func reached() throws { try hook() }
}

/// Counts from 1, from any thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
