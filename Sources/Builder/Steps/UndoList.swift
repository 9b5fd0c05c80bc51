import Synchronization

/// What has to be done once a step is over, however it ends.
final class UndoList: Sendable {
    private let entries = Mutex<[@Sendable () async -> Void]>([])

    /// Adds an action; those added later are done first.
    func add(_ action: @escaping @Sendable () async -> Void) {
        entries.withLock { $0.append(action) }
    }

    /// Does all that was added, whether the calling task is cancelled or not, and waits for it.
    func perform() async {
        let actions = entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
        // A task of its own: what is given up half-way would be left.
        await Task { for action in actions.reversed() { await action() } }.value
    }
}
