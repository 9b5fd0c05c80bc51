import HTTP
import Linux
import Synchronization

/// One request and its answer, with what is counted and logged of both.
final class APICall: Sendable {
    /// What became of the request.
    struct Outcome: Sendable {
        var status = 0
        /// Bytes of the bodies.
        var received: Int64 = 0
        var sent: Int64 = 0
        var user: String?
    }

    private let request: HTTPRequest
    private let responder: HTTPResponder
    let metrics: RegistryMetrics
    private let state = Mutex(Outcome())
    private let started = Clock.monotonic()

    /// A body that comes slower than this for a minute, in bytes each second, holds a connection for nothing.
    private static let slowest: Int64 = 1024

    init(_ request: HTTPRequest, _ responder: HTTPResponder, metrics: RegistryMetrics) {
        self.request = request
        self.responder = responder
        self.metrics = metrics
    }

    var method: String { request.method }
    var path: String { request.target.path }
    var headers: HTTPHeaders { request.headers }
    var outcome: Outcome { state.withLock { $0 } }
    /// Since the request's head was read.
    var nanoseconds: Int64 { Clock.monotonic() - started }

    func query(_ name: String) -> String? { request.target.first(name) }
    func queries(_ name: String) -> [String] { request.target.all(name) }

    /// Notes who calls.
    func name(_ user: String?) { state.withLock { $0.user = user } }

    // MARK: The request's body

    /// Bytes of the body, where they were announced.
    var length: Int64? { request.headers["Content-Length"].flatMap { Int64($0) } }

    /// The next piece of the body; nil at its end.
    func nextPiece() async throws -> [UInt8]? {
        guard let piece = try await request.body.next() else { return nil }
        let received = state.withLock { state in
            state.received += Int64(piece.count)
            return state.received
        }
        let seconds = nanoseconds / 1_000_000_000
        if seconds >= 60, received / seconds < Self.slowest { throw HTTPError.timeout }
        return piece
    }

    /// The whole body.
    ///
    /// - Throws: `HTTPError.bodyTooLarge`; where the body is not much too large it is read past first, since many
    ///   clients look for an answer only when they have sent all.
    func body(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var count = 0
        while let piece = try await nextPiece() {
            count += piece.count
            if count <= limit { bytes += piece } else { bytes = [] }
            guard count <= limit * 4 else { break }
        }
        guard count <= limit else { throw HTTPError.bodyTooLarge(limit: limit) }
        return bytes
    }

    // MARK: The answer

    /// Whether an answer was begun.
    var hasBegun: Bool { get async { await responder.hasBegun } }

    /// Sends a whole answer.
    func respond(_ status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) async throws {
        state.withLock {
            $0.status = status
            if method != "HEAD" { $0.sent += Int64(body.count) }
        }
        try await responder.respond(status, headers: headers, body: body)
    }

    /// Sends an answer without its body, as to HEAD.
    func respond(_ status: Int, headers: HTTPHeaders, length: Int64?) async throws {
        try await begin(status, headers: headers, length: length)
        try await finish()
    }

    /// Sends the head of an answer; the body follows by `write`, then `finish`.
    ///
    /// - Parameter length: its bytes, where they are known.
    func begin(_ status: Int = 200, headers: HTTPHeaders, length: Int64? = nil) async throws {
        state.withLock { $0.status = status }
        if let length {
            try await responder.begin(status, headers: headers, length: length)
        } else {
            try await responder.begin(status, headers: headers)
        }
    }

    func write(_ bytes: [UInt8]) async throws {
        guard method != "HEAD" else { return }
        try await responder.write(bytes)
        state.withLock { $0.sent += Int64(bytes.count) }
    }

    func finish() async throws { try await responder.finish() }
}
