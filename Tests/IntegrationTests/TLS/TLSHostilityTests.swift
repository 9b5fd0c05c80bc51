import HTTP
import Linux
import Testing

@Suite("Clients that TLS turns away", .enabled(if: TLSCertificates.isPossible), .timeLimit(.minutes(15)))
struct TLSHostilityTests {
    @Test("HTTP without TLS gets a sentence that says so")
    func plain() async throws {
        try await TLSLab.with { lab in
            let get = try await lab.curl("-w", "%{http_code}", "http://127.0.0.1:\(lab.port)/v2/")
            #expect(get.outputText == "Client sent an HTTP request to an HTTPS server.\n400", "\(get.errorText)")
            let post = try await lab.curl("--data-binary", "@-", "http://127.0.0.1:\(lab.port)/", input: TLSLab.block)
            #expect(post.outputText == "Client sent an HTTP request to an HTTPS server.\n", "\(post.errorText)")
            #expect(lab.failures == [.plainRequest, .plainRequest])
            // In pieces too.
            let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
            try await socket.writeAll(Array("GE".utf8))
            try await EventLoop.shared.sleep(for: .milliseconds(20))
            try await socket.writeAll(Array("T / HTTP/1.1\r\n".utf8))
            #expect(try await text(socket).hasSuffix("HTTPS server.\n"))
            socket.close()
        }
    }

    @Test("TLS 1.1 is refused, 1.2 and 1.3 are spoken, with ephemeral keys only")
    func versions() async throws {
        try await TLSLab.with { lab in
            for old in ["-tls1", "-tls1_1"] {
                let result = try await lab.sClient(old, "-cipher", "DEFAULT@SECLEVEL=0")
                #expect(!result.status.isSuccess && result.errorText.contains("alert protocol version"))
            }
            for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
                let result = try await lab.sClient(version)
                #expect(result.outputText.contains("New, \(name), Cipher is"), "\(result.errorText)")
                #expect(result.outputText.contains("Verify return code: 0 (ok)"))
                #expect(result.outputText.contains("Compression: NONE"))
            }
            // Neither a block cipher nor a key that the server's would be enough to read later.
            for cipher in ["ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256"] {
                #expect(try await !lab.sClient("-tls1_2", "-cipher", cipher).status.isSuccess)
            }
            let other = try await lab.sClient("-alpn", "h2")
            #expect(!other.status.isSuccess && other.errorText.contains("no application protocol"))
            let both = try await lab.sClient("-alpn", "h2,http/1.1")
            #expect(both.outputText.contains("ALPN protocol: http/1.1"))
        }
    }

    @Test("a client may not renegotiate")
    func renegotiation() async throws {
        try await TLSLab.with { lab in
            let result = try await lab.sClient("-tls1_2", "-no_ign_eof", input: "R\n")
            #expect(result.errorText.contains("no renegotiation"), "\(result.errorText) \(result.outputText)")
        }
    }

    @Test("broken handshakes end, and others are served")
    func broken() async throws {
        try await TLSLab.with { lab in
            // A record that claims 16 KiB and has four bytes; one that is none; a hello of 16 MB; an alert.
            let beginnings: [[UInt8]] = [
                [0x16, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC],
                Array("SSH-2.0-OpenSSH_9.2p1 Debian\r\n".utf8),
                [0x16, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 16380),
                [0x15, 3, 3, 0, 2, 2, 40],
                [0x80, 0x2E, 1, 0, 2, 0, 21],
            ]
            for bytes in beginnings {
                let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
                try await socket.writeAll(bytes)
                try socket.shutdownWrite()
                _ = try? await text(socket)
                socket.close()
            }
            for number in 1...beginnings.count {
                try await lab.eventuallyFailed { _ in lab.failures.count >= number }
            }
            #expect(
                lab.failures.allSatisfy { if case .handshake = $0 { true } else { false } }, "\(lab.failures)")
            // A probe of the port.
            try await AsyncSocket.connect(to: .loopback, port: lab.port).close()
            try await lab.eventuallyFailed { $0 == .abandoned }
            #expect(try await lab.curl(lab.url("/who")).outputText == "nobody false\n")
        }
    }

    @Test("a client that says nothing, or stops in the middle, is cut off by time")
    func silent() async throws {
        var limits = TLSLimits()
        limits.handshakeSeconds = 1
        try await TLSLab.with(limits: limits) { lab in
            for bytes: [UInt8] in [[], [0x16], [0x16, 3, 1, 1, 0, 1, 0, 0, 0xFC, 3, 3], Array("GET".utf8)] {
                let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
                try await socket.writeAll(bytes)
                #expect(try await text(socket).isEmpty)
                socket.close()
            }
            #expect(lab.failures.count == 4 && Set(lab.failures.map(\.description)).count == 1)
            #expect(lab.failures.first == .handshakeTimeout(seconds: 1))
        }
    }

    @Test("records without end that carry nothing end the connection, before and after the handshake")
    func flood() async throws {
        try await TLSLab.with { lab in
            let context = try TLSContext(client: lab.certificates.client())
            let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
            let early = try TLSStream(
                context, over: FloodingStream(socket), serverName: "127.0.0.1", limits: TLSLab.patience)
            await #expect(throws: (any Error).self) { try await early.establish() }
            early.close()
            try await lab.eventuallyFailed { if case .handshake = $0 { true } else { $0 == .flood } }
            #expect(try await lab.curl(lab.url("/who")).outputText == "nobody false\n")
        }
    }

    @Test("a server must prove its name, its authority and its time")
    func verification() async throws {
        try await TLSLab.with { lab in
            func connect(_ name: String, _ configuration: TLSClientConfiguration) async throws {
                let socket = try await AsyncSocket.connect(to: .loopback, port: lab.port)
                defer { socket.close() }
                let context = try TLSContext(client: configuration)
                try await TLSStream(context, over: socket, serverName: name, limits: TLSLab.patience).establish()
            }
            func refusal(_ name: String, _ configuration: TLSClientConfiguration) async -> String {
                do {
                    try await connect(name, configuration)
                    return "none"
                } catch { return "\(error)" }
            }
            let trusting = lab.certificates.client()
            try await connect("127.0.0.1", trusting)
            try await connect("localhost", trusting)
            #expect(await refusal("127.0.0.2", trusting).lowercased().contains("ip address mismatch"))
            #expect(await refusal("elsewhere.example", trusting).lowercased().contains("hostname mismatch"))
            var other = trusting
            other.authority = lab.certificates.certificate("other")
            #expect(await refusal("127.0.0.1", other).contains("unable to get local issuer certificate"))
            other.authority = nil
            #expect(await refusal("127.0.0.1", other).contains("certificate verify failed"))
            other.verifiesServer = false
            try await connect("elsewhere.example", other)
            try await lab.certificates.make("old", from: "ca", "subjectAltName=IP:127.0.0.1", days: -1)
            let old = try TLSContext(
                server: TLSServerConfiguration(
                    certificate: lab.certificates.certificate("old"), key: lab.certificates.key("old")))
            lab.listener.replaceContext(old)
            #expect(await refusal("127.0.0.1", trusting).contains("certificate has expired"))
        }
    }

    /// Everything until the end.
    private func text(_ socket: AsyncSocket) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let piece = try await socket.read()
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }
}

/// Sends, after the first message, records that TLS 1.3 tells servers to ignore (RFC 8446, appendix D.4), for ever.
private struct FloodingStream: ByteStream {
    let socket: AsyncSocket

    init(_ socket: AsyncSocket) { self.socket = socket }

    func read(max: Int) async throws -> [UInt8] { try await socket.read(upTo: max) }

    func write(_ bytes: [UInt8]) async throws {
        try await socket.writeAll(bytes)
        let records = Array([[UInt8]](repeating: [0x14, 3, 3, 0, 1, 1], count: 4096).joined())
        while true { try await socket.writeAll(records) }
    }

    func finishWriting() { try? socket.shutdownWrite() }

    func close() { socket.close() }
}
