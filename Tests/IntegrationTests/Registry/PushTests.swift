import Engine
import ImageStore
import Linux
import OCI
import Registry
import Synchronization
import Testing

@Suite("Pushing", .enabled(if: RegistryLab.isPossible), .serialized, .timeLimit(.minutes(5)))
struct PushTests {
    @Test("a layer of several chunks that is kept as a recipe arrives whole")
    func chunks() async throws {
        try await RegistryLab.serving { registry in
            let lab = try await EngineLab()
            let engine = try await lab.engine
            let folder = lab.root + "/large"
            try Files.makeDirectories(folder)
            // Nothing of it compresses or is a hole.
            try await LayerFixture.tool("/bin/sh", "-ec", "head -c 70000000 /dev/urandom > \(folder)/noise")
            let name = try ImageReference("\(registry.authority)/large/noise:1")
            let image = try await engine.images.importDirectory(path: folder, reference: name)
            let seen = Mutex<[Int64]>([])
            let pushed = try await engine.pushImage(name) { update in
                if case .sending(_, let bytes, _) = update { seen.withLock { $0.append(bytes) } }
            }
            let sent = seen.withLock { $0 }
            #expect(sent == sent.sorted() && sent.count > 10, "each byte is read once")
            #expect(pushed.digest == image.manifestDigest)
            _ = try await engine.removeImage(name.familiar)
            #expect(try await engine.images.resolve(image.id.description) == nil)
            let pulled = try await engine.pullImage(name)
            #expect(pulled.image.id == image.id && pulled.digest == pushed.digest)
            try await lab.takeDown()
        }
    }

    @Test("a push that nobody waits for any more stops")
    func cancelled() async throws {
        let server = try ScriptedServer { request, _ in
            if request.line.hasPrefix("HEAD") { return [.answer(404)] }
            if request.line.hasPrefix("POST") { return [.answer(202, ["Location: /v2/team/box/blobs/uploads/1"])] }
            return [.wait(.seconds(900))]
        }
        let lab = try await EngineLab()
        let engine = try await lab.engine
        let name = try ImageReference("\(server.authority)/team/box:1")
        try await engine.tag("busybox", as: name.familiar)
        try await server.whileServing {
            let push = Task { try await engine.pushImage(name, access: PullTests.patient) }
            try await lab.eventually("the layer is being sent", within: 60) {
                server.requests.contains { $0.line.hasPrefix("PUT") }
            }
            push.cancel()
            let error = try await PullTests.failure { _ = try await push.value }
            #expect(error.message.contains("cancelled"), "\(error)")
        }
        let left = try #require(try await engine.images.resolve("busybox"))
        #expect(left.repoDigests.isEmpty)
        try await lab.takeDown()
    }

    @Test("a push whose client goes away stops")
    func clientGone() async throws {
        let server = try ScriptedServer { request, _ in
            if request.line.hasPrefix("HEAD") { return [.answer(404)] }
            if request.line.hasPrefix("POST") { return [.answer(202, ["Location: /v2/team/box/blobs/uploads/1"])] }
            return [.wait(.seconds(900))]
        }
        let lab = try await EngineLab()
        let name = "\(server.authority)/team/box"
        try await lab.engine.tag("busybox", as: name)
        try await server.whileServing {
            let client = try await AsyncSocket.connect(unix: lab.root + "/run/stackctl.sock")
            try await client.writeAll(
                Array("POST /images/\(name)/push?tag=latest HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n".utf8))
            try await lab.eventually("the layer is being sent", within: 60) {
                server.requests.contains { $0.line.hasPrefix("PUT") }
            }
            #expect(try Self.connections(to: server.port) > 0)
            client.close()
            // The registry would be waited for much longer.
            try await lab.eventually("the daemon lets go of the registry", within: 60) {
                try Self.connections(to: server.port) == 0
            }
        }
        try await lab.takeDown()
    }

    /// Open connections from here to a port of this machine.
    private static func connections(to port: UInt16) throws -> Int {
        let suffix =
            ":" + String(repeating: "0", count: 4 - String(port, radix: 16).count)
            + String(port, radix: 16).uppercased()
        return try Files.readText("/proc/net/tcp").split(separator: "\n").count { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[2].hasSuffix(suffix) && fields[3] == "01"
        }
    }

    @Test("a push that is refused says why, and the image keeps no digest of it")
    func refused() async throws {
        try await RegistryLab.serving(.secured) { registry in
            let lab = try await EngineLab()
            let engine = try await lab.engine
            let name = try ImageReference("\(registry.authority)/team/box:1")
            try await engine.tag("busybox", as: name.familiar)
            let stranger = try await PullTests.failure { _ = try await engine.pushImage(name) }
            #expect(stranger.kind == .unauthorized, "\(stranger)")
            #expect(stranger.message.contains("cannot push \(name.familiar)"), "\(stranger)")
            let unknown = try await PullTests.failure {
                _ = try await engine.pushImage(try ImageReference("\(registry.authority)/team/box:2"))
            }
            #expect(unknown.kind == .notFound, "\(unknown)")
            #expect(try await engine.images.resolve("busybox")?.repoDigests == [])
            try await lab.takeDown()
        }
    }
}
