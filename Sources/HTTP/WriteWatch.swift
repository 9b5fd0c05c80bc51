import Linux
import Synchronization

/// When the write that a connection is in began; nothing is paid for it but a number.
final class WriteClock: Sendable {
    private let began = Atomic<Int64>(0)

    func start() { began.store(max(1, Clock.monotonic()), ordering: .relaxed) }

    func stop() { began.store(0, ordering: .relaxed) }

    /// Nanoseconds since the write began; nil where there is none.
    func age(at now: Int64) -> Int64? {
        let began = self.began.load(ordering: .relaxed)
        return began == 0 ? nil : now - began
    }
}

/// Closes connections whose peers do not take what is written to them.
final class WriteWatch: Sendable {
    private struct Watched {
        let clock: WriteClock
        let stream: any ByteStream
    }

    private let limit: Int64
    private let state = Mutex<(connections: [Int: Watched], next: Int)>(([:], 0))

    /// - Parameter seconds: how long a write may take.
    init(seconds: Int) { limit = Int64(seconds) * 1_000_000_000 }

    /// Watches a connection until `remove`.
    func add(_ stream: any ByteStream, _ clock: WriteClock) -> Int {
        state.withLock { state in
            state.next += 1
            state.connections[state.next] = Watched(clock: clock, stream: stream)
            return state.next
        }
    }

    func remove(_ id: Int) { state.withLock { $0.connections[id] = nil } }

    /// Looks now and then, until cancelled.
    func run() async {
        while !Task.isCancelled {
            guard (try? await EventLoop.shared.sleep(for: .nanoseconds(max(limit / 4, 10_000_000)))) != nil else {
                return
            }
            let now = Clock.monotonic()
            let stuck = state.withLock { state in
                state.connections.values.filter { ($0.clock.age(at: now) ?? 0) > limit }
            }
            for connection in stuck { connection.stream.close() }
        }
    }
}
