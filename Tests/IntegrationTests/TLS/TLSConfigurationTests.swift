import HTTP
import Linux
import Testing

@Suite("Setting up TLS", .enabled(if: TLSCertificates.isPossible), .timeLimit(.minutes(15)))
struct TLSConfigurationTests {
    @Test("what is wrong with the files is said in one sentence, with what to do")
    func errors() async throws {
        try await TLSCertificates.with { certificates in
            let (certificate, key) = (certificates.certificate("server"), certificates.key("server"))
            func error(_ change: (inout TLSServerConfiguration) -> Void) -> TLSError? {
                var configuration = certificates.server
                change(&configuration)
                do throws(TLSError) {
                    _ = try TLSContext(server: configuration)
                    return nil
                } catch { return error }
            }
            let folder = certificates.folder
            #expect(error { _ in } == nil)
            let missing = try #require(error { $0.certificate = "\(folder)/none.pem" })
            #expect(missing.description.hasPrefix("the certificate \(folder)/none.pem cannot be read: "))
            #expect(missing.description.contains("ENOENT"))
            #expect(error { $0.key = "\(folder)/none.key" }?.description.contains("private key") == true)
            #expect(
                error { $0.key = certificates.key("alice") }
                    == .keyMismatch(key: certificates.key("alice"), certificate: certificate))
            #expect(
                error { $0.certificate = key }
                    == .damaged(.certificate, path: key, reason: "there is no certificate in it"))
            #expect(error { $0.key = certificate } != nil)
            #expect(
                error { $0.clientAuthority = key }
                    == .damaged(.authority, path: key, reason: "there is no certificate in it"))

            for (name, cipher) in [("pkcs8", "-topk8"), ("legacy", "-traditional")] {
                let path = "\(folder)/\(name).key"
                if name == "pkcs8" {
                    try await certificates.openssl("pkcs8", cipher, "-in", key, "-passout", "pass:secret", "-out", path)
                } else {
                    try await certificates.openssl(
                        "pkey", cipher, "-in", key, "-aes256", "-passout", "pass:secret", "-out", path)
                }
                #expect(error { $0.key = path } == .encryptedKey(path: path))
                #expect(TLSError.encryptedKey(path: path).hint?.contains("openssl pkey") == true)
            }
        }
    }

    @Test("damaged files are refused and crash nothing")
    func damage() async throws {
        try await TLSCertificates.with { certificates in
            let whole = try Files.readAll(certificates.certificate("server"))
            let key = try Files.readAll(certificates.key("server"))
            let path = certificates.folder + "/damaged"
            for count in [0, 1, 27, 28, 100, whole.count / 2, whole.count - 3] {
                try Files.write(path, Array(whole.prefix(count)))
                #expect(throws: TLSError.self) {
                    _ = try TLSContext(
                        server: TLSServerConfiguration(certificate: path, key: certificates.key("server")))
                }
                try Files.write(path, Array(key.prefix(min(count, key.count / 2))))
                #expect(throws: TLSError.self) {
                    _ = try TLSContext(
                        server: TLSServerConfiguration(certificate: certificates.certificate("server"), key: path))
                }
            }
            // A whole certificate with a torn one after it would leave out an authority.
            try Files.write(path, whole + whole.prefix(whole.count / 2))
            #expect(throws: TLSError.self) {
                _ = try TLSContext(server: TLSServerConfiguration(certificate: path, key: certificates.key("server")))
            }
        }
    }

    @Test("a certificate whose time is over, and a key that all can read, are warnings")
    func warnings() async throws {
        try await TLSCertificates.with { certificates in
            try await certificates.make("old", from: "ca", "subjectAltName=IP:127.0.0.1", days: -1)
            try Files.chmod(certificates.key("old"), mode: 0o600)
            let configuration = TLSServerConfiguration(
                certificate: certificates.certificate("old"), key: certificates.key("old"))
            let expired = try TLSContext(server: configuration).warnings
            #expect(expired.count == 1)
            #expect(
                expired.first?.description.hasPrefix("the certificate \(configuration.certificate) expired at 2")
                    == true)
            try Files.chmod(certificates.key("old"), mode: 0o644)
            #expect(try TLSContext(server: configuration).warnings.contains(.readableByAll(path: configuration.key)))
            try Files.chmod(certificates.key("server"), mode: 0o600)
            #expect(try TLSContext(server: certificates.server).warnings.isEmpty)
        }
    }

    @Test("a chain of authorities in the certificate's file is sent")
    func chain() async throws {
        try await TLSLab.with { lab in
            try await lab.certificates.make(
                "middle", from: "ca", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign")
            try await lab.certificates.make("leaf", from: "middle", "subjectAltName=IP:127.0.0.1")
            let path = lab.certificates.folder + "/chain.pem"
            let texts = try ["leaf", "middle"].map { try Files.readAll(lab.certificates.certificate($0)) }
            try Files.write(path, Array(texts.joined()))
            lab.listener.replaceContext(
                try TLSContext(
                    server: TLSServerConfiguration(certificate: path, key: lab.certificates.key("leaf"))))
            let result = try await lab.curl(lab.url("/who"))
            #expect(result.outputText == "nobody false\n", "\(result.errorText)")
        }
    }
}
