import Linux

/// Whom TLS trusts, and as whom we show ourselves.
struct TransportTrust: Sendable, Hashable {
    /// Certificates of authorities in PEM, trusted besides the system's.
    var authorities: [UInt8] = []
    /// The path of our own certificate.
    var clientCertificate: String?
    /// The path of its key.
    var clientKey: String?
    /// Whether the peer's certificate is verified.
    var isVerified = true
}

/// Hosts that only this machine answers for.
enum LoopbackHost {
    /// Whether a host (without port, IPv6 in brackets or not) is `localhost`, of 127.0.0.0/8, or ::1.
    static func contains(_ host: some StringProtocol) -> Bool {
        let name = host.lowercased()
        if name == "localhost" { return true }
        let inner = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
        guard let address = IPAddress(inner) else { return false }
        return address.isV4 ? address.bytes.first == 127 : address.bytes == Array(repeating: 0, count: 15) + [1]
    }
}
