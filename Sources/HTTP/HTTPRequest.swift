import Linux

/// One request as a handler sees it.
package struct HTTPRequest: Sendable {
    /// The method.
    package let method: String
    /// Path and query, decoded.
    package let target: RequestTarget
    /// The fields.
    package let headers: HTTPHeaders
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    package let minorVersion: Int
    /// The body.
    package let body: HTTPBody
    /// Whether the message is framed to carry a body.
    package let hasBody: Bool
    /// Who sent it, where the kernel knows.
    package let peer: PeerCredentials?
    /// The certificate that the client proved to have (TLS).
    package let certificate: PeerCertificate?
    private let reader: ConnectionReader

    init(
        head: RequestHead, target: RequestTarget, hasBody: Bool, peer: PeerCredentials?,
        certificate: PeerCertificate?, reader: ConnectionReader
    ) {
        method = head.method
        self.target = target
        headers = head.headers
        minorVersion = head.minorVersion
        self.hasBody = hasBody
        self.peer = peer
        self.certificate = certificate
        self.reader = reader
        body = HTTPBody(reader: reader)
    }

    /// Runs `work`, cancelling it when the client goes away.
    ///
    /// For streams that may be silent for long.
    ///
    /// The body must have been read before.
    package func whileConnected(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let reader = self.reader
        try await withThrowingTaskGroup(of: WatchedEnd.self) { group in
            group.addTask {
                try await work()
                return .worked
            }
            group.addTask { await reader.peerClosed() ? .gone : .unwatched }
            // A watcher that gives up (a client that pipelines without end) must not end the work.
            while let end = try await group.next(), end == .unwatched {}
            group.cancelAll()
        }
    }
}

/// How a watched piece of work came to its end.
private enum WatchedEnd: Sendable { case worked, gone, unwatched }
