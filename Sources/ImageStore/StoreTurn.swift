import Synchronization

/// Lets one thread at a time bring files and database together, so that what an import has just put there is not taken
/// for garbage before the database knows it.
final class StoreTurn: Sendable {
    private let mutex = Mutex(())

    func run<Value>(_ body: () throws -> Value) rethrows -> Value {
        try mutex.withLock { _ in try body() }
    }
}
