import Linux
import Testing

/// What tests run in, and wait for things to come about in.
protocol WaitingLab {}

extension WaitingLab {
    /// Waits until something is so.
    func eventually(
        _ what: String, within seconds: Int = 60, at place: SourceLocation = #_sourceLocation,
        _ test: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        repeat {
            if try await test() { return }
            try await EventLoop.shared.sleep(for: .milliseconds(25))
        } while ContinuousClock.now < deadline
        Issue.record("it never came about that \(what)", sourceLocation: place)
    }
}
