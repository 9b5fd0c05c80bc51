import Diagnostics
import Linux
import OCI
import Synchronization

/// Layers that come in at this moment, so that whoever wants one of them too waits for it and does not fetch it again.
final class LayerFlights: Sendable {
    private let flights = Mutex<[Digest: LayerFlight]>([:])

    /// What is to be done about a layer.
    enum Part {
        /// Bring it in; `end` tells the others how that went.
        case lead(LayerFlight)
        /// Somebody else does.
        case follow(LayerFlight)
    }

    /// Joins whoever brings a layer in, or begins to.
    ///
    /// - Parameters:
    ///   - names: the digests it is known by: of its tar, and of what is received.
    ///   - kind: who begins.
    func join(_ names: [Digest], kind: LayerFlight.Kind) -> Part {
        flights.withLock { flights in
            for name in names {
                if let flight = flights[name] { return .follow(flight) }
            }
            let flight = LayerFlight(kind: kind)
            for name in names { flights[name] = flight }
            return .lead(flight)
        }
    }

    /// Who brings in a layer now; nil when nobody does.
    func flight(of name: Digest) -> LayerFlight? { flights.withLock { $0[name] } }

    /// The digests of all that comes in now.
    var names: Set<Digest> { flights.withLock { Set($0.keys) } }

    /// Ends what was led.
    ///
    /// - Parameter arrived: whether the layer is part of the store.
    func end(_ flight: LayerFlight, arrived: Bool) {
        flights.withLock { flights in
            for (name, other) in flights where other === flight { flights[name] = nil }
        }
        flight.end(arrived: arrived)
    }
}

/// One layer that comes in, and those who wait for it.
final class LayerFlight: Sendable {
    /// Who brings it in.
    enum Kind: Sendable {
        /// Somebody who fetches it from elsewhere, at the speed of that.
        case fetch
        /// Somebody who reads it from an archive, with all others of that archive.
        case load
    }

    /// How a wait ended.
    enum Outcome: Sendable {
        case arrived
        /// It did not come: whoever waited has to bring it in.
        case failed
        /// Whoever waited was cancelled.
        case cancelled
    }

    private struct State {
        var outcome: Outcome?
        var next = 0
        var waiting: [Int: CheckedContinuation<Outcome, Never>] = [:]
        var watching: [Int: @Sendable (LayerProgress.Phase, Double) -> Void] = [:]
    }

    let kind: Kind
    private let state = Mutex(State())

    init(kind: Kind) {
        self.kind = kind
    }

    /// How it ended; nil before that.
    var outcome: Outcome? { state.withLock { $0.outcome } }

    /// Tells those who wait how far it is.
    ///
    /// - Parameter part: what is here of it, 0 to 1.
    func report(_ phase: LayerProgress.Phase, part: Double) {
        for watch in state.withLock({ Array($0.watching.values) }) { watch(phase, part) }
    }

    /// Waits until the layer is here or is not going to be.
    ///
    /// - Parameter watch: told how far it is, from any thread.
    func wait(watching watch: @escaping @Sendable (LayerProgress.Phase, Double) -> Void) async -> Outcome {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ended = state.withLock { state -> Outcome? in
                    if Task.isCancelled { return .cancelled }
                    guard state.outcome == nil else { return state.outcome }
                    state.waiting[number] = continuation
                    state.watching[number] = watch
                    return nil
                }
                if let ended { continuation.resume(returning: ended) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.watching[number] = nil
                return state.waiting.removeValue(forKey: number)
            }
            continuation?.resume(returning: .cancelled)
        }
    }

    func end(arrived: Bool) {
        let outcome = arrived ? Outcome.arrived : .failed
        let waiting = state.withLock { state in
            state.outcome = outcome
            state.watching = [:]
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }
}
