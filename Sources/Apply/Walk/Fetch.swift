import Diagnostics
import Linux
import StackModel

/// Something a resource needs that the host does not have.
///
/// What it brings is a cache: it is not recorded, and stays when the apply fails.
package struct Fetch: Sendable {
    /// The resource that needs it; where several do, the first.
    package var address: ResourceAddress
    /// Brings it.
    package var run: @Sendable (@escaping ProgressSink) async throws -> Void

    package init(address: ResourceAddress, run: @escaping @Sendable (@escaping ProgressSink) async throws -> Void) {
        self.address = address
        self.run = run
    }
}

/// Brings everything a plan needs from elsewhere, before anything of the host is changed.
struct Fetching: Sendable {
    let fetches: [Fetch]
    let locations: [ResourceAddress: SourceLocation]
    let events: EventSink

    /// What comes in at a time; each of them has several connections of its own.
    private static let width = 3

    init(
        _ planned: PlannedStack, _ providers: [ResourceKind: any ResourceProvider], events: @escaping EventSink
    ) async throws {
        let needy = planned.preflightResources.filter { $0.action == .create || $0.action == .recreate }
        var fetches: [Fetch] = []
        for (kind, resources) in Dictionary(grouping: needy, by: \.address.kind) {
            fetches += try await providers[kind]?.missing(for: resources) ?? []
        }
        self.fetches = fetches.sorted { $0.address < $1.address }
        locations = Dictionary(needy.map { ($0.address, $0.location) }) { first, _ in first }
        self.events = events
    }

    /// Returns when everything is there.
    ///
    /// - Throws: `DiagnosticList` that says that nothing was changed; what was missing is in the events.
    func run() async throws {
        let failures = try await withThrowingTaskGroup(of: Diagnostic?.self) { tasks in
            var failures: [Diagnostic] = []
            for (index, fetch) in fetches.enumerated() {
                if index >= Self.width, let failure = try await tasks.next() { failure.map { failures.append($0) } }
                tasks.addTask { await bring(fetch) }
            }
            for try await failure in tasks { failure.map { failures.append($0) } }
            return failures
        }
        guard !failures.isEmpty else { return }
        let count = failures.count == 1 ? "something it needs" : "\(failures.count) things it needs"
        throw DiagnosticList(
            Diagnostic(
                code: "SC3220", summary: "nothing was changed: \(count) could not be fetched",
                detail: "Needed by: " + failures.compactMap(\.address).sorted().joined(separator: ", ") + ".",
                hint: "once the cause is gone, the same command goes on from there"))
    }

    private func bring(_ fetch: Fetch) async -> Diagnostic? {
        let step = StepName(address: fetch.address, operation: .fetch)
        let (began, location) = (Clock.monotonic(), locations[fetch.address])
        events(.stepStarted(step, location))
        do {
            try await fetch.run { events(.stepProgress($0)) }
            events(.stepDone(step, milliseconds: Double(Clock.monotonic() - began) / 1e6))
            return nil
        } catch {
            let diagnostic = Failure.diagnostic(error, fetch.address, location)
            events(.stepFailed(step, diagnostic))
            return diagnostic
        }
    }
}
