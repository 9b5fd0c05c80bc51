import Archives
import Builder
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Registry
import Testing

@Suite("Outputs of builds", .serialized, .timeLimit(.minutes(15)))
struct OutputTests {
    private static let dockerfile = """
        FROM busybox
        WORKDIR /app
        COPY site /app/site
        RUN echo made > made && ln made link
        LABEL a=b
        CMD ["cat", "/app/site/index.html"]

        """
    private static let files = ["site/index.html": "hello\n", "site/a/b.txt": "deep\n"]

    @Test("archives of an image are the same each time, and load by their names")
    func archives() async throws {
        let lab = try await OutputLab()
        let request = try lab.request(Self.dockerfile, files: Self.files, tags: ["shop/site:1", "shop/site:2"]) {
            $0.annotations = ["manifest:org.example.a": "1", "manifest-descriptor:org.example.b": "2"]
            $0.sourceDateEpoch = Timestamp(seconds: 1_700_000_000)
        }
        let first = try await lab.file(request) { .ociArchive($0) }
        var anew = request
        anew.ignoresCache = true
        let second = try await lab.file(anew) { .ociArchive($0) }
        #expect(try Files.readAll(first.path) == Files.readAll(second.path), "two builds differ")
        #expect(first.result.manifestDigest == second.result.manifestDigest)

        let folder = try await lab.unpack(first.path)
        let index = try lab.index(folder)
        #expect(
            index.manifests.map { $0.annotations["io.containerd.image.name"] } == [
                "docker.io/shop/site:1", "docker.io/shop/site:2",
            ])
        #expect(index.manifests.first?.annotations["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z")
        #expect(index.manifests.first?.annotations["org.example.b"] == "2")
        let listed = try #require(index.manifests.first)
        let manifest = try ImageManifest(bytes: lab.blob(folder, listed.digest))
        #expect(manifest.annotations == ["org.example.a": "1"])
        let config = try ImageConfig(bytes: lab.blob(folder, manifest.config.digest))
        #expect(config.created == "2023-11-14T22:13:20Z")
        #expect(try await lab.lab.engine.images.resolve("shop/site:1") == nil, "it was not to be stored")

        try await lab.lab.docker("load", "-i", first.path)
        #expect(try await lab.lab.docker("run", "--rm", "shop/site:2").out == "hello\n")
        try await lab.lab.docker("rmi", "-f", "shop/site:1", "shop/site:2")
        let docker = try await lab.file(request) { .dockerArchive($0) }
        let loaded = try await lab.lab.docker("load", "-i", docker.path)
        #expect(loaded.out.contains("Loaded image: shop/site:1"), "\(loaded)")
        #expect(try await lab.lab.docker("run", "--rm", "shop/site:1").out == "hello\n")
        try await lab.lab.docker("rmi", "-f", "shop/site:1", "shop/site:2")
        try await lab.lab.takeDown()
    }

    @Test("files of several platforms are each in a directory, with what is said of them beside them")
    func files() async throws {
        let lab = try await OutputLab()
        let scratch = "FROM scratch\nCOPY site /\nCOPY lock /lock/package-lock.json\n"
        let files = Self.files.merging(
            ["lock": #"{"packages":{"node_modules/a":{"version":"1.0.0"}}}"#]) { first, _ in first }
        let request = try lab.request(scratch, files: files) {
            $0.platforms = [Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "arm64")]
            $0.sourceDateEpoch = Timestamp(seconds: 1_600_000_000)
            $0.provenance = .minimal
            $0.hasInventory = true
        }
        let first = try await lab.file(request) { .tar($0) }
        let second = try await lab.file(request) { .tar($0) }
        #expect(try Files.readAll(first.path) == Files.readAll(second.path))
        let folder = try await lab.unpack(first.path)
        #expect(try Files.list(folder).map(\.name).sorted() == ["linux_amd64", "linux_arm64"])
        #expect(try Files.readText("\(folder)/linux_arm64/a/b.txt") == "deep\n")
        #expect(try Files.status("\(folder)/linux_amd64/index.html").modified == Timestamp(seconds: 1_600_000_000))
        let inventory = try JSONValue.parse(Files.readAll("\(folder)/linux_amd64/sbom.spdx.json"))
        #expect(inventory["predicate"]?["packages"]?.arrayValue?.last?["name"]?.stringValue == "a")
        #expect(Files.exists("\(folder)/linux_amd64/provenance.json"))

        var one = request
        one.platforms = []
        one.provenance = nil
        one.hasInventory = false
        let plain = try await lab.unpack(lab.file(one) { .tar($0) }.path)
        #expect(try Files.list(plain).map(\.name).sorted() == ["a", "index.html", "lock"])
        try await lab.lab.takeDown()
    }

    @Test("an index that nothing makes has no annotations")
    func refusals() async throws {
        let lab = try await OutputLab()
        let request = try lab.request("FROM busybox\n", tags: ["x"]) { $0.annotations = ["index:a": "b"] }
        let failure = await #expect(throws: BuildFailure.self) {
            try await lab.lab.engine.builder.build(request) { _ in }
        }
        #expect(failure?.diagnostics.first?.summary == "index annotations not supported for single platform export")
        var push = try lab.request("FROM busybox\n")
        push.pushes = true
        let (unnamedPush, engine) = (push, try await lab.lab.engine)
        let unnamed = await #expect(throws: BuildFailure.self) {
            try await engine.builder.build(unnamedPush) { _ in }
        }
        #expect(unnamed?.diagnostics.first?.summary == "tag is needed when pushing to registry")
        try await lab.lab.takeDown()
    }

    @Test("an image is pushed with its index and what is said of it, which readers find in both ways")
    func pushed() async throws {
        try await ServerLab.with { server in
            let lab = try await OutputLab()
            let name = "\(server.authority)/shop/site:1"
            let request = try lab.request("FROM scratch\nCOPY site /\n", files: Self.files, tags: [name]) {
                $0.platforms = [
                    Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "arm64"),
                ]
                $0.annotations = ["index:org.example.i": "1", "org.example.m": "2"]
                $0.provenance = .maximal
                $0.hasInventory = true
                $0.pushes = true
            }
            let result = try await lab.build(request)
            try await server.blocking {
                let client = try server.client("shop/site")
                let fetched = try client.manifest("1")
                #expect(fetched.digest == result.manifestDigest)
                try Self.check(fetched, client)
            }
            // The image of this host's platform is in the store and knows the digest.
            let stored = try #require(try await lab.lab.engine.images.resolve(name))
            #expect(stored.repoDigests.map(\.digest) == [result.manifestDigest])
            try await lab.lab.docker("rmi", "-f", name)
            try await lab.lab.docker("pull", name)
            #expect(try await lab.lab.engine.images.resolve(name)?.id == stored.id)
            try server.verify()
            try await lab.lab.takeDown()
        }
    }

    @Test("layers go to registries compressed, in the same bytes however they are pushed")
    func compressed() async throws {
        try await ServerLab.with { server in
            let lab = try await OutputLab()
            let name = "\(server.authority)/shop/site"
            func request(_ tag: String, _ change: (inout BuildRequest) -> Void = { _ in }) throws -> BuildRequest {
                try lab.request(
                    "FROM scratch\nCOPY site /\nCOPY site /again/\n", files: Self.files, tags: ["\(name):\(tag)"],
                    change)
            }
            func layers(_ tag: String) async throws -> (digest: Digest, layers: [OCI.Descriptor]) {
                try await server.blocking {
                    let fetched = try server.client("shop/site").manifest(tag)
                    return (fetched.digest, try ImageManifest(bytes: fetched.bytes).layers)
                }
            }
            // Built, then pushed; built and pushed in one.
            let built = try await lab.build(try request("1"))
            try await lab.lab.docker("push", "\(name):1")
            let pushed = try await layers("1")
            #expect(pushed.digest != built.manifestDigest)
            #expect(pushed.layers.map(\.mediaType) == [MediaType.ociLayerGzip, MediaType.ociLayerGzip])
            let again = try await lab.build(try request("2") { $0.pushes = true })
            #expect(again.manifestDigest == pushed.digest && again.imageID == built.imageID)
            try await lab.lab.docker("push", "\(name):2")
            #expect(try await layers("2").digest == pushed.digest)

            let smaller = LayerCompression(.gzip, level: 9)
            let smallest = try await lab.build(
                try request("3") { ($0.pushes, $0.compression) = (true, smaller) })
            #expect(smallest.manifestDigest != pushed.digest && smallest.imageID == built.imageID)
            try await lab.build(
                try request("4") { ($0.pushes, $0.compression) = (true, LayerCompression(.uncompressed)) })
            let image = try #require(try await lab.lab.engine.images.resolve("\(name):4"))
            #expect(try await layers("4").layers.map(\.digest) == image.layers)
            // Without a push the manifest is that of the plain tars again, whatever was made meanwhile.
            #expect(try await lab.build(try request("5")).manifestDigest == built.manifestDigest)
            if ZstdWriter.isAvailable {
                try await lab.build(
                    try request("6") { ($0.pushes, $0.compression) = (true, LayerCompression(.zstd, level: 19)) })
                #expect(try await layers("6").layers.allSatisfy { $0.mediaType == MediaType.ociLayerZstd })
            }
            // The manifests that others took the place of are garbage, and all else is as it should be.
            _ = try await lab.lab.engine.images.collectGarbage(inUse: [], removeUntagged: false)
            #expect(try await lab.lab.engine.images.verify().isEmpty)
            // What was pushed comes back as the same image.
            let tags = try await lab.lab.engine.images.list().flatMap(\.references).map(\.familiar)
            for tag in tags { try await lab.lab.docker("rmi", "-f", tag) }
            for tag in ["1", "3", "4"] {
                try await lab.lab.docker("pull", "\(name):\(tag)")
                #expect(try await lab.lab.engine.images.resolve("\(name):\(tag)")?.id == built.imageID)
            }
            try server.verify()
            try await lab.lab.takeDown()
        }
    }

    @Test("an image is pushed twice and built again at the same time")
    func pushedAtOnce() async throws {
        try await ServerLab.with { server in
            let lab = try await OutputLab()
            let name = "\(server.authority)/shop/site"
            let request = try lab.request(
                "FROM scratch\nCOPY site /\n", files: Self.files, tags: ["\(name):1", "\(name):2"])
            let built = try await lab.build(request)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for tag in ["1", "2"] { group.addTask { try await lab.lab.docker("push", "\(name):\(tag)") } }
                group.addTask { try await lab.build(request) }
                try await group.waitForAll()
            }
            // Whoever came first, the image is one that can be given on.
            try await lab.lab.docker("push", "\(name):1")
            let images = try await lab.lab.engine.images
            _ = try await images.collectGarbage(inUse: [], removeUntagged: false)
            #expect(try await images.verify().isEmpty)
            #expect(try await images.resolve("\(name):1")?.id == built.imageID)
            try server.verify()
            try await lab.lab.takeDown()
        }
    }

    @Test(
        "a registry that keeps no list of referrers gets one under the tag made of the digest",
        .enabled(if: RegistryLab.isPossible))
    func olderRegistry() async throws {
        try await RegistryLab.serving { registry in
            let lab = try await OutputLab()
            let name = "\(registry.authority)/shop/site:1"
            let request = try lab.request("FROM scratch\nCOPY site /\n", files: Self.files, tags: [name]) {
                $0.provenance = .minimal
                $0.hasInventory = true
                $0.pushes = true
            }
            try await lab.build(request)
            try await BlockingExecutor.transfers.run { () throws in
                let client = try RegistryClient(try ImageReference(name), options: RegistryOptions())
                try Self.check(try client.manifest("1"), client)
            }
            try await lab.lab.docker("rmi", "-f", name)
            try await lab.lab.docker("pull", name)
            try await lab.lab.takeDown()
        }
    }

    /// Looks at an index as `imagetools` does, and at referrers as `cosign` and `oras` do.
    static func check(_ fetched: FetchedManifest, _ client: RegistryClient) throws {
        let index = try ImageIndex(bytes: fetched.bytes)
        let images = index.images
        let attestations = index.manifests.filter { $0.platform?.os == "unknown" }
        #expect(images.count == attestations.count && !images.isEmpty)
        for (image, attestation) in zip(images, attestations) {
            #expect(attestation.annotations["vnd.docker.reference.digest"] == image.digest.description)
            #expect(attestation.annotations["vnd.docker.reference.type"] == "attestation-manifest")
            #expect(try client.referrers(to: image.digest).map(\.digest) == [attestation.digest])
            let manifest = try ImageManifest(bytes: client.manifest(attestation.digest).bytes)
            #expect(manifest.subject?.digest == image.digest && manifest.artifactType == MediaType.attestations)
            #expect(
                manifest.layers.map { $0.annotations["in-toto.io/predicate-type"] } == [
                    "https://spdx.dev/Document", "https://slsa.dev/provenance/v1",
                ])
            for layer in manifest.layers {
                let statement = try JSONValue.parse(client.blobBytes(layer.digest, size: layer.size))
                #expect(statement["_type"]?.stringValue == "https://in-toto.io/Statement/v0.1")
                #expect(statement["predicateType"]?.stringValue == layer.annotations["in-toto.io/predicate-type"])
                let subject = statement["subject"]?.arrayValue?.first
                #expect(subject?["digest"]?["sha256"]?.stringValue == image.digest.hex)
            }
        }
    }
}
