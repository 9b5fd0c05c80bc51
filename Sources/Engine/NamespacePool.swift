import Linux
import Synchronization

/// Keeps one empty network namespace ready: making one waits for the kernel's clean-up of earlier ones.
///
/// The namespace belongs to a descriptor alone, so it is gone with the daemon.
final class NamespacePool: Sendable {
    private struct State {
        var ready: SharedDescriptor?
        var isFilling = false
    }

    private let state = Mutex(State())

    /// The namespace that is ready, or a new one; the next is made meanwhile.
    func take(_ work: BackgroundWork) async throws -> SharedDescriptor {
        let ready = state.withLock { state -> SharedDescriptor? in
            defer { state.ready = nil }
            return state.ready
        }
        defer { refill(work) }
        if let ready { return ready }
        return try await Self.make()
    }

    private func refill(_ work: BackgroundWork) {
        let begins = state.withLock { state in
            guard !state.isFilling, state.ready == nil else { return false }
            state.isFilling = true
            return true
        }
        guard begins else { return }
        work.spawn { [self] in
            // The start that took the last one comes first.
            try? await EventLoop.shared.sleep(for: .milliseconds(20))
            let made = Task.isCancelled ? nil : try? await Self.make()
            state.withLock { state in
                state.ready = made
                state.isFilling = false
            }
        }
    }

    private static func make() async throws -> SharedDescriptor {
        try await BlockingExecutor.shared.run { () throws(SystemError) in try Namespaces.makeNetwork().shared() }
    }
}
