import CTLS
import Linux

/// What all connections of one server, or of one client, share: certificate, key, authorities and rules.
///
/// There is no resumption of sessions: a connection serves many requests, and a resumed one would go on with a
/// client's certificate that is no longer valid.
package final class TLSContext: @unchecked Sendable {  // SAFETY: unchanged once made; OpenSSL counts its users itself.
    /// Which side of a connection speaks.
    enum Role: Sendable { case server, client }

    let openssl: UnsafePointer<tls_library>
    let handle: OpaquePointer
    let role: Role
    /// Whether a peer's certificate is checked.
    let verifies: Bool
    /// What is odd about the certificate, but does not keep it from being used.
    package let warnings: [TLSWarning]

    /// AEAD ciphers with ephemeral keys for TLS 1.2; all of TLS 1.3 are.
    private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!aNULL"

    /// Reads the files of a server.
    ///
    /// Blocks.
    package convenience init(server configuration: TLSServerConfiguration) throws(TLSError) {
        let openssl = try TLSLibrary.calls()
        let made = try Self.make(openssl, openssl.pointee.TLS_server_method())
        do throws(TLSError) {
            let identity = try Self.setIdentity(openssl, made, configuration.certificate, configuration.key)
            if let authority = configuration.clientAuthority {
                try Self.addAuthorities(openssl, made, authority, named: true)
                let mode = configuration.requiresClientCertificate ? tls_verify_required : tls_verify_peer
                openssl.pointee.SSL_CTX_set_verify(made, Int32(mode), nil)
            }
            self.init(openssl, made, .server, configuration.clientAuthority != nil, identity)
        } catch {
            openssl.pointee.SSL_CTX_free(made)
            throw error
        }
    }

    /// Reads the files of a client.
    ///
    /// Blocks.
    package convenience init(client configuration: TLSClientConfiguration) throws(TLSError) {
        let openssl = try TLSLibrary.calls()
        let made = try Self.make(openssl, openssl.pointee.TLS_client_method())
        do throws(TLSError) {
            var warnings: [TLSWarning] = []
            if let certificate = configuration.certificate {
                warnings = try Self.setIdentity(openssl, made, certificate, configuration.key ?? certificate)
            }
            if let authority = configuration.authority {
                try Self.addAuthorities(openssl, made, authority, named: false)
            } else if configuration.verifiesServer {
                _ = openssl.pointee.SSL_CTX_set_default_verify_paths(made)
            }
            let mode = configuration.verifiesServer ? tls_verify_peer : tls_verify_none
            openssl.pointee.SSL_CTX_set_verify(made, Int32(mode), nil)
            self.init(openssl, made, .client, configuration.verifiesServer, warnings)
        } catch {
            openssl.pointee.SSL_CTX_free(made)
            throw error
        }
    }

    private init(
        _ openssl: UnsafePointer<tls_library>, _ handle: OpaquePointer, _ role: Role, _ verifies: Bool,
        _ warnings: [TLSWarning]
    ) {
        self.openssl = openssl
        self.handle = handle
        self.role = role
        self.verifies = verifies
        self.warnings = warnings
    }

    deinit { openssl.pointee.SSL_CTX_free(handle) }

    private static func make(
        _ openssl: UnsafePointer<tls_library>, _ method: UnsafeRawPointer?
    ) throws(TLSError) -> OpaquePointer {
        openssl.forgetErrors()
        guard let made = openssl.pointee.SSL_CTX_new(method) else {
            throw .refused("to start", reason: openssl.takeReason())
        }
        _ = openssl.pointee.SSL_CTX_ctrl(made, Int32(tls_control_minimum_version), Int(tls_version_1_2), nil)
        _ = openssl.pointee.SSL_CTX_ctrl(made, Int32(tls_control_mode), Int(tls_mode), nil)
        _ = openssl.pointee.SSL_CTX_ctrl(made, Int32(tls_control_session_cache), 0, nil)
        _ = openssl.pointee.SSL_CTX_set_num_tickets(made, 0)
        _ = openssl.pointee.SSL_CTX_set_options(made, tls_options)
        tls_speak_http(openssl, made)
        guard openssl.pointee.SSL_CTX_set_cipher_list(made, ciphers) == 1 else {
            let reason = openssl.takeReason()
            openssl.pointee.SSL_CTX_free(made)
            throw .refused("the ciphers \(ciphers)", reason: reason)
        }
        return made
    }

    /// Sets certificate, chain and key.
    private static func setIdentity(
        _ openssl: UnsafePointer<tls_library>, _ handle: OpaquePointer, _ certificatePath: String, _ keyPath: String
    ) throws(TLSError) -> [TLSWarning] {
        let files = TLSFileReader(openssl)
        let chain = try files.certificates(certificatePath, .certificate)
        var unowned = chain
        defer { files.free(unowned) }
        let key = try files.key(keyPath)
        defer { openssl.pointee.EVP_PKEY_free(key) }
        openssl.forgetErrors()
        guard openssl.pointee.SSL_CTX_use_certificate(handle, chain[0]) == 1 else {
            throw .refused("the certificate \(certificatePath)", reason: openssl.takeReason())
        }
        guard openssl.pointee.X509_check_private_key(chain[0], key) == 1 else {
            openssl.forgetErrors()
            throw .keyMismatch(key: keyPath, certificate: certificatePath)
        }
        guard openssl.pointee.SSL_CTX_use_PrivateKey(handle, key) == 1 else {
            throw .refused("the private key \(keyPath)", reason: openssl.takeReason())
        }
        while unowned.count > 1 {
            // The context owns what it takes; the order is that of the file.
            let next = unowned.remove(at: 1)
            guard openssl.pointee.SSL_CTX_ctrl(handle, Int32(tls_control_chain), 0, UnsafeMutableRawPointer(next)) == 1
            else {
                openssl.pointee.X509_free(next)
                throw .refused("the chain of \(certificatePath)", reason: openssl.takeReason())
            }
        }
        var warnings: [TLSWarning] = []
        if let time = files.warning(chain[0], certificatePath) { warnings.append(time) }
        if let status = try? Files.status(keyPath), status.mode & 0o004 != 0 {
            warnings.append(.readableByAll(path: keyPath))
        }
        return warnings
    }

    /// Adds authorities of peers' certificates; a server also names them to clients, so that these can choose.
    private static func addAuthorities(
        _ openssl: UnsafePointer<tls_library>, _ handle: OpaquePointer, _ path: String, named: Bool
    ) throws(TLSError) {
        let files = TLSFileReader(openssl)
        let authorities = try files.certificates(path, .authority)
        defer { files.free(authorities) }
        let store = openssl.pointee.SSL_CTX_get_cert_store(handle)
        for authority in authorities {
            guard openssl.pointee.X509_STORE_add_cert(store, authority) == 1,
                !named || openssl.pointee.SSL_CTX_add_client_CA(handle, authority) == 1
            else { throw .refused("the authorities \(path)", reason: openssl.takeReason()) }
        }
    }
}
