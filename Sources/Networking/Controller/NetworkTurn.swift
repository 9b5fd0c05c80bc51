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
    /// How long the daemons of other roots may have it; what is done with it takes milliseconds.
    private static let patience = Duration.seconds(60)

    private let mutex = Mutex(())

    /// Blocks.
    ///
    /// - Throws: a `Diagnostic` where another daemon does not give the turn back, and what `body` throws.
    func run<Value: Sendable>(_ body: () throws -> Value) throws -> Value {
        try mutex.withLock { _ in
            let lock = try Self.lockHost()
            defer { lock?.release() }
            return try body()
        }
    }

    /// - Returns: nil where there is no place for a lock that daemons could share.
    private static func lockHost() throws -> HeldFileLock? {
        guard Files.exists("/run") else { return nil }
        let end = Clock.monotonic() + patience.wholeNanoseconds
        while Clock.monotonic() < end {
            if let lock = try HeldFileLock.take(lockPath) { return lock }
            Clock.block(for: .milliseconds(2))
        }
        throw Diagnostic(
            code: "SC6038", summary: "the networks of this host are being changed by another daemon",
            detail: "\(lockPath) has been locked for \(patience.components.seconds) s",
            hint: "see who has it (fuser \(lockPath)), and end that daemon if it hangs")
    }
}
