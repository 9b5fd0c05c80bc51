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
