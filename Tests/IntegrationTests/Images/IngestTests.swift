import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Synchronization
import Testing

@Suite("Taking in images", .serialized)
struct IngestTests {
    private func with(
        _ more: String = "", _ body: (ImageStore, TemporaryStore, String, [UInt8]) async throws -> Void
    ) async throws {
        try await ImageArchiveFixture.withFiles(ImageArchiveFixture.threeLayerImage + more) { directory in
            try await LayerFixture.withStore { temporary in
                let manifest = try Files.readAll(directory + "/manifest.json", limit: 1 << 20)
                try await body(temporary.store, temporary, directory, manifest)
            }
        }
    }

    @Test("gzip, zstd and plain layers come in, with config and manifest byte for byte, and go out again the same")
    func wholeImage() async throws {
        try await with { store, _, directory, manifest in
            let phases = Mutex<[LayerProgress]>([])
            let image = try await store.ingest(
                manifest: manifest, blobs: LayoutSource(directory: directory + "/oci"),
                references: [try ImageReference("demo:1")]
            ) { update in phases.withLock { $0.append(update) } }
            let config = try Files.readAll(directory + "/image.json", limit: 1 << 20)
            #expect(image.id.hex == SHA256.hex(of: config))
            #expect(image.manifestDigest?.hex == SHA256.hex(of: manifest))
            #expect(image.layers.count == 3 && image.references.map(\.familiar) == ["demo:1"])
            #expect(phases.withLock { $0.filter { $0.phase == .done }.count } == 3)
            #expect(try await store.verify().isEmpty)
            try await store.withExports(of: [image]) { exports in
                let export = try #require(exports.first)
                #expect(export.isExact && export.manifest == manifest && export.config == config)
                for layer in export.layers { try store.readLayer(layer) { _ in } }
            }
            let mounted = try await store.mountLayers(of: image)
            #expect(try Files.readText(mounted[2] + "/etc/hello") == "hi\n")
            #expect(try Files.readText(mounted[1] + "/top") == "top\n")
        }
    }

    @Test("layers that are there are not asked for, however they came")
    func shared() async throws {
        let second = """
            config second.json base.tar
            printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' \
                "$(layer second.json application/vnd.oci.image.config.v1+json)" \
                "$(layer base.tar application/vnd.oci.image.layer.v1.tar)" > second.manifest
            blob second.json
            """
        try await with(second) { store, temporary, directory, manifest in
            let source = LayoutSource(directory: directory + "/oci")
            let first = try await store.ingest(manifest: manifest, blobs: source)
            let before = try temporary.files().count
            // The plain base.tar is not among the blobs.
            let bytes = try Files.readAll(directory + "/second.manifest", limit: 1 << 20)
            let image = try await store.ingest(manifest: bytes, blobs: source)
            #expect(image.layers == [first.layers[0]])
            #expect(try temporary.files().count == before + 2)
            // It is given on exactly all the same, from the compressed form.
            try await store.withExports(of: [image]) { exports in
                let export = try #require(exports.first)
                #expect(export.isExact)
                for layer in export.layers { try store.readLayer(layer) { _ in } }
            }
            // The layer and its blob stay as long as one of the images needs them.
            _ = try await store.remove(first.id.description, inUse: [])
            #expect(try await store.verify().isEmpty)
            _ = try await store.remove(image.id.description, inUse: [])
            #expect(try temporary.files() == [])
        }
    }

    @Test(
        "what is wrong with a blob is said by name, and the store has no image more",
        arguments: [
            ("truncate -s -9 $(name base.tar.gz)", "bytes"),
            ("printf x >> $(name top.tar.zst)", "more than the"),
            ("cp other.tar x; printf X | dd of=$(name other.tar) bs=1 seek=1100 conv=notrunc status=none", ""),
            ("printf X | dd of=$(name base.tar.gz) bs=1 seek=600 conv=notrunc status=none", ""),
            ("rm $(name base.tar.gz)", "base"), ("printf x > $(name image.json)", "ends after 1 of"),
        ] as [(String, String)])
    func damagedBlobs(damage: String, says: String) async throws {
        let script = "name() { echo oci/blobs/sha256/$(digest $1); }\n" + damage
        try await with(script) { store, temporary, directory, manifest in
            let error = await #expect(throws: Diagnostic.self) {
                try await store.ingest(manifest: manifest, blobs: LayoutSource(directory: directory + "/oci"))
            }
            let text = "\(error?.summary ?? "") \(error?.detail ?? "")"
            #expect(says == "base" || text.contains(says), "\(text)")
            #expect(try await store.list().isEmpty)
            // What is complete may stay for the next try, and goes with the garbage.
            _ = try await store.collectGarbage(inUse: [], removeUntagged: false)
            #expect(try temporary.files() == [])
        }
    }

    @Test("a config that names other layers, and a manifest of foreign ones, are refused")
    func wrongDocuments() async throws {
        let wrong = """
            config wrong.json other.tar
            printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' \
                "$(layer wrong.json application/vnd.oci.image.config.v1+json)" \
                "$(layer base.tar.gz application/vnd.oci.image.layer.v1.tar+gzip)" > wrong.manifest
            blob wrong.json
            sed s/image.layer.v1.tar+gzip/image.layer.nondistributable.v1.tar+gzip/ wrong.manifest > foreign.manifest
            """
        try await with(wrong) { store, temporary, directory, _ in
            let source = LayoutSource(directory: directory + "/oci")
            for (name, says) in [("wrong", "diff_ids"), ("foreign", "foreign layer")] {
                let bytes = try Files.readAll("\(directory)/\(name).manifest", limit: 1 << 20)
                let error = await #expect(throws: Diagnostic.self) {
                    try await store.ingest(manifest: bytes, blobs: source)
                }
                #expect(error?.detail?.contains(says) == true, "\(String(describing: error))")
                #expect(try temporary.files() == [])
            }
        }
    }

    @Test("garbage collection leaves alone what a running ingest counts on, and takes it when that has failed")
    func collectedMeanwhile() async throws {
        /// A layout whose zstd layer is there only when it is let through.
        struct Gated: BlobSource {
            let layout: LayoutSource
            let gate: Gate
            func open(_ blob: BlobDescriptor) throws -> any ByteSource {
                if blob.mediaType.hasSuffix("zstd") { try gate.wait() }
                return try layout.open(blob)
            }
        }
        try await with { store, temporary, directory, manifest in
            for fails in [true, false] {
                let gate = Gate()
                let source = Gated(layout: LayoutSource(directory: directory + "/oci"), gate: gate)
                let (finished, signal) = AsyncStream.makeStream(of: Void.self)
                let task = Task {
                    try await store.ingest(manifest: manifest, blobs: source) { update in
                        if update.phase == .done { signal.yield() }
                    }
                }
                var done = 0
                for await _ in finished {
                    done += 1
                    if done == 2 { break }
                }
                let report = try await store.collectGarbage(inUse: [], removeUntagged: true)
                #expect(report.layers.isEmpty && report.blobs.isEmpty)
                gate.open(fails: fails)
                if fails {
                    await #expect(throws: Diagnostic.self) { try await task.value }
                    let report = try await store.collectGarbage(inUse: [], removeUntagged: true)
                    #expect(report.layers.count == 2)
                    #expect(try temporary.files() == [])
                } else {
                    _ = try await task.value
                    #expect(try await store.verify().isEmpty)
                }
            }
        }
    }

    @Test("an ingest that is cancelled ends soon and leaves nothing half made")
    func cancelled() async throws {
        /// A blob that takes minutes.
        final class Endless: ByteSource {
            func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
                let end = Clock.monotonic() + 2_000_000
                while Clock.monotonic() < end {}
                buffer.initializeMemory(as: UInt8.self, repeating: 0)
                return min(1, buffer.count)
            }
        }
        struct Slow: BlobSource {
            let layout: LayoutSource
            func open(_ blob: BlobDescriptor) throws -> any ByteSource {
                blob.mediaType.contains("config") ? try layout.open(blob) : Endless()
            }
        }
        try await with { store, temporary, directory, manifest in
            let source = Slow(layout: LayoutSource(directory: directory + "/oci"))
            let task = Task { try await store.ingest(manifest: manifest, blobs: source) }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            await #expect(throws: Diagnostic.self) { try await task.value }
            #expect(try temporary.files() == [])
        }
    }
}

/// Holds a thread back until a test lets it through.
private final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, fails: Bool)>((false, false))

    func open(fails: Bool) { state.withLock { $0 = (true, fails) } }

    func wait() throws {
        let end = Clock.monotonic() + 300_000_000_000
        while !state.withLock({ $0.isOpen }), Clock.monotonic() < end { Clock.block(for: .milliseconds(5)) }
        if state.withLock({ $0.fails }) {
            throw Diagnostic(code: "T1", summary: "the registry went away")
        }
    }
}
