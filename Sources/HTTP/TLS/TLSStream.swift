import Linux
import Synchronization

/// A stream of bytes through TLS over another stream.
///
/// One task may read while another writes. No thread waits: OpenSSL works on buffers, and what these lack or hold is
/// read from and written to the other stream.
package final class TLSStream: ByteStream {
    private let transport: any ByteStream
    private let session: Mutex<TLSSession>
    private let outlet = OrderedOutlet()
    private let proven = Mutex<PeerCertificate?>(nil)
    private let role: TLSContext.Role
    private let limits: TLSLimits
    private let onFailure: @Sendable (TLSError) -> Void
    /// What is encrypted and sent at a time.
    private static let pieceBytes = 64 * 1024
    /// Short, so that what a client sends after its part of the handshake stays in the kernel.
    private static let handshakePieceBytes = 16 * 1024
    /// Seconds for a peer to take our last record.
    private static let endSeconds = 5

    /// A stream before its handshake; it owns `transport`.
    ///
    /// - Parameters:
    ///   - serverName: what the server's certificate must hold, a name or an address; of clients only.
    ///   - onFailure: called where the handshake fails.
    package init(
        _ context: TLSContext, over transport: any ByteStream, serverName: String? = nil,
        limits: TLSLimits = TLSLimits(), onFailure: @escaping @Sendable (TLSError) -> Void = { _ in }
    ) throws(TLSError) {
        self.transport = transport
        self.limits = limits
        self.onFailure = onFailure
        role = context.role
        session = Mutex(try TLSSession(context, limits: limits, serverName: serverName))
    }

    package var remoteAddress: String? { transport.remoteAddress }

    /// The certificate that the peer proved to have, once the handshake is over.
    package var certificate: PeerCertificate? { proven.withLock { $0 } }

    // MARK: Handshake

    /// Agrees on keys with the peer.
    ///
    /// - Throws: `TLSError`; `CancellationError`, or what the other stream answers to being closed.
    package func establish() async throws {
        do {
            try await withTimeout(.seconds(limits.handshakeSeconds)) { [self] in try await shakeHands() }
            let certificate = session.withLock { $0.peerCertificate() }
            proven.withLock { $0 = certificate }
        } catch is TimeoutError {
            throw await failed(.handshakeTimeout(seconds: limits.handshakeSeconds))
        } catch let error as TLSError {
            throw await failed(error)
        } catch let error as SystemError where !Task.isCancelled {
            throw await failed(.handshake("\(error)"))
        }
    }

    private func shakeHands() async throws {
        if role == .server { try await firstBytes() }
        while true {
            let progress = Result { () throws(TLSError) in
                try session.withLock { session throws(TLSError) in try session.shakeHands() }
            }
            switch progress {
            case .success: try await drain()
            // What is sent is the alert that tells the peer why.
            case .failure: try? await drain()
            }
            if try progress.get() == .done { return }
            let bytes = try await transport.read(max: Self.handshakePieceBytes)
            guard !bytes.isEmpty else { throw TLSError.handshake("the peer closed the connection") }
            session.withLock { $0.feed(bytes) }
        }
    }

    /// Reads until it is known whether a client speaks TLS.
    private func firstBytes() async throws {
        var bytes: [UInt8] = []
        repeat {
            let more = try await transport.read(max: Self.handshakePieceBytes)
            guard !more.isEmpty else {
                throw bytes.isEmpty ? TLSError.abandoned : .handshake("the peer closed the connection")
            }
            bytes += more
        } while PlainRequest.isPossible(bytes) && bytes.count < PlainRequest.knownAfter
        guard !PlainRequest.isPossible(bytes) else {
            try await transport.write(PlainRequest.answer)
            throw TLSError.plainRequest
        }
        let taken = bytes
        session.withLock { $0.feed(taken) }
    }

    private func failed(_ error: TLSError) async -> TLSError {
        onFailure(error)
        // Closing over unread bytes resets the connection, and the client would not see why.
        if role == .server, error != .abandoned {
            await transport.finishWriting()
            let transport = self.transport
            try? await withTimeout(.seconds(1)) {
                var passed = 0
                while passed < 1 << 20 {
                    let bytes = try await transport.read(max: 65536)
                    if bytes.isEmpty { return }
                    passed += bytes.count
                }
            }
        }
        return error
    }

    // MARK: Data

    package func read(max: Int) async throws -> [UInt8] {
        while true {
            let reading = Result { () throws(TLSError) in
                try session.withLock { session throws(TLSError) in try session.read(max: max) }
            }
            if session.withLock({ $0.hasOutput }) { await sendAnswers() }
            switch try reading.get() {
            case .bytes(let bytes): return bytes
            case .end: return []
            case .needsInput:
                let bytes = try await transport.read(max: Self.pieceBytes)
                guard !bytes.isEmpty else { throw TLSError.truncated }
                session.withLock { $0.feed(bytes) }
            }
        }
    }

    /// Sends what reading made: answers (to an update of keys) and alerts.
    ///
    /// Who reads may be cancelled and read again later; a record that is cut off in the middle would end the writer's
    /// connection. Data that was read is worth more than a failure here, which the next write meets too.
    private func sendAnswers() async {
        let sending = Task {
            try await outlet.drainUnlessSending(
                { [self] in takeOutput() }, { [self] in try await transport.write($0) })
        }
        _ = await sending.result
    }

    package func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.pieceBytes)
            try session.withLock { session throws(TLSError) in try session.write(piece) }
            try await drain()
            rest = rest.dropFirst(piece.count)
        }
    }

    private func takeOutput() -> [UInt8] { session.withLock { $0.takeOutput() } }

    private func drain() async throws {
        try await outlet.drain({ [self] in takeOutput() }, { [self] in try await transport.write($0) })
    }

    // MARK: Ends

    package func finishWriting() async {
        session.withLock { $0.finish() }
        // The peer may be gone already; then there is nobody to tell.
        try? await withTimeout(.seconds(Self.endSeconds)) { [self] in try await drain() }
        await transport.finishWriting()
    }

    /// Ends both directions at once; where `finishWriting` came before, the peer knows that it has everything.
    package func close() { transport.close() }
}

/// What a client sends that speaks HTTP where TLS is expected.
private enum PlainRequest {
    /// The beginnings of requests; the first byte of TLS is no letter.
    private static let beginnings = ["GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "CONNE"].map {
        Array($0.utf8)
    }
    static let knownAfter = 5

    static func isPossible(_ bytes: [UInt8]) -> Bool {
        beginnings.contains { $0.starts(with: bytes.prefix(knownAfter)) }
    }

    /// The words of Go's server, which people know to look for.
    static let answer = Array(
        ("HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
            + "Client sent an HTTP request to an HTTPS server.\n").utf8)
}
