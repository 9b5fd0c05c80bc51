import Archives
import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI
import StateStore
import Testing

@Suite("Damage of the image store", .serialized)
struct StoreDamageTests {
    /// What is done to a store that has the image of three layers: gzip, zstd and plain.
    enum Damage: String, CaseIterable, Sendable {
        case image, imageWithRecipe, imageOfPlainLayer, recipe, blob, config, manifest
        case missingLayer, missingPlainLayer, missingRecipe, missingBlob, missingConfig, missingManifest
        case rowWithoutLayer, layerWithoutRow, blobWithoutRow

        /// What `verify` says of it.
        var says: String {
            switch self {
            case .image, .imageWithRecipe, .imageOfPlainLayer: "layer sha256:"
            case .recipe, .missingRecipe: "the tar recipe of layer sha256:"
            case .blob, .missingBlob: "compressed layer sha256:"
            case .config, .missingConfig: "the config sha256:"
            case .manifest, .missingManifest: "the manifest sha256:"
            case .missingLayer, .missingPlainLayer, .rowWithoutLayer: "is missing"
            case .layerWithoutRow, .blobWithoutRow: "is no part of the store"
            }
        }

        /// Whether it is made good without a registry.
        var isMendedHere: Bool {
            switch self {
            case .image, .missingLayer, .rowWithoutLayer, .layerWithoutRow, .blobWithoutRow: true
            // A plain layer's recipe gives back the tar as long as the contents are there: metadata come from it.
            case .imageWithRecipe: true
            default: false
            }
        }
    }

    private func with(
        _ body: (TemporaryStore, StoredImage, LayoutSource, String) async throws -> Void
    ) async throws {
        try await ImageArchiveFixture.withFiles(ImageArchiveFixture.threeLayerImage) { directory in
            try await Self.withImage(of: directory) { try await body($0, $1, $2, directory) }
        }
    }

    private static func withImage(
        of directory: String, _ body: (TemporaryStore, StoredImage, LayoutSource) async throws -> Void
    ) async throws {
        try await LayerFixture.withStore(backing: .fileBacked) { temporary in
            let source = LayoutSource(directory: directory + "/oci")
            let manifest = try Files.readAll(directory + "/manifest.json", limit: 1 << 20)
            let image = try await temporary.store.ingest(
                manifest: manifest, blobs: source, references: [try ImageReference("demo:1")])
            try await body(temporary, image, source)
        }
    }

    /// Runs a body for each damage, done to a store of its own.
    private func withEachDamage(
        _ body: (Damage, TemporaryStore, StoredImage, LayoutSource) async throws -> Void
    ) async throws {
        try await ImageArchiveFixture.withFiles(ImageArchiveFixture.threeLayerImage) { directory in
            // A registry has manifests under their digests too.
            let manifest = try Files.readAll(directory + "/manifest.json", limit: 1 << 20)
            try Files.write(directory + "/oci/blobs/sha256/" + SHA256.hex(of: manifest), manifest)
            for damage in Damage.allCases {
                try await Self.withImage(of: directory) { temporary, image, source in
                    #expect(try await temporary.store.verify().isEmpty)
                    try apply(damage, to: temporary, image)
                    try await body(damage, temporary, image, source)
                }
            }
        }
    }

    private func flip(_ path: String, at offset: Int64) throws {
        let file = try Files.open(path, .readWrite)
        let byte = try file.pread(upTo: 1, at: offset)
        try file.pwriteAll([try #require(byte.first) ^ 0x20], at: offset)
    }

    private func apply(_ damage: Damage, to temporary: TemporaryStore, _ image: StoredImage) throws {
        let (gzip, plain) = (image.layers[0], image.layers[2])
        func layer(_ digest: Digest, _ name: String) -> String { "\(temporary.root)/layers/\(digest.hex)/\(name)" }
        func blob(_ digest: Digest) -> String { "\(temporary.root)/blobs/sha256/\(digest.hex)" }
        let manifest = try #require(image.manifestDigest)
        let rows = try temporary.database.read { tables in try tables.layers() }
        let compressed = try #require(
            rows.first { $0.diffID == gzip.description }?.spec["blobs"]?.arrayValue?.first?["digest"]?.stringValue
                .flatMap { Digest($0) })
        let stray = String(repeating: "ab", count: 32)
        switch damage {
        case .image: try flip(layer(gzip, "layer.erofs"), at: 5000)
        // Behind the contents of the plain layer's one file are the inodes.
        case .imageWithRecipe: try flip(layer(plain, "layer.erofs"), at: 8192 + 64)
        case .imageOfPlainLayer: try flip(layer(plain, "layer.erofs"), at: 4097)
        case .recipe: try flip(layer(plain, "recipe"), at: 40)
        case .blob: try flip(blob(compressed), at: 3000)
        case .config: try flip(blob(image.id), at: 30)
        case .manifest: try flip(blob(manifest), at: 30)
        case .missingLayer: try Files.removeTree(layer(gzip, ""))
        case .missingPlainLayer: try Files.removeTree(layer(plain, ""))
        case .missingRecipe: try Files.unlink(layer(plain, "recipe"))
        case .missingBlob: try Files.unlink(blob(compressed))
        case .missingConfig: try Files.unlink(blob(image.id))
        case .missingManifest: try Files.unlink(blob(manifest))
        case .rowWithoutLayer:
            try temporary.database.write { tables in _ = try tables.deleteLayer(diffID: gzip.description) }
        case .layerWithoutRow: try Files.makeDirectories("\(temporary.root)/layers/\(stray)/mnt")
        case .blobWithoutRow: try Files.write("\(temporary.root)/blobs/sha256/\(stray)", [1, 2, 3])
        }
    }

    @Test("verify finds it and says what it is")
    func found() async throws {
        try await withEachDamage { damage, temporary, image, _ in
            let found = try await temporary.store.verify()
            #expect(found.contains { $0.summary.contains(damage.says) }, "\(damage): \(found.map(\.summary))")
            #expect(found.allSatisfy { $0.code == StoreCode.damaged && $0.hint?.contains("--repair") == true })
            // A row that is gone leaves files that nobody knows.
            guard ![.layerWithoutRow, .blobWithoutRow, .rowWithoutLayer].contains(damage) else { return }
            #expect(found.allSatisfy { $0.notes == ["used by image \(image.id)"] }, "\(damage): \(found)")
        }
    }

    @Test("what is intact here makes it good, and what cannot be is said")
    func mendedHere() async throws {
        try await withEachDamage { damage, temporary, image, _ in
            let store = temporary.store
            let result = try await store.repair { _ in nil }
            if damage.isMendedHere {
                #expect(result.left.isEmpty && !result.repaired.isEmpty, "\(damage): \(result)")
                #expect(try await store.verify().isEmpty, "\(damage)")
                try await store.withExports(of: [image]) { exports in
                    for layer in try #require(exports.first).layers { try store.readLayer(layer) { _ in } }
                }
                try await expectFiles(of: image, store)
            } else {
                let left = try #require(result.left.first, "\(damage)")
                #expect(left.detail?.contains("its images came from no registry") == true, "\(damage): \(left)")
                #expect(left.hint == "remove the images that use it and make them again")
                #expect(try await !store.verify().isEmpty, "\(damage)")
            }
        }
    }

    @Test("where the image came from makes everything good")
    func fetchedAgain() async throws {
        try await withEachDamage { damage, temporary, image, source in
            let store = temporary.store
            let result = try await store.repair { id in id == image.id ? source : nil }
            #expect(result.left.isEmpty && !result.repaired.isEmpty, "\(damage): \(result)")
            #expect(try await store.verify().isEmpty, "\(damage)")
            #expect(try await store.resolve("demo:1") == image, "\(damage)")
            try await expectFiles(of: image, store)
            #expect(try await store.repair { _ in nil } == StoreRepair(), "\(damage)")
        }
    }

    private func expectFiles(of image: StoredImage, _ store: ImageStore) async throws {
        let paths = try await store.mountLayers(of: image)
        #expect(try Files.readText(paths[2] + "/etc/hello") == "hi\n")
        #expect(try Files.readText(paths[0] + "/other") == "other\n")
    }

    @Test("a registry that has something else, or nothing, leaves the damage as it is and says why")
    func wrongSource() async throws {
        try await with { temporary, image, source, directory in
            try apply(.blob, to: temporary, image)
            let name = try #require(
                try Files.list(source.directory + "/blobs/sha256").map(\.name).first {
                    try Files.status(source.directory + "/blobs/sha256/" + $0).size > 20_000
                })
            try flip(source.directory + "/blobs/sha256/" + name, at: 9)
            let result = try await temporary.store.repair { _ in source }
            #expect(result.repaired.isEmpty)
            #expect(result.left.first?.detail?.contains("has another digest") == true, "\(result.left)")
            try Files.removeTree(source.directory)
            let nothing = try await temporary.store.repair { _ in source }
            #expect(nothing.left.first?.detail?.contains("ENOENT") == true, "\(nothing.left)")
        }
    }

    @Test("what the store says it takes is what the disk says")
    func diskUsage() async throws {
        try await with { temporary, image, _, directory in
            func expectEqual() async throws {
                let usage = try await temporary.store.diskUsage()
                let told = try await LayerFixture.tool(
                    "/usr/bin/du", "-s", "-B1", temporary.root + "/layers", temporary.root + "/blobs/sha256")
                let sizes = told.split(separator: "\n").compactMap {
                    $0.split(separator: "\t").first.flatMap { Int64($0) }
                }
                #expect(sizes == [usage.layersBytes, usage.blobsBytes])
            }
            try await expectEqual()
            // A second image that shares layers costs only its own.
            let before = try await temporary.store.diskUsage().totalBytes
            var changes = ConfigurationChanges()
            changes.env = ["A": "b"]
            _ = try await temporary.store.derive(
                from: image, reference: try ImageReference("demo:2"), changes: changes)
            #expect(try await temporary.store.diskUsage().totalBytes - before <= 4 * 4096)
            try await expectEqual()
            _ = try await temporary.store.remove("demo:1", inUse: [])
            await temporary.store.finishRemovals()
            try await expectEqual()
        }
    }

    @Test("nobody but the owner of the data root can look into layers and blobs")
    func permissions() async throws {
        try await with { temporary, image, _, _ in
            _ = try await temporary.store.mountLayers(of: image)
            for name in ["layers", "blobs"] {
                #expect(try Files.status(temporary.root + "/" + name).mode == 0o700)
            }
            try Files.chmod(temporary.root, mode: 0o755)
            let answer = try await Spawn.run(
                SpawnRequest(
                    "/usr/bin/setpriv",
                    [
                        "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                        "/bin/cat", "\(temporary.root)/layers/\(image.layers[0].hex)/mnt/etc/hello",
                    ]), timeout: .seconds(150))
            #expect(!answer.status.isSuccess && answer.errorText.contains("Permission denied"))
        }
    }
}
