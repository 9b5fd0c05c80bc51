/// Why no response, or no whole response, came.
struct TransportFailure: Error, Sendable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// libcurl is not there.
        case library
        /// The name has no address.
        case unresolved
        /// Nobody listens, or no way leads there.
        case unconnected
        /// TLS could not be spoken; a server of plain HTTP looks like this.
        case handshake
        /// The peer's certificate is not to be trusted.
        case untrusted
        /// Our certificate, key or authority file cannot be used.
        case ownCertificate
        /// Nothing came for too long.
        case silence
        /// The connection ended in the middle.
        case broken
        /// The peer does not speak HTTP, or its head is too long.
        case badReply
        /// What was to be sent could not be read.
        case source
        /// The caller wants no more of it.
        case cancelled
    }

    let kind: Kind
    let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    var description: String { reason }

    /// Whether a transfer that was under way may go on later: then the peer was there a moment ago.
    var isTransientUnderWay: Bool {
        switch kind {
        case .silence, .broken, .unconnected, .unresolved: true
        default: false
        }
    }
}
