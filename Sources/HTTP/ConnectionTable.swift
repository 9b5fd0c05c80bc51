import Linux
import Synchronization

/// What one connection is doing.
final class ConnectionState: Sendable {
    /// What its end would break off.
    enum Phase: UInt8, Sendable {
        /// Nothing: it waits for a request.
        case idle
        /// A request that comes to an end by itself.
        case busy
        /// Something that goes on until somebody ends it: a follow of logs, an attached client.
        case endless
    }

    let stream: any ByteStream
    private let server: ServerPhase
    private let phaseValue = Atomic<UInt8>(0)
    private let writeBegan = Atomic<Int64>(0)

    init(_ stream: any ByteStream, server: ServerPhase = ServerPhase()) {
        self.stream = stream
        self.server = server
    }

    var phase: Phase { Phase(rawValue: phaseValue.load(ordering: .acquiring)) ?? .idle }

    /// Goes to another phase; closes where the server stops and nothing would be broken off that ends by itself.
    func enter(_ phase: Phase) {
        phaseValue.store(phase.rawValue, ordering: .sequentiallyConsistent)
        if phase != .busy, server.isStopping { stream.close() }
    }

    func beginWrite() { writeBegan.store(max(1, Clock.monotonic()), ordering: .relaxed) }

    func endWrite() { writeBegan.store(0, ordering: .relaxed) }

    /// Nanoseconds since the write that it is in began; nil where it is in none.
    func writeAge(at now: Int64) -> Int64? {
        let began = writeBegan.load(ordering: .relaxed)
        return began == 0 ? nil : now - began
    }
}

/// Whether a server takes new requests.
final class ServerPhase: Sendable {
    private let stopping = Atomic<Bool>(false)

    var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

    func stop() { stopping.store(true, ordering: .sequentiallyConsistent) }
}

/// The open connections of a server.
final class ConnectionTable: Sendable {
    private let writeLimit: Int64
    let server = ServerPhase()
    private let state = Mutex<(connections: [Int: ConnectionState], next: Int, deadline: Int64)>(([:], 0, .max))

    /// - Parameter writeSeconds: how long a write may take.
    init(writeSeconds: Int) { writeLimit = Int64(writeSeconds) * 1_000_000_000 }

    /// Enters a connection, until `remove`.
    func add(_ stream: any ByteStream) -> (id: Int, connection: ConnectionState) {
        let connection = ConnectionState(stream, server: server)
        return state.withLock { state in
            state.next += 1
            state.connections[state.next] = connection
            return (state.next, connection)
        }
    }

    func remove(_ id: Int) { state.withLock { $0.connections[id] = nil } }

    /// Closes connections whose peers do not take what is written to them, until cancelled.
    func watchWrites() async {
        while !Task.isCancelled {
            let pause = Duration.nanoseconds(max(writeLimit / 4, 10_000_000))
            guard (try? await EventLoop.shared.sleep(for: pause)) != nil else { return }
            let now = Clock.monotonic()
            let stuck = state.withLock { state in
                state.connections.values.filter { ($0.writeAge(at: now) ?? 0) > writeLimit }
            }
            for connection in stuck { connection.stream.close() }
        }
    }

    /// Closes what breaks nothing off that would end by itself; the rest has until then.
    func stop(within grace: Duration) {
        server.stop()
        let connections = state.withLock { state in
            state.deadline = Clock.monotonic() + grace.wholeNanoseconds
            return Array(state.connections.values)
        }
        for connection in connections where connection.phase != .busy { connection.stream.close() }
    }

    /// Waits until no connection is left, or the time is over that `stop` gave.
    func waitUntilEmpty() async {
        while !Task.isCancelled {
            let isOver = state.withLock { $0.connections.isEmpty || Clock.monotonic() >= $0.deadline }
            if isOver { return }
            guard (try? await EventLoop.shared.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }
}
