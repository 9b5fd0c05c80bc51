import Synchronization

/// Lets one thread at a time make, remove or mend networks.
///
/// Each of these reads what all networks are and then tells the kernel; side by side, one would bring back what another
/// has just removed.
final class NetworkTurn: Sendable {
    private let mutex = Mutex(())

    func run<Value: Sendable>(_ body: () throws -> Value) throws -> Value {
        try mutex.withLock { _ in try body() }
    }
}
