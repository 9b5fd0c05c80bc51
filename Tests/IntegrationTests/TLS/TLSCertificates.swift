import HTTP
import Linux
import Testing

/// Certificates that the `openssl` command made, in a folder of their own.
struct TLSCertificates: Sendable {
    static let isPossible = Files.exists("/usr/bin/openssl") && Files.exists("/usr/bin/curl")

    let folder: String

    /// Runs a body with certificates: of `server`, `alice` (a client), `late` (a client whose time is over), all from
    /// `ca`; and of `stranger` (a client) from `other`.
    static func with<Answer: Sendable>(
        _ body: @Sendable (TLSCertificates) async throws -> Answer
    ) async throws -> Answer {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-tls-")
        defer { try? Files.removeTree(folder) }
        let certificates = TLSCertificates(folder: folder)
        for name in ["ca", "other"] { try await certificates.makeAuthority(name) }
        try await certificates.make("server", from: "ca", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        try await certificates.make("alice", from: "ca", "extendedKeyUsage=clientAuth", subject: "/O=Example/CN=alice")
        try await certificates.make("late", from: "ca", "extendedKeyUsage=clientAuth", days: -1)
        try await certificates.make("stranger", from: "other", "extendedKeyUsage=clientAuth")
        return try await body(certificates)
    }

    func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }
    func key(_ name: String) -> String { "\(folder)/\(name).key" }

    /// What a server needs that asks for no client's certificate.
    var server: TLSServerConfiguration {
        TLSServerConfiguration(certificate: certificate("server"), key: key("server"))
    }

    /// What a client needs that verifies the server.
    func client(as name: String? = nil) -> TLSClientConfiguration {
        TLSClientConfiguration(
            authority: certificate("ca"), certificate: name.map(certificate), key: name.map(key))
    }

    private func makeAuthority(_ name: String) async throws {
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=\(name)", "-keyout", key(name), "-out", certificate(name))
    }

    func make(
        _ name: String, from authority: String, _ extensions: String, subject: String? = nil, days: Int = 2
    ) async throws {
        try Files.write("\(folder)/extensions", Array("\(extensions)\n".utf8))
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject ?? "/CN=\(name)",
            "-keyout", key(name), "-out", "\(folder)/request")
        try await openssl(
            "x509", "-req", "-in", "\(folder)/request", "-CA", certificate(authority), "-CAkey", key(authority),
            "-CAcreateserial", "-days", "\(days)", "-extfile", "\(folder)/extensions", "-out", certificate(name))
    }

    @discardableResult
    func openssl(_ arguments: String...) async throws -> String {
        let result = try await Spawn.run(SpawnRequest("/usr/bin/openssl", arguments), timeout: .seconds(150))
        try #require(result.status.isSuccess, "openssl \(arguments): \(result.errorText)")
        return result.outputText
    }
}
