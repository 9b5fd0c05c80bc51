import Engine
import HTTP
import Linux
import Testing

@Suite(
    "The stock docker client over TLS", .enabled(if: TLSCertificates.isPossible), .serialized, .timeLimit(.minutes(15)))
struct DockerOverTLSTests {
    @Test("it is known by its certificate, and the end of its input is not the end of its output")
    func client() async throws {
        let lab = try await EngineLab()
        let socket = lab.root + "/run/stackctl.sock"
        try await TLSCertificates.with { certificates in
            var configuration = certificates.server
            configuration.clientAuthority = certificates.certificate("ca")
            let listener = try SocketListener.tcp(.loopback, port: 0)
            let secured = TLSListener(
                over: listener, context: try TLSContext(server: configuration), limits: TLSLab.patience)
            let port = try listener.localPort()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await Self.forward(secured, to: socket) }
                let version = try await docker(
                    certificates, "alice", port, lab.root, "version", "--format", "{{.Server.APIVersion}}")
                #expect(version.outputText == "1.51\n", "\(version.errorText)")
                let script = "cat; sleep 0.2; echo the end"
                let run = try await docker(
                    certificates, "alice", port, lab.root, "run", "--rm", "-i", "busybox", "sh", "-c", script,
                    input: TLSLab.block.map { $0 & 0x3F | 0x40 })
                #expect(run.standardOutput.count == 1 << 20 + 8, "\(run.errorText)")
                #expect(run.outputText.hasSuffix("the end\n"))
                let stranger = try await docker(certificates, "stranger", port, lab.root, "version")
                #expect(!stranger.status.isSuccess && stranger.errorText.contains("tls: "), "\(stranger.errorText)")
                secured.close()
                group.cancelAll()
            }
        }
        try await lab.eventually("every container is gone") { try await lab.engine.containers.all.isEmpty }
        try await lab.takeDown()
    }

    private func docker(
        _ certificates: TLSCertificates, _ name: String, _ port: UInt16, _ home: String, _ arguments: String...,
        input: [UInt8] = []
    ) async throws -> ProcessResult {
        let program = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
        let options = [
            "docker", "-H", "tcp://127.0.0.1:\(port)", "--tlsverify", "--tlscacert", certificates.certificate("ca"),
            "--tlscert", certificates.certificate(name), "--tlskey", certificates.key(name),
        ]
        let request = SpawnRequest(
            executable: .path(program), arguments: options + arguments,
            environment: ["PATH=/usr/bin:/bin", "HOME=\(home)"])
        return try await Spawn.run(request, input: input, timeout: .seconds(150), outputLimit: 4 << 20)
    }

    /// Passes what connections carry on to the engine, each direction with its own end.
    private static func forward(_ listener: TLSListener, to path: String) async {
        await withTaskGroup(of: Void.self) { group in
            while let stream = try? await listener.acceptStream() {
                group.addTask {
                    defer { stream.close() }
                    guard (try? await stream.establish()) != nil,
                        let engine = try? await AsyncSocket.connect(unix: path)
                    else { return }
                    defer { engine.close() }
                    async let up: Void = pump(stream, engine)
                    await pump(engine, stream)
                    await up
                }
            }
            group.cancelAll()
        }
    }

    private static func pump(_ source: any ByteStream, _ target: any ByteStream) async {
        while let piece = try? await source.read(max: 65536), !piece.isEmpty {
            guard (try? await target.write(piece)) != nil else { break }
        }
        await target.finishWriting()
    }
}
