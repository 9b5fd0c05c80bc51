import Synchronization

/// The settings that hold at the moment.
package final class LiveSettings: Sendable {
    private let state: Mutex<DaemonSettings>

    /// Settings to begin with.
    package init(_ settings: DaemonSettings) { state = Mutex(settings) }

    /// Those that hold now; setting them is for what can change without a new start.
    package var current: DaemonSettings {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
