/// A file that TLS is set up from.
package enum TLSFile: String, Sendable, Equatable {
    case certificate = "certificate"
    case key = "private key"
    case authority = "certificate authority"
}

/// What can go wrong while setting up TLS and while speaking it.
package enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// libssl cannot be loaded; the loader's reason.
    case libraryMissing(String)
    /// A file cannot be read; the system's reason.
    case unreadable(TLSFile, path: String, reason: String)
    /// A file has no such thing in it, or a damaged one; OpenSSL's reason.
    case damaged(TLSFile, path: String, reason: String)
    /// The private key is protected by a password.
    case encryptedKey(path: String)
    /// The private key is not that of the certificate.
    case keyMismatch(key: String, certificate: String)
    /// OpenSSL takes neither the file nor the setting; its reason.
    case refused(String, reason: String)
    /// The client spoke HTTP without TLS.
    case plainRequest
    /// No keys were agreed on; the reason.
    case handshake(String)
    /// The peer closed before the first byte, as a probe of the port does.
    case abandoned
    /// The peer was too slow to agree on keys.
    case handshakeTimeout(seconds: Int)
    /// The peer sends records without end that carry nothing.
    case flood
    /// The peer's bytes ended without the alert that says so (RFC 8446, section 6.1): the rest may have been cut off.
    case truncated
    /// The connection is broken; the reason.
    case broken(String)
    /// Bytes before the handshake, or written after the end.
    case misuse(String)

    package var description: String {
        switch self {
        case .libraryMissing(let reason): "OpenSSL's libssl cannot be loaded: \(reason)"
        case .unreadable(let file, let path, let reason): "the \(file.rawValue) \(path) cannot be read: \(reason)"
        case .damaged(let file, let path, let reason):
            "\(path) holds no \(file.rawValue) in PEM that can be read: \(reason)"
        case .encryptedKey(let path): "the private key \(path) is protected by a password"
        case .keyMismatch(let key, let certificate):
            "the private key \(key) is not that of the certificate \(certificate)"
        case .refused(let what, let reason): "OpenSSL refuses \(what): \(reason)"
        case .plainRequest: "the client sent an HTTP request without TLS"
        case .handshake(let reason): "the TLS handshake failed: \(reason)"
        case .abandoned: "the peer closed the connection before the TLS handshake"
        case .handshakeTimeout(let seconds): "the TLS handshake was not over after \(seconds) seconds"
        case .flood: "the peer sends TLS records without end that carry no data"
        case .truncated: "the connection ended without TLS's close_notify: data may be missing"
        case .broken(let reason): "the TLS connection is broken: \(reason)"
        case .misuse(let reason): reason
        }
    }

    /// What to do about it, where that is known.
    package var hint: String? {
        switch self {
        case .libraryMissing: "apt-get install libssl3"
        case .encryptedKey(let path): "write it without: openssl pkey -in \(path) -out KEY, in a file of mode 0600"
        case .keyMismatch(let key, let certificate):
            "these print the same where they belong together: openssl x509 -in \(certificate) -noout -pubkey; "
                + "openssl pkey -in \(key) -pubout"
        case .damaged(.certificate, _, _), .damaged(.authority, _, _):
            "a PEM file has -----BEGIN CERTIFICATE----- blocks: of the server first, then those of the authorities"
        case .damaged(.key, _, _): "a PEM file has one -----BEGIN PRIVATE KEY----- block"
        default: nil
        }
    }
}
