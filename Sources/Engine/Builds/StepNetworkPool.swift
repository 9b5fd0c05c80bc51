import Builder
import Linux
import Synchronization

/// Keeps places in the default network for a while after a step has left them: the next step finds all made.
///
/// One step at a time has a namespace, so that no two see each other's listeners.
final class StepNetworkPool: Sendable {
    /// How many are kept, and for how long.
    private static let capacity = 4
    private static let patience = Duration.seconds(5)

    private struct State {
        var idle: [(network: StepNetwork, since: Int64)] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// One that nobody is in, the latest left first.
    func take() -> StepNetwork? { state.withLock { $0.idle.popLast()?.network } }

    /// Keeps one; false where it is to be taken away.
    func keep(_ network: StepNetwork, for engine: HostEngine) -> Bool {
        let now = Clock.monotonic()
        let isKept = state.withLock { state in
            guard !state.isClosed, state.idle.count < Self.capacity else { return false }
            state.idle.append((network, now))
            return true
        }
        guard isKept else { return false }
        engine.work.spawn { [self, weak engine] in
            guard (try? await EventLoop.shared.sleep(for: Self.patience)) != nil, let engine else { return }
            let stale = state.withLock { state -> Bool in
                let count = state.idle.count
                state.idle.removeAll { $0.network.id == network.id && $0.since == now }
                return state.idle.count < count
            }
            if stale { await engine.removeStep(network.id) }
        }
        return true
    }

    /// Gives up all that is kept, and keeps no more.
    func close(_ engine: HostEngine) async {
        let idle = state.withLock { state in
            defer { state.idle = [] }
            state.isClosed = true
            return state.idle
        }
        for entry in idle { await engine.removeStep(entry.network.id) }
    }
}
