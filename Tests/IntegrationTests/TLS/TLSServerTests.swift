import Archives
import HTTP
import Linux
import Testing

@Suite("A server that speaks TLS", .enabled(if: TLSCertificates.isPossible), .timeLimit(.minutes(15)))
struct TLSServerTests {
    @Test("30 MB come and go whole, with a length and in chunks")
    func large() async throws {
        try await TLSLab.with { lab in
            let path = lab.certificates.folder + "/large"
            let fetched = try await lab.curl(lab.url("/bytes?blocks=30"), "-o", path)
            #expect(fetched.status.isSuccess, "\(fetched.errorText)")
            let expected = SHA256()
            for _ in 0..<30 { expected.update(TLSLab.block) }
            let digest = expected.finishHex()
            let file = SHA256()
            file.update(try Files.readAll(path, limit: 200 << 20))
            #expect(file.finishHex() == digest)
            let sent = try await lab.curl(lab.url("/digest"), "--data-binary", "@" + path)
            #expect(sent.outputText == "\(30 << 20) \(digest)", "\(sent.errorText)")
            let chunked = try await lab.curl(
                lab.url("/digest"), "-X", "POST", "-H", "Transfer-Encoding: chunked", "-T", path)
            #expect(chunked.outputText == "\(30 << 20) \(digest)", "\(chunked.errorText)")
        }
    }

    @Test("one connection serves several requests, of TLS 1.2 as of 1.3")
    func keepAlive() async throws {
        try await TLSLab.with { lab in
            for version in ["1.2", "1.3"] {
                let result = try await lab.curl(
                    "--tls-max", version, "-w", "%{http_code} %{num_connects} %{http_version}\n", "-o", "/dev/null",
                    lab.url("/who"), "-o", "/dev/null", lab.url("/nothing"), "-o", "/dev/null", lab.url("/whole"))
                #expect(result.outputText == "200 1 1.1\n404 0 1.1\n200 0 1.1\n", "\(result.errorText)")
            }
        }
    }

    @Test("a connection of raw bytes keeps its half after the other has ended")
    func halfClose() async throws {
        try await TLSLab.with { lab in
            let (response, raw) = try await lab.client().upgrade("POST", "/raw")
            #expect(response.status == 101)
            let stream = try #require(raw)
            async let received = Self.all(of: stream)
            for _ in 0..<8 { try await stream.write(TLSLab.block) }
            await stream.shutdownWrite()
            let bytes = try await received
            let tail = Array("\n\(8 << 20) bytes came".utf8)
            #expect(bytes.count == 8 << 20 + tail.count)
            #expect(bytes.suffix(tail.count) == tail[...])
            stream.close()
        }
    }

    @Test("200 connections at once are all served")
    func many() async throws {
        try await TLSLab.with { lab in
            let result = try await lab.curl(
                "--parallel", "--parallel-max", "200", "--parallel-immediate", "-w", "%{http_code}\n", "-o",
                "/dev/null", lab.url("/bytes?n=[1-200]"))
            // Of several transfers curl shows progress on its standard error, whatever it is told.
            let lines = result.outputText.split(separator: "\n")
            let others = lines.filter { $0 != "200" }
            #expect(others.isEmpty && lines.count == 200, "\(lines.count) lines; \(others); \(lab.errors)")
            #expect(lab.failures.isEmpty)
        }
    }

    @Test("another certificate serves connections from then on, and open ones go on with theirs")
    func reload() async throws {
        try await TLSLab.with { lab in
            let (_, raw) = try await lab.client().upgrade("POST", "/raw")
            let open = try #require(raw)
            let before = try await Self.served(lab)
            try await lab.certificates.make("next", from: "ca", "subjectAltName=IP:127.0.0.1")
            let next = try TLSContext(
                server: TLSServerConfiguration(
                    certificate: lab.certificates.certificate("next"), key: lab.certificates.key("next")))
            lab.listener.replaceContext(next)
            let after = try await Self.served(lab)
            #expect(before.subject == "CN=server" && after.subject == "CN=next")
            #expect(before.fingerprint != after.fingerprint && after.fingerprint.count == 64)
            try await open.write(Array("still here".utf8))
            #expect(try await open.read() == Array("still here".utf8))
            open.close()
        }
    }

    @Test("a client's certificate is asked for, checked, and known to the request")
    func mutual() async throws {
        try await TLSLab.with { certificates, configuration in
            configuration.clientAuthority = certificates.certificate("ca")
        } _: { lab in
            let alice = try await lab.curl(
                lab.url("/who"), "--cert", lab.certificates.certificate("alice"), "--key", lab.certificates.key("alice")
            )
            #expect(alice.outputText == "CN=alice,O=Example true\n", "\(alice.errorText)")
            let stranger = try await lab.curl(
                lab.url("/who"), "--cert", lab.certificates.certificate("stranger"), "--key",
                lab.certificates.key("stranger"))
            #expect(!stranger.status.isSuccess && stranger.errorText.contains("alert"), "\(stranger.errorText)")
            try await lab.eventuallyFailed { "\($0)".contains("certificate verify failed: unable to get") }
            let late = try await lab.curl(
                lab.url("/who"), "--cert", lab.certificates.certificate("late"), "--key", lab.certificates.key("late"))
            #expect(!late.status.isSuccess && late.errorText.contains("alert"), "\(late.errorText)")
            try await lab.eventuallyFailed { "\($0)".contains("certificate has expired") }
            for version in ["1.2", "1.3"] {
                let nobody = try await lab.curl("--tls-max", version, lab.url("/who"))
                #expect(!nobody.status.isSuccess && nobody.errorText.contains("alert"), "\(nobody.errorText)")
            }
            try await lab.eventuallyFailed { "\($0)".contains("peer did not return a certificate") }
            // One that serves is none of a client.
            let ours = try await lab.client(as: "alice").send("GET", "/who")
            #expect(try await ours.collect() == Array("CN=alice,O=Example true\n".utf8))
            await #expect(throws: TLSError.self) { _ = try await lab.client(as: "stranger").send("GET", "/who") }
        }
    }

    @Test("a client without a certificate is served where it is only asked for one, one with a wrong one is not")
    func optional() async throws {
        try await TLSLab.with { certificates, configuration in
            configuration.clientAuthority = certificates.certificate("ca")
            configuration.requiresClientCertificate = false
        } _: { lab in
            #expect(try await lab.curl(lab.url("/who")).outputText == "nobody false\n")
            let alice = try await lab.client(as: "alice").send("GET", "/who").collect()
            #expect(alice == Array("CN=alice,O=Example true\n".utf8))
            await #expect(throws: TLSError.self) { _ = try await lab.client(as: "stranger").send("GET", "/who") }
        }
    }

    @Test("data that ends without TLS's end is an error, and so is half a body")
    func truncated() async throws {
        try await TLSCertificates.with { certificates in
            let socket = try SocketListener.tcp(.loopback, port: 0)
            let port = try socket.localPort()
            let listener = TLSListener(
                over: socket, context: try TLSContext(server: certificates.server), limits: TLSLab.patience)
            let cutting = Task {
                while true {
                    let stream = try await listener.acceptStream()
                    try await stream.establish()
                    _ = try await stream.read(max: 65536)
                    try await stream.write(Array("HTTP/1.1 200 OK\r\n\r\nhalf of a bo".utf8))
                    stream.close()
                }
            }
            let client = HTTPClient.tls(try TLSContext(client: certificates.client()), serverName: "127.0.0.1") {
                try await AsyncSocket.connect(to: .loopback, port: port)
            }
            let response = try await client.send("GET", "/")
            await #expect(throws: TLSError.truncated) { _ = try await response.collect() }
            listener.close()
            await #expect(throws: SystemError.self) { try await cutting.value }
        }
    }

    private static func all(of stream: HijackedStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try await stream.read()
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// The certificate that a new connection gets.
    private static func served(_ lab: TLSLab) async throws -> PeerCertificate {
        let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
        let context = try TLSContext(client: lab.certificates.client())
        let stream = try TLSStream(context, over: socket, serverName: "127.0.0.1", limits: TLSLab.patience)
        defer { stream.close() }
        try await stream.establish()
        let certificate = try #require(stream.certificate)
        #expect(certificate.isVerified)
        return certificate
    }
}
