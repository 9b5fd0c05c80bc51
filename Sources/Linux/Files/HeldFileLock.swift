import Synchronization

/// An exclusive lock of a file; held until it is released or forgotten.
package final class HeldFileLock: Sendable {
    private let lock: Mutex<FileLock?>

    private init(_ lock: consuming FileLock?) { self.lock = Mutex(lock) }

    /// Waits for the lock of a file, which is made when missing, on a thread that may block.
    package static func wait(for path: String) async throws -> HeldFileLock {
        try await BlockingExecutor.shared.run { () throws(SystemError) in
            HeldFileLock(try FileLock.acquire(path, wait: true))
        }
    }

    /// Takes the lock of a file, which is made when missing; nil when another holds it.
    package static func take(_ path: String) throws(SystemError) -> HeldFileLock? {
        guard let lock = try FileLock.acquire(path, wait: false) else { return nil }
        return HeldFileLock(lock)
    }

    /// Lets the next one have it.
    package func release() { lock.withLock { $0 = nil } }
}
