import Diagnostics
import Linux
import Synchronization

/// Lets one thread of the host at a time make, remove or mend networks.
///
/// Each of these reads what all networks are and then tells the kernel; side by side, one would bring back what another
/// has just removed. Daemons of other data roots take turns too: two that look for a free subnet at once would both take
/// the same, and one that switches forwarding off would not see the other that is about to need it.
final class NetworkTurn: Sendable {
    /// Locked by whoever has the turn; only root can open it.
    private static let lockPath = "/run/stackctl-networks.lock"
    /// How long the turns of others may take together; each takes milliseconds.
    private static let patience = Duration.seconds(30)

    private let mutex = Mutex(())

    /// Blocks.
    ///
    /// - Throws: a `Diagnostic` where another daemon does not give the turn back, and what `body` throws.
    func run<Value: Sendable>(_ body: () throws -> Value) throws -> Value {
        let end = Clock.monotonic() + Self.patience.wholeNanoseconds
        return try mutex.withLock { _ in
            let lock = try Self.lockHost(until: end)
            defer { lock?.release() }
            return try body()
        }
    }

    /// - Returns: nil where there is no place for a lock that daemons could share.
    private static func lockHost(until end: Int64) throws -> HeldFileLock? {
        repeat {
            do throws(SystemError) {
                if let lock = try HeldFileLock.take(lockPath) { return lock }
            } catch {
                guard [.ENOENT, .EROFS, .EACCES, .ENOSPC].contains(error.errno) else { throw error }
                return nil
            }
            Clock.block(for: .milliseconds(2))
        } while Clock.monotonic() < end
        throw Diagnostic(
            code: "SC6039", summary: "the networks of this host are being changed by another daemon",
            detail: "\(lockPath) has been locked for \(patience.components.seconds) s",
            hint: "see who has it (fuser \(lockPath)), and end that daemon if it hangs")
    }
}
