/// Hands values from one thread to another, a few at a time.
///
/// Blocking, on both sides; one thread on each.
package final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var hasEnded = false
    }

    private let limit: Int
    private let state = Condition(State())

    /// - Parameter limit: how many values may wait.
    package init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// Gives a value, waiting for room; false when nobody takes any more.
    package func put(_ value: Value) -> Bool {
        let taken = state.take { state -> Bool? in
            if state.hasEnded { return false }
            guard state.values.count < limit else { return nil }
            state.values.append(value)
            return true
        }
        state.signal()
        return taken
    }

    /// Takes the next value, waiting for it; nil when there is none any more.
    package func take() -> Value? {
        let value = state.take { state -> Value?? in
            if !state.values.isEmpty { return .some(state.values.removeFirst()) }
            return state.hasEnded ? .some(nil) : nil
        }
        state.signal()
        return value
    }

    /// Ends it: what was given before can still be taken.
    package func end() {
        state.withLock { $0.hasEnded = true }
        state.signal()
    }
}
