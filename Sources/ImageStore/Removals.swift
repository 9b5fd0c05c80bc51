import Linux
import Synchronization

/// Files that are out of the store and still to be removed.
///
/// The kernel takes a tenth of a second for a large file: nobody waits for it. What a crash leaves is removed when the
/// store opens.
final class Removals: Sendable {
    private let last = Mutex<Task<Void, Never>?>(nil)

    /// Removes files and directories after those that were given before.
    func add(_ paths: [String]) {
        guard !paths.isEmpty else { return }
        last.withLock { last in
            let previous = last
            last = Task {
                await previous?.value
                await BlockingExecutor.shared.run {
                    // The next start tries again.
                    for path in paths { try? Files.removeTree(path) }
                }
            }
        }
    }

    /// Waits until all that was given is removed.
    func finish() async {
        await last.withLock { $0 }?.value
    }
}
