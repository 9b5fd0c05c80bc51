import CTLS
import Linux

/// One side of one TLS connection over buffers in memory: it reads no socket and never waits.
///
/// What comes from the peer goes in by `feed`; what `takeOutput` gives is to be sent to the peer, in that order.
struct TLSSession: ~Copyable {
    /// How far the handshake is.
    enum Progress { case done, needsInput }

    /// What reading gave.
    enum Reading { case bytes([UInt8]), end, needsInput }

    private let openssl: UnsafePointer<tls_library>
    private let verifies: Bool
    private let limits: TLSLimits
    private let ssl: OpaquePointer
    // Both belong to `ssl`.
    private let input: OpaquePointer
    private let output: OpaquePointer
    private var failure: TLSError?
    private var isEstablished = false
    private var hasFinished = false
    /// Bytes fed since the last that were data.
    private var emptyBytes = 0
    /// The most data that a record carries (RFC 8446, section 5.1).
    private static let recordBytes = 16 * 1024

    /// A session at its start.
    ///
    /// - Parameter serverName: the name or address that the server's certificate must hold; of clients only.
    init(_ context: TLSContext, limits: TLSLimits, serverName: String? = nil) throws(TLSError) {
        let made = try Self.make(context, serverName)
        openssl = context.openssl
        verifies = context.verifies
        self.limits = limits
        ssl = made.ssl
        input = made.input
        output = made.output
    }

    private static func make(
        _ context: TLSContext, _ serverName: String?
    ) throws(TLSError) -> (ssl: OpaquePointer, input: OpaquePointer, output: OpaquePointer) {
        let openssl = context.openssl
        openssl.forgetErrors()
        guard let ssl = openssl.pointee.SSL_new(context.handle) else { throw noMemory }
        do throws(TLSError) {
            guard let input = openssl.pointee.BIO_new(openssl.pointee.BIO_s_mem()) else { throw noMemory }
            guard let output = openssl.pointee.BIO_new(openssl.pointee.BIO_s_mem()) else {
                _ = openssl.pointee.BIO_free(input)
                throw noMemory
            }
            openssl.pointee.SSL_set_bio(ssl, input, output)
            switch context.role {
            case .server: openssl.pointee.SSL_set_accept_state(ssl)
            case .client: openssl.pointee.SSL_set_connect_state(ssl)
            }
            if let serverName { try expect(serverName, openssl, ssl) }
            return (ssl, input, output)
        } catch {
            openssl.pointee.SSL_free(ssl)
            throw error
        }
    }

    private static var noMemory: TLSError { .broken("OpenSSL has no memory for another connection") }

    deinit { openssl.pointee.SSL_free(ssl) }

    /// Makes the server prove a name: by the handshake, and by the extension that names it (RFC 6066, section 3), which
    /// holds no addresses.
    private static func expect(
        _ name: String, _ openssl: UnsafePointer<tls_library>, _ ssl: OpaquePointer
    ) throws(TLSError) {
        let isAccepted: Bool
        if IPAddress(name) != nil {
            isAccepted =
                openssl.pointee.X509_VERIFY_PARAM_set1_ip_asc(openssl.pointee.SSL_get0_param(ssl), name) == 1
        } else {
            isAccepted =
                openssl.pointee.SSL_set1_host(ssl, name) == 1
                && name.withCString {
                    openssl.pointee.SSL_ctrl(
                        ssl, Int32(tls_control_server_name), 0, UnsafeMutableRawPointer(mutating: $0))
                } == 1
        }
        if !isAccepted { throw .refused("the server name \(name)", reason: openssl.takeReason()) }
    }

    // MARK: The peer's side

    /// Takes what came from the peer.
    mutating func feed(_ bytes: [UInt8]) {
        emptyBytes += bytes.count
        // A buffer in memory takes everything, or the process has no memory left.
        _ = bytes.withUnsafeBytes { openssl.pointee.BIO_write(input, $0.baseAddress, Int32($0.count)) }
    }

    /// Whether there is something to be sent to the peer.
    var hasOutput: Bool { openssl.pointee.BIO_ctrl_pending(output) > 0 }

    /// Everything to be sent to the peer; empty where there is nothing.
    func takeOutput() -> [UInt8] {
        let count = openssl.pointee.BIO_ctrl_pending(output)
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, Int(openssl.pointee.BIO_read(output, buffer.baseAddress, Int32(count))))
        }
    }

    // MARK: Our side

    /// Goes on with the handshake as far as the peer's bytes reach.
    mutating func shakeHands() throws(TLSError) -> Progress {
        if let failure { throw failure }
        openssl.forgetErrors()
        let answer = openssl.pointee.SSL_do_handshake(ssl)
        if answer == 1 {
            isEstablished = true
            emptyBytes = 0
            return .done
        }
        if openssl.pointee.SSL_get_error(ssl, answer) != Int32(tls_error_wants_reading) {
            throw fail(.handshake(handshakeReason()))
        }
        if emptyBytes > limits.handshakeBytes { throw fail(.flood) }
        return .needsInput
    }

    private func handshakeReason() -> String {
        let isVerification = tls_is_verification(openssl.pointee.ERR_peek_last_error()) != 0
        let reason = openssl.takeReason()
        guard isVerification else { return reason }
        let code = openssl.pointee.SSL_get_verify_result(ssl)
        guard code != 0, let text = openssl.pointee.X509_verify_cert_error_string(code) else { return reason }
        return "\(reason): \(String(cString: text))"
    }

    /// The data that is there, at most `max` bytes.
    mutating func read(max: Int) throws(TLSError) -> Reading {
        if let failure { throw failure }
        guard isEstablished else { throw .misuse("a read before the TLS handshake") }
        openssl.forgetErrors()
        let held = openssl.pointee.BIO_ctrl_pending(input) + Int(openssl.pointee.SSL_pending(ssl))
        let room = min(Swift.max(max, 1), held + Self.recordBytes)
        var answer: Int32 = 1
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
            while filled < room, let next = buffer.baseAddress?.advanced(by: filled) {
                var count = 0
                answer = openssl.pointee.SSL_read_ex(ssl, next, room - filled, &count)
                if answer != 1 { break }
                filled += count
            }
        }
        if !bytes.isEmpty { emptyBytes = 0 }
        if answer == 1 { return .bytes(bytes) }
        switch openssl.pointee.SSL_get_error(ssl, answer) {
        case Int32(tls_error_wants_reading):
            if !bytes.isEmpty { return .bytes(bytes) }
            if emptyBytes > limits.emptyBytes { throw fail(.flood) }
            return .needsInput
        // It is said again by the next read.
        case Int32(tls_error_ended): return bytes.isEmpty ? .end : .bytes(bytes)
        default:
            let broken = fail(.broken(openssl.takeReason()))
            if bytes.isEmpty { throw broken }
            return .bytes(bytes)
        }
    }

    /// Encrypts data into the output.
    mutating func write(_ bytes: ArraySlice<UInt8>) throws(TLSError) {
        if let failure { throw failure }
        guard isEstablished else { throw .misuse("a write before the TLS handshake") }
        guard !hasFinished else { throw .misuse("a write after the end of our direction") }
        guard !bytes.isEmpty else { return }
        openssl.forgetErrors()
        var written = 0
        let answer = bytes.withUnsafeBytes {
            openssl.pointee.SSL_write_ex(ssl, $0.baseAddress, $0.count, &written)
        }
        // The output never makes it wait, and renegotiation, for which a write would wait to read, is off.
        guard answer == 1 else { throw fail(.broken(openssl.takeReason())) }
    }

    /// Says in the output that no more data follows (`close_notify`); reading goes on.
    mutating func finish() {
        guard isEstablished, failure == nil, !hasFinished else { return }
        hasFinished = true
        openssl.forgetErrors()
        _ = openssl.pointee.SSL_shutdown(ssl)
    }

    /// Marks the connection as broken: OpenSSL must not be asked again after such an error (SSL_get_error(3)).
    private mutating func fail(_ error: TLSError) -> TLSError {
        failure = error
        openssl.forgetErrors()
        return error
    }

    /// The certificate that the peer proved to have.
    func peerCertificate() -> PeerCertificate? {
        guard isEstablished, let certificate = openssl.pointee.SSL_get1_peer_certificate(ssl) else { return nil }
        defer { openssl.pointee.X509_free(certificate) }
        var digest = [UInt8](repeating: 0, count: 64)
        var count: UInt32 = 0
        guard openssl.pointee.X509_digest(certificate, openssl.pointee.EVP_sha256(), &digest, &count) == 1,
            let bio = openssl.pointee.BIO_new(openssl.pointee.BIO_s_mem())
        else { return nil }
        defer { _ = openssl.pointee.BIO_free(bio) }
        let name = openssl.pointee.X509_get_subject_name(certificate)
        guard openssl.pointee.X509_NAME_print_ex(bio, name, 0, tls_name_format) >= 0 else { return nil }
        let length = openssl.pointee.BIO_ctrl_pending(bio)
        let subject = [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            filled = max(0, Int(openssl.pointee.BIO_read(bio, buffer.baseAddress, Int32(length))))
        }
        return PeerCertificate(
            subject: String(decoding: subject, as: UTF8.self),
            fingerprint: Self.hexadecimal(digest.prefix(Int(count))),
            isVerified: verifies && openssl.pointee.SSL_get_verify_result(ssl) == 0)
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
