import Archives
import HTTP
import Linux
import Synchronization
import Testing

/// An HTTP server that speaks TLS on a port of its own.
struct TLSLab: Sendable {
    let certificates: TLSCertificates
    let port: UInt16
    let listener: TLSListener
    private let log: Log

    private final class Log: Sendable {
        let failures = Mutex<[TLSError]>([])
        let errors = Mutex<[String]>([])
    }

    /// Bounds that no handshake meets, however busy the machine is.
    static let patience: TLSLimits = {
        var limits = TLSLimits()
        limits.handshakeSeconds = 120
        return limits
    }()

    /// One byte after the other of what `/bytes` sends.
    static let block: [UInt8] = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) }

    /// Runs a body while the server serves.
    static func with<Answer: Sendable>(
        limits: TLSLimits = TLSLab.patience,
        _ configure: @escaping @Sendable (TLSCertificates, inout TLSServerConfiguration) -> Void = { _, _ in },
        _ body: @escaping @Sendable (TLSLab) async throws -> Answer
    ) async throws -> Answer {
        try await TLSCertificates.with { certificates in
            var configuration = certificates.server
            configure(certificates, &configuration)
            let context = try TLSContext(server: configuration)
            let socket = try SocketListener.tcp(.loopback, port: 0)
            let log = Log()
            let listener = TLSListener(over: socket, context: context, limits: limits) { error, client in
                #expect(client?.hasPrefix("127.0.0.1:") == true)
                log.failures.withLock { $0.append(error) }
            }
            let lab = TLSLab(certificates: certificates, port: try socket.localPort(), listener: listener, log: log)
            var bounds = HTTPLimits()
            bounds.stallSeconds = 120
            let server = HTTPServer(
                listener: listener, limits: bounds,
                failure: { error in
                    log.errors.withLock { $0.append("\(error)") }
                    return HTTPServer.plainFailure(error)
                }, handler: handle)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                let answer = try await body(lab)
                group.cancelAll()
                return answer
            }
        }
    }

    /// Why handshakes failed, in order.
    var failures: [TLSError] { log.failures.withLock { $0 } }

    /// What requests ended with that were not served, in order.
    var errors: [String] { log.errors.withLock { $0 } }

    /// Waits until a handshake has failed in such a way.
    func eventuallyFailed(_ matches: (TLSError) -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws
    {
        for _ in 0..<1200 where !failures.contains(where: matches) {
            try await EventLoop.shared.sleep(for: .milliseconds(50))
        }
        let hasFailed = failures.contains(where: matches)
        #expect(hasFailed, "\(failures)", sourceLocation: sourceLocation)
    }

    func url(_ target: String) -> String { "https://127.0.0.1:\(port)\(target)" }

    /// A client of ours.
    func client(as name: String? = nil) throws -> HTTPClient {
        let port = self.port
        let context = try TLSContext(client: certificates.client(as: name))
        return HTTPClient(common: ["Host": "127.0.0.1"]) {
            let socket = try await AsyncSocket.connect(to: .loopback, port: port)
            return try TLSStream(context, over: socket, serverName: "127.0.0.1", limits: Self.patience)
        }
    }

    /// Runs curl, which trusts the authority.
    func curl(_ arguments: String..., input: [UInt8] = []) async throws -> ProcessResult {
        let common = ["-sS", "--max-time", "280", "--noproxy", "*", "--cacert", certificates.certificate("ca")]
        return try await Spawn.run(
            SpawnRequest("/usr/bin/curl", common + arguments), input: input, timeout: .seconds(150))
    }

    /// Runs `openssl s_client`, whose input is at its end at once.
    func sClient(_ arguments: String..., input: String = "") async throws -> ProcessResult {
        let common = ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificates.certificate("ca")]
        return try await Spawn.run(
            SpawnRequest("/usr/bin/openssl", common + arguments), input: Array(input.utf8), timeout: .seconds(150))
    }

    // MARK: What the server does

    private static let handle: HTTPHandler = { request, responder in
        switch request.target.path {
        case "/who":
            let certificate = request.certificate
            let text = "\(certificate?.subject ?? "nobody") \(certificate?.isVerified ?? false)\n"
            try await responder.respond(200, body: Array(text.utf8))
        case "/bytes":
            try await responder.begin()
            for _ in 0..<(Int(request.target.first("blocks") ?? "") ?? 1) { try await responder.write(block) }
            try await responder.finish()
        case "/whole": try await responder.respond(200, body: block)
        case "/digest":
            let hash = SHA256()
            while let piece = try await request.body.next() { hash.update(piece) }
            try await responder.respond(200, body: Array("\(hash.byteCount) \(hash.finishHex())".utf8))
        case "/raw":
            let raw = try await responder.hijack(upgrade: request.headers["Upgrade"], contentType: "text/plain")
            try await echo(raw)
        default: try await responder.respond(404, body: Array("nothing here\n".utf8))
        }
    }

    /// Sends back what comes; at its end says how much that was, which a stream closed as a whole would lose.
    private static func echo(_ raw: HijackedStream) async throws {
        var count = 0
        while true {
            let piece = try await raw.read()
            if piece.isEmpty { break }
            count += piece.count
            try await raw.write(piece)
        }
        try await raw.write(Array("\n\(count) bytes came".utf8))
        await raw.shutdownWrite()
        raw.close()
    }
}
