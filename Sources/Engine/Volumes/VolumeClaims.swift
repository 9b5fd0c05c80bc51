import Synchronization

/// Volumes that containers under creation are about to mount, so that nobody removes them meanwhile.
final class VolumeClaims: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// Claims volumes.
    func claim(_ names: [String]) {
        counts.withLock { counts in for name in names { counts[name, default: 0] += 1 } }
    }

    /// Gives claims back.
    func release(_ names: [String]) {
        counts.withLock { counts in
            for name in names {
                let rest = (counts[name] ?? 0) - 1
                counts[name] = rest > 0 ? rest : nil
            }
        }
    }

    /// Whether somebody is about to mount a volume.
    func isClaimed(_ name: String) -> Bool { counts.withLock { $0[name] != nil } }
}
