import HTTP
import Linux
import Synchronization

/// One client's connection: it ends when the client neither takes nor sends anything for too long, and, once the server
/// is to stop, as soon as no request is under way on it.
final class RegistryConnection: ByteStream {
    private struct State {
        var isBusy = false
        var isDraining = false
    }

    private let stream: any ByteStream
    private let idle: Duration
    private let state = Mutex(State())
    /// What is written at once: a client that takes this much in time is slow, not stuck.
    private static let writeSize = 64 << 10

    init(_ stream: any ByteStream, idle: Duration) {
        self.stream = stream
        self.idle = idle
    }

    // MARK: Requests

    /// A request begins.
    func begin() { state.withLock { $0.isBusy = true } }

    /// Its answer is sent.
    func end() {
        state.withLock { $0.isBusy = false }
    }

    /// Closes the connection now, or after the request under way.
    func drain() {
        let isIdle = state.withLock {
            $0.isDraining = true
            return !$0.isBusy
        }
        if isIdle { stream.close() }
    }

    private var isDraining: Bool { state.withLock { $0.isDraining && !$0.isBusy } }

    // MARK: Bytes

    func establish() async throws { try await stream.establish() }

    func readAvailable(max: Int) async throws -> [UInt8]? {
        isDraining ? nil : try await stream.readAvailable(max: max)
    }

    func read(max: Int) async throws -> [UInt8] {
        if isDraining { return [] }
        let stream = self.stream
        do {
            return try await withTimeout(idle) { try await stream.read(max: max) }
        } catch is TimeoutError {
            return []
        }
    }

    func write(_ bytes: [UInt8]) async throws {
        let stream = self.stream
        var start = 0
        while start < bytes.count {
            let end = min(start + Self.writeSize, bytes.count)
            let piece = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
            try await withTimeout(idle) { try await stream.write(piece) }
            start = end
        }
    }

    func finishWriting() async { await stream.finishWriting() }

    func close() { stream.close() }

    var peer: PeerCredentials? { stream.peer }
    var certificate: PeerCertificate? { stream.certificate }

    var remoteAddress: String? { stream.remoteAddress }
}

/// The connections that are open.
final class ConnectionSet: Sendable {
    private struct State {
        var open: [ObjectIdentifier: RegistryConnection] = [:]
        var isDraining = false
    }

    private let state = Mutex(State())

    var isDraining: Bool { state.withLock { $0.isDraining } }
    var isEmpty: Bool { state.withLock { $0.open.isEmpty } }

    func add(_ connection: RegistryConnection) {
        let isLate = state.withLock {
            $0.open[ObjectIdentifier(connection)] = connection
            return $0.isDraining
        }
        if isLate { connection.drain() }
    }

    func remove(_ connection: RegistryConnection) {
        state.withLock { $0.open[ObjectIdentifier(connection)] = nil }
    }

    /// Lets each connection end with its request.
    func drain() {
        let open = state.withLock {
            $0.isDraining = true
            return Array($0.open.values)
        }
        for connection in open { connection.drain() }
    }

    /// Ends each connection now.
    func close() {
        for connection in state.withLock({ Array($0.open.values) }) { connection.close() }
    }
}
