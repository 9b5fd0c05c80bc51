import Archives
import Linux
import OCI
import Synchronization

/// The layers that one archive brings in, which others that want them wait for.
///
/// An archive's layers are part of the store only when all of it was read. So that no two archives wait for each other,
/// one waits only as long as nobody can wait for it.
final class LoadClaims: Sendable {
    private let flights: LayerFlights
    private let led = Mutex<[LayerFlight]>([])

    init(_ flights: LayerFlights) {
        self.flights = flights
    }

    /// Waits where another archive brings in the same layer, and else says that this one does.
    ///
    /// Blocking. It does not wait for a layer that is fetched: the bytes are here and may be there much later.
    ///
    /// - Returns: whether the layer has come meanwhile.
    func waitOrLead(_ claimed: Digest, _ cancellation: CancellationFlag) throws -> Bool {
        while true {
            switch flights.join([claimed], kind: .load) {
            case .lead(let flight):
                led.withLock { $0.append(flight) }
                return false
            case .follow(let flight):
                guard flight.kind == .load, led.withLock({ $0.isEmpty }) else { return false }
                while flight.outcome == nil {
                    try cancellation.check()
                    try BlockingWait.run { try await EventLoop.shared.sleep(for: .milliseconds(10)) }
                }
                if flight.outcome == .arrived { return true }
            }
        }
    }

    /// Says how it went, to those who wait.
    func end(arrived: Bool) {
        let ended = led.withLock { led in
            defer { led = [] }
            return led
        }
        for flight in ended { flights.end(flight, arrived: arrived) }
    }
}
