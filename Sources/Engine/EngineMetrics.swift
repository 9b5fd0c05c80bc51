import Synchronization

/// What the engine counts about itself.
package final class EngineMetrics: Sendable {
    /// How long actions of a kind took.
    package struct Durations: Sendable, Hashable {
        /// Upper bounds in seconds, Prometheus' usual ones.
        package static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

        /// How many were at most as long as each bound.
        package var counts = [Int64](repeating: 0, count: bounds.count)
        /// How many in all.
        package var count: Int64 = 0
        /// Seconds in all.
        package var sum = 0.0

        mutating func add(_ seconds: Double) {
            count += 1
            sum += seconds
            for (index, bound) in Self.bounds.enumerated() where seconds <= bound { counts[index] += 1 }
        }
    }

    /// Everything at one moment.
    package struct Snapshot: Sendable, Hashable {
        /// By action: `create`, `start`.
        package var actions: [String: Durations] = [:]
        /// Events that were told.
        package var events: Int64 = 0
        /// Health checks that were made.
        package var healthChecks: Int64 = 0
        /// Those that failed.
        package var failedHealthChecks: Int64 = 0
    }

    private let state = Mutex(Snapshot())

    /// Nothing counted yet.
    package init() {}

    /// What is counted so far.
    package var snapshot: Snapshot { state.withLock { $0 } }

    /// Counts an action that succeeded.
    package func count(action: String, nanoseconds: Int64) {
        state.withLock { $0.actions[action, default: Durations()].add(Double(nanoseconds) / 1e9) }
    }

    func countEvent() { state.withLock { $0.events += 1 } }

    func countHealthCheck(failed: Bool) {
        state.withLock { state in
            state.healthChecks += 1
            if failed { state.failedHealthChecks += 1 }
        }
    }
}
