import Synchronization

/// Volumes that containers under creation are about to mount, so that nobody removes them meanwhile.
final class VolumeClaims: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    private let locked = Mutex<Set<String>>([])

    /// Keeps a volume from being mounted until `unlock`.
    ///
    /// - Throws: a conflict where somebody else does so already, or is about to mount it.
    func lock(_ name: String) throws(EngineError) {
        let isNew = locked.withLock { $0.insert(name).inserted }
        guard isNew else { throw EngineError(.conflict, "volume \(name) is being restored or renamed already") }
        guard !isClaimed(name) else {
            unlock(name)
            throw EngineError(
                .conflict, "volume \(name) is in use: a container with it is being made, or it is being copied")
        }
    }

    /// Lets a volume be mounted again.
    func unlock(_ name: String) { locked.withLock { _ = $0.remove(name) } }

    /// Refuses to mount a volume that is locked.
    func refuseLocked(_ name: String) throws(EngineError) {
        guard locked.withLock({ $0.contains(name) }) else { return }
        throw EngineError(.conflict, "volume \(name) is being restored or renamed; try again when that is over")
    }

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
