import Synchronization

/// Lets one delayed sweep wait at a time.
final class SweepGate: Sendable {
    private let waiting = Mutex(false)

    /// True for the one who shall wait.
    func begin() -> Bool {
        waiting.withLock { waiting in
            defer { waiting = true }
            return !waiting
        }
    }

    /// The sweep begins; another may be asked for.
    func end() { waiting.withLock { $0 = false } }
}
