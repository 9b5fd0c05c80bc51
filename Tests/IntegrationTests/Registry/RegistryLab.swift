import Archives
import Linux
import OCI
import Registry
import Testing

/// Debian's `docker-registry` on a port of its own, with its storage in a folder of its own.
struct RegistryLab: Sendable {
    static let program = "/usr/bin/docker-registry"
    static let isPossible = Files.exists(program) && Files.exists("/usr/bin/openssl")

    /// How the registry is set up.
    enum Kind: Sendable { case plain, secured, mutual, tokenElsewhere }

    static let user = "alice"
    static let password = "opensesame"
    /// bcrypt of the password, as htpasswd(1) writes it.
    private static let passwordHash = "$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi"

    let folder: String
    let authority: String
    private let process: ChildProcess

    /// The file of the authority that signed the registry's certificate.
    var authorityFile: String { folder + "/ca.pem" }

    /// Runs a body with a registry, on a thread that may block.
    static func with<Answer: Sendable>(
        _ kind: Kind = .plain, _ body: @escaping @Sendable (RegistryLab) throws -> Answer
    ) async throws -> Answer {
        try await serving(kind) { lab in try await BlockingExecutor.shared.run { () throws in try body(lab) } }
    }

    /// Runs a body with a registry.
    static func serving<Answer: Sendable>(
        _ kind: Kind = .plain, _ body: (RegistryLab) async throws -> Answer
    ) async throws -> Answer {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-registry-")
        defer { try? Files.removeTree(folder) }
        if kind != .plain { try await makeCertificates(folder) }
        let lab = try await start(folder, kind)
        do {
            let answer = try await body(lab)
            try await lab.stop()
            return answer
        } catch {
            try? await lab.stop()
            throw error
        }
    }

    /// The code of the registry's error that a body throws; nil where it throws none.
    static func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RegistryError)?.code
        }
    }

    /// Options for the registry, that try again soon.
    func options(user: String? = nil, password: String = "", authority file: String? = nil) -> RegistryOptions {
        var options = RegistryOptions()
        options.retry.first = .milliseconds(20)
        if let user {
            options.credentials = { _ throws(RegistryError) in .password(user: user, password: password) }
        }
        if let file {
            var entry = RegistryEntry()
            entry.authorityFile = file
            options.settings = RegistrySettings([authority: entry])
        }
        return options
    }

    private static func start(_ folder: String, _ kind: Kind) async throws -> RegistryLab {
        try Files.write(folder + "/htpasswd", Array("\(user):\(passwordHash)\n".utf8))
        try Files.write(folder + "/config.yml", Array(configuration(folder, kind).utf8))
        let log = try Files.open(folder + "/log", [.writeOnly, .create])
        var request = SpawnRequest(program, ["serve", folder + "/config.yml"])
        request.descriptors[1] = log.raw
        request.descriptors[2] = log.raw
        let process = try Spawn.start(request)
        let port = try await Self.port(of: process, log: folder + "/log", after: "listening on")
        return RegistryLab(folder: folder, authority: "127.0.0.1:\(port)", process: process)
    }

    /// The port of a server that was given port 0, as its log has it once it listens.
    static func port(of process: ChildProcess, log: String, after words: String) async throws -> UInt16 {
        for _ in 0..<1200 {
            let text = try Files.readText(log)
            if let start = text.firstRange(of: words + " 127.0.0.1:"),
                let port = UInt16(text[start.upperBound...].prefix { $0.isNumber })
            {
                return port
            }
            if try process.currentStatus() != nil { break }
            try await EventLoop.shared.sleep(for: .milliseconds(50))
        }
        try process.send(9)
        throw SystemError(call: words, errno: .ETIMEDOUT, subject: try Files.readText(log))
    }

    private func stop() async throws {
        try process.send(9)
        _ = try await process.exitStatus()
    }

    private static func configuration(_ folder: String, _ kind: Kind) -> String {
        var text = """
            version: 0.1
            log: {level: info, accesslog: {disabled: true}}
            storage:
              filesystem: {rootdirectory: \(folder)/storage}
              delete: {enabled: true}
            http:
              addr: 127.0.0.1:0

            """
        let both = kind == .mutual ? ", clientcas: [\(folder)/ca.pem]" : ""
        if kind != .plain { text += "  tls: {certificate: \(folder)/server.pem, key: \(folder)/server.key\(both)}\n" }
        switch kind {
        case .plain, .mutual: break
        case .secured: text += "auth:\n  htpasswd: {realm: lab, path: \(folder)/htpasswd}\n"
        case .tokenElsewhere:
            text += "auth:\n  token: {realm: \"http://127.0.0.1:1/token\", service: lab, issuer: lab, "
            text += "rootcertbundle: \(folder)/ca.pem}\n"
        }
        return text
    }

    static func makeCertificates(_ folder: String) async throws {
        try Files.write(folder + "/names", Array("subjectAltName=IP:127.0.0.1\n".utf8))
        for name in ["ca", "other"] {
            try await openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem")
        }
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=registry", "-keyout",
            "\(folder)/server.key", "-out", "\(folder)/server.csr")
        try await openssl(
            "x509", "-req", "-in", "\(folder)/server.csr", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "\(folder)/names", "-out", "\(folder)/server.pem")
    }

    private static func openssl(_ arguments: String...) async throws {
        let result = try await Spawn.run(SpawnRequest("/usr/bin/openssl", arguments), timeout: .seconds(150))
        try #require(result.status.isSuccess, "openssl \(arguments): \(result.errorText)")
    }
}

/// An image of two layers whose bytes mean nothing.
struct SampleImage: Sendable {
    let layers: [[UInt8]]
    let config: [UInt8]
    let manifest: [UInt8]

    /// - Parameter length: of the large layer, in bytes.
    init(seed: UInt8 = 7, length: Int = 3_000_001) {
        layers = [
            (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) &+ seed },
            Array("a small layer \(seed)".utf8),
        ]
        config = Array(#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#.utf8)
        let described = layers.map { SampleImage.descriptor($0, MediaType.ociLayerTar) }
        manifest = ImageManifest(
            config: SampleImage.descriptor(config, MediaType.ociConfig), layers: described
        ).serialized()
    }

    static func digest(_ bytes: [UInt8]) throws -> Digest { try #require(Digest(sha256Hex: SHA256.hex(of: bytes))) }

    private static func descriptor(_ bytes: [UInt8], _ type: String) -> OCI.Descriptor {
        let zero = Digest(sha256Hex: String(repeating: "0", count: 64))
        let digest = Digest(sha256Hex: SHA256.hex(of: bytes)) ?? zero
        guard let digest else { preconditionFailure("64 digits are a digest") }
        return OCI.Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
    }

    /// Pushes all of it under a tag.
    @discardableResult
    func push(_ client: RegistryClient, tag: String?, mode: UploadMode = .automatic) throws -> Digest {
        for bytes in layers + [config] { try client.upload(BlobContent(bytes), mode: mode) }
        return try client.putManifest(manifest, mediaType: MediaType.ociManifest, reference: tag)
    }
}
