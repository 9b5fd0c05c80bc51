import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Registry
import Synchronization
import Testing

@Suite("Pulling", .enabled(if: RegistryLab.isPossible), .serialized, .timeLimit(.minutes(5)))
struct PullTests {
    /// Access that gives up after its second try.
    static var access: RegistryAccess {
        var access = RegistryAccess()
        access.retry.first = .milliseconds(20)
        access.retry.attempts = 2
        return access
    }

    /// Access that does not wait for a registry that says nothing.
    static var impatient: RegistryAccess {
        var access = Self.access
        access.limits.silence = .seconds(3)
        return access
    }

    /// Access that waits longer than a test takes.
    static var patient: RegistryAccess {
        var access = RegistryAccess()
        access.limits.silence = .seconds(900)
        access.limits.smallAnswer = .seconds(900)
        return access
    }

    /// The error of a body, as the engine tells it.
    static func failure(_ body: () async throws -> Void) async throws -> EngineError {
        do {
            try await body()
        } catch let error as EngineError {
            return error
        }
        Issue.record("it did not fail")
        return EngineError(.failed, "")
    }

    @Test("an image of an index comes in for this host, once, and is known by the index's digest")
    func index() async throws {
        try await RegistryImages.withLayouts { files in
            try await RegistryLab.serving { registry in
                let lab = try await EngineLab()
                let name = "\(registry.authority)/team/app:1"
                try await RegistryImages.push(files + "/oci", to: name)
                let engine = try await lab.engine
                let reference = try ImageReference(name)
                let index = try RegistryImages.digest(files + "/index.document")

                let remote = try await engine.resolveRemote(reference)
                #expect(remote.digest == index && remote.mediaType == MediaType.ociIndex)
                let seen = Mutex<[PullProgress]>([])
                let pulled = try await engine.pullImage(reference) { update in seen.withLock { $0.append(update) } }
                #expect(pulled.isNew && pulled.digest == index)
                #expect(pulled.image.id == (try RegistryImages.digest(files + "/image.json")))
                #expect(pulled.image.manifestDigest == (try RegistryImages.digest(files + "/amd.manifest")))
                #expect(pulled.image.references == [reference])
                #expect(pulled.image.repoDigests == [reference.at(index)])
                let done = seen.withLock { $0 }.compactMap { update -> Digest? in
                    guard case .layer(let layer) = update, layer.phase == .done else { return nil }
                    return layer.digest
                }
                #expect(Set(done).count == 3)

                let again = try await engine.pullImage(reference)
                #expect(!again.isNew && again.image == pulled.image)
                #expect(try await engine.images.resolve("\(registry.authority)/team/app@\(index)") == pulled.image)
                let byDigest = try await engine.pullImage(reference.at(index))
                #expect(!byDigest.isNew && byDigest.image == pulled.image)

                // The name moves: what it stood for keeps its digest.
                try await RegistryImages.push(files + "/foreign", to: name)
                let foreign = try await Self.failure { _ = try await engine.pullImage(reference, access: Self.access) }
                #expect(foreign.message.contains("there are images for linux/arm64/v8"), "\(foreign)")
                #expect(foreign.kind == .notFound)
                let arm = try await engine.pullImage(reference, platform: Platform("linux/arm64"))
                #expect(try arm.image.id == RegistryImages.digest(files + "/arm.json") && arm.isNew)
                let left = try #require(try await engine.images.resolve(pulled.image.id.description))
                #expect(left.references.isEmpty && left.repoDigests == [reference.at(index)])

                let removed = try await engine.removeImage(name)
                #expect(removed.compactMap { $0["Untagged"]?.stringValue } == [name, arm.pinned.familiar])
                _ = try await engine.removeImage(reference.at(index).familiar)
                #expect(try await engine.images.resolve(pulled.image.id.description) == nil)
                try await lab.takeDown()
            }
        }
    }

    @Test("the same image in another form is not pulled once more, and keeps its manifest")
    func otherForm() async throws {
        try await RegistryImages.withLayouts { files in
            try await RegistryLab.serving { registry in
                let lab = try await EngineLab()
                let engine = try await lab.engine
                let name = try ImageReference("\(registry.authority)/team/app:1")
                try await RegistryImages.push(files + "/single", to: name.description)
                let first = try await engine.pullImage(name)
                let plain = try ImageReference("\(registry.authority)/plain/app:1")
                let digest = try await BlockingExecutor.shared.run { () throws in
                    let client = try RegistryClient(plain, options: registry.options())
                    let config = try Files.readAll(files + "/image.json", limit: 1 << 20)
                    let layers = try ["base.tar", "top.tar", "other.tar"].map { name in
                        let bytes = try Files.readAll(files + "/" + name, limit: 1 << 26)
                        try client.upload(BlobContent(bytes))
                        return OCI.Descriptor(
                            mediaType: MediaType.ociLayerTar, digest: try SampleImage.digest(bytes),
                            size: Int64(bytes.count))
                    }
                    try client.upload(BlobContent(config))
                    let manifest = ImageManifest(
                        config: OCI.Descriptor(
                            mediaType: MediaType.ociConfig, digest: try SampleImage.digest(config),
                            size: Int64(config.count)), layers: layers)
                    return try client.putManifest(
                        manifest.serialized(), mediaType: MediaType.ociManifest, reference: "1")
                }
                let second = try await engine.pullImage(plain) { update in
                    if case .layer(let layer) = update { Issue.record("\(layer) came again") }
                }
                #expect(second.image.id == first.image.id && second.digest == digest && second.isNew)
                #expect(second.image.repoDigests == [plain.at(digest), name.at(first.digest)])
                let third = try ImageReference("\(registry.authority)/third/app:1")
                try await engine.tag(name.familiar, as: third.familiar)
                #expect(try await engine.pushImage(third).digest == first.digest)
                try await lab.takeDown()
            }
        }
    }

    @Test("what is wrong is one sentence, and the store stays as it was")
    func refusals() async throws {
        try await RegistryImages.withLayouts { files in
            try await RegistryLab.serving { registry in
                let lab = try await EngineLab()
                let engine = try await lab.engine
                try await RegistryImages.push(files + "/single", to: "\(registry.authority)/team/app:1")
                let before = try await engine.images.list()
                func pull(_ name: String, _ platform: Platform? = nil) async throws -> EngineError {
                    try await Self.failure {
                        _ = try await engine.pullImage(
                            try ImageReference(name), platform: platform, access: Self.access)
                    }
                }
                let tag = try await pull("\(registry.authority)/team/app:nope")
                #expect(tag.kind == .notFound)
                #expect(tag.message.contains("manifest for \(registry.authority)/team/app:nope not found"), "\(tag)")
                let repository = try await pull("\(registry.authority)/nobody/nothing")
                #expect(repository.kind == .notFound, "\(repository)")
                let platform = try await pull("\(registry.authority)/team/app:1", Platform("linux/s390x"))
                #expect(platform.message.contains("there are images for linux/amd64"), "\(platform)")
                let unreachable = try await pull("127.0.0.1:1/team/app")
                #expect(unreachable.message.contains("no connection"), "\(unreachable)")
                #expect(try await engine.images.list() == before)
                try await lab.takeDown()
            }
        }
    }
}
