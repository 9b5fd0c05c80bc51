import CTLS
import Linux

/// Reads certificates and keys in PEM with OpenSSL.
struct TLSFileReader {
    private let openssl: UnsafePointer<tls_library>
    /// No chain and no bundle of authorities is longer.
    private static let limit = 4 << 20

    init(_ openssl: UnsafePointer<tls_library>) { self.openssl = openssl }

    /// The certificates of a file, in order and at least one; the caller frees them.
    func certificates(_ path: String, _ file: TLSFile) throws(TLSError) -> [OpaquePointer] {
        try withText(path, file) { bio throws(TLSError) in
            var found: [OpaquePointer] = []
            openssl.forgetErrors()
            while let certificate = tls_next_certificate(openssl, bio) { found.append(certificate) }
            let ended = tls_is_pem_end(openssl.pointee.ERR_peek_last_error()) != 0
            guard ended, !found.isEmpty else {
                free(found)
                let reason = openssl.takeReason()
                throw .damaged(file, path: path, reason: ended ? "there is no certificate in it" : reason)
            }
            openssl.forgetErrors()
            return found
        }
    }

    /// The private key of a file; the caller frees it.
    func key(_ path: String) throws(TLSError) -> OpaquePointer {
        try withText(path, .key) { bio throws(TLSError) in
            var isEncrypted: Int32 = 0
            openssl.forgetErrors()
            guard let key = tls_private_key(openssl, bio, &isEncrypted) else {
                if isEncrypted != 0 { throw .encryptedKey(path: path) }
                let ended = tls_is_pem_end(openssl.pointee.ERR_peek_last_error()) != 0
                let reason = openssl.takeReason()
                throw .damaged(.key, path: path, reason: ended ? "there is no private key in it" : reason)
            }
            return key
        }
    }

    func free(_ certificates: [OpaquePointer]) {
        for certificate in certificates { openssl.pointee.X509_free(certificate) }
    }

    /// What is wrong with the time of a certificate.
    func warning(_ certificate: OpaquePointer, _ path: String) -> TLSWarning? {
        let now = Clock.now().seconds
        func time(_ seconds: Int64) -> String { Timestamp(seconds: now + seconds).rfc3339Seconds }
        let left = tls_seconds_until(openssl, openssl.pointee.X509_get0_notAfter(certificate))
        if left < 0 { return .expired(path: path, at: time(left)) }
        let wait = tls_seconds_until(openssl, openssl.pointee.X509_get0_notBefore(certificate))
        return wait > 0 ? .early(path: path, at: time(wait)) : nil
    }

    private func withText<Answer>(
        _ path: String, _ file: TLSFile, _ body: (OpaquePointer) throws(TLSError) -> Answer
    ) throws(TLSError) -> Answer {
        let bytes: [UInt8]
        do {
            bytes = try Files.readAll(path, limit: Self.limit)
        } catch {
            throw .unreadable(file, path: path, reason: "\(error)")
        }
        let answer = bytes.withUnsafeBytes { buffer in
            Result { () throws(TLSError) in
                guard let base = buffer.baseAddress else {
                    throw .damaged(file, path: path, reason: "the file is empty")
                }
                guard let bio = openssl.pointee.BIO_new_mem_buf(base, Int32(buffer.count)) else {
                    throw .refused(path, reason: openssl.takeReason())
                }
                defer { _ = openssl.pointee.BIO_free(bio) }
                return try body(bio)
            }
        }
        return try answer.get()
    }
}
