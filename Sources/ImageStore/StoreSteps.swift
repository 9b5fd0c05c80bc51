import Linux
import Synchronization

/// Places where a test can end the process: between two changes of the store's files or its database.
///
/// With all of them tried, every state that a kill can leave is met.
package struct StoreSteps: Sendable {
    private let hook: @Sendable () -> Void

    /// Never ends it.
    package static let none = StoreSteps {}

    private init(hook: @escaping @Sendable () -> Void) {
        self.hook = hook
    }

    /// What `STACKCTL_CRASH_AT_STORE` asks for: the process kills itself at the n-th place it comes by, counted from 1.
    package static func fromEnvironment() -> StoreSteps {
        guard let count = Environment.get("STACKCTL_CRASH_AT_STORE").flatMap(Int.init), count > 0 else { return .none }
        let passed = Counter()
        return StoreSteps {
            // 9 is SIGKILL: no handler, no unwinding, as when the machine's memory runs out.
            if passed.next() == count { try? Signals.kill(CurrentProcess.pid, 9) }
        }
    }

    func reached() { hook() }

    /// Counts from 1, from any thread.
    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
