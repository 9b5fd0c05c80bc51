/// How a server speaks TLS: 1.2 or later, forward secret ciphers with authenticated encryption only.
package struct TLSServerConfiguration: Sendable, Equatable {
    /// The path of the certificate in PEM, those of the authorities between it and the root after it.
    package var certificate: String
    /// The path of its private key in PEM, not encrypted.
    package var key: String
    /// The path of the authorities in PEM that sign clients' certificates; `nil` asks clients for none.
    package var clientAuthority: String?
    /// Whether a client without a certificate is turned away; counts only with `clientAuthority`.
    package var requiresClientCertificate = true

    /// A server that asks clients for no certificate, or for one of `clientAuthority`.
    package init(certificate: String, key: String, clientAuthority: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientAuthority = clientAuthority
    }
}

/// How a client speaks TLS: 1.2 or later.
package struct TLSClientConfiguration: Sendable, Equatable {
    /// The path of the authorities in PEM that the server's certificate must come from; `nil` takes the system's.
    package var authority: String?
    /// The path of our certificate in PEM, for servers that ask for one.
    package var certificate: String?
    /// The path of its private key in PEM.
    package var key: String?
    /// Whether the server must prove who it is; without it anybody on the way can read and change everything.
    package var verifiesServer = true

    /// A client that verifies the server.
    package init(authority: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
    }
}

/// Limits on what a peer may do before and between bytes of data.
package struct TLSLimits: Sendable, Equatable {
    /// Seconds until the handshake must be over.
    package var handshakeSeconds = 10
    /// Bytes that a handshake may take; chains of certificates are the long part.
    package var handshakeBytes = 256 * 1024
    /// Bytes of records that carry no data, one after the other.
    package var emptyBytes = 64 * 1024

    /// The defaults.
    package init() {}
}

/// The certificate that a peer proved to have.
package struct PeerCertificate: Sendable, Hashable {
    /// The subject in the form of RFC 2253 (`CN=alice,O=Example`); anything but printable ASCII is escaped.
    package var subject: String
    /// The SHA-256 of the certificate in DER, in hexadecimal.
    package var fingerprint: String
    /// Whether it comes from an authority that was asked for.
    package var isVerified: Bool
}

/// Something about a certificate that does not keep it from being used.
package enum TLSWarning: Sendable, Hashable, CustomStringConvertible {
    /// Its time is over, since (RFC 3339).
    case expired(path: String, at: String)
    /// Its time begins later, at (RFC 3339).
    case early(path: String, at: String)
    /// Anybody on the host can read the private key.
    case readableByAll(path: String)

    package var description: String {
        switch self {
        case .expired(let path, let at): "the certificate \(path) expired at \(at): clients will refuse it"
        case .early(let path, let at): "the certificate \(path) is valid only from \(at): clients will refuse it"
        case .readableByAll(let path): "the private key \(path) can be read by everybody: chmod 600 \(path)"
        }
    }
}
