import Linux
import OCI
import Testing

@testable import Networking

/// What a user sees of an image that is damaged or lies: one sentence that names it, and a store as before.
@Suite("Hostile images, through the program", .serialized, .timeLimit(.minutes(15)))
struct HostileImageProgramTests {
    private static func archives() async throws -> [(what: String, bytes: [UInt8], says: [String])] {
        let good = TarBytes.file("file", Array(repeating: 0x61, count: 5000)) + TarBytes.end
        let up = TarBytes.file("../escape", []) + TarBytes.end
        let device = TarBytes.header("null", type: "3", fields: [329: "7777777"]) + TarBytes.end
        let packed = try await Spawn.run(SpawnRequest("/bin/gzip", ["-c"]), input: good, timeout: .seconds(150))
        let gzip = packed.standardOutput
        let foreign = try MemoryImage(
            layer: good, of: good, mediaType: MediaType.dockerForeignLayer, urls: ["https://elsewhere.example/l"])
        return [
            (
                "cut gzip", try MemoryImage(layer: gzip.dropLast(9), of: good).dockerArchive,
                ["`base/layer.tar`", "the gzip stream is damaged at byte", "it ends in the middle"]
            ),
            ("traversal", try MemoryImage(layer: up, of: up).dockerArchive, ["`../escape`", "goes up with `..`"]),
            ("device", try MemoryImage(layer: device, of: device).dockerArchive, ["`null`", "device number"]),
            ("foreign", try foreign.layoutArchive, ["foreign layer", "https://elsewhere.example/l"]),
            (
                "another layer", try MemoryImage(layer: good, of: up).dockerArchive,
                ["is not the one the image config names"]
            ),
            ("cut archive", try MemoryImage(layer: good, of: good).dockerArchive.dropLast(4000), ["in the middle"]),
            ("no archive", Array("hello".utf8), ["loading images failed"]),
        ]
    }

    @Test("load says what is wrong with which layer, and the host has what it had")
    func load() async throws {
        let lab = try ProgramLab()
        let tar = TarBytes.file("file", Array("good".utf8)) + TarBytes.end
        let image = try MemoryImage(layer: tar, of: tar, mediaType: MediaType.ociLayerTar)
        try Files.write(lab.folder + "/good.tar", image.dockerArchive)
        try await lab.stackctl("load", "-q", "-i", lab.folder + "/good.tar")
        let before = try await state(lab)
        for (what, bytes, says) in try await Self.archives() {
            let path = lab.folder + "/bad.tar"
            try Files.write(path, bytes)
            let answer = try await lab.stackctl("load", "-i", path, expecting: 1)
            #expect(answer.out == "", "\(what): \(answer.out)")
            for sentence in says { #expect(answer.sentences.contains(sentence), "\(what): \(answer.error)") }
            #expect(try await state(lab) == before, "\(what)")
        }
        try await lab.stackctl("image", "rm", "bad:1")
        try await lab.takeDown()
    }

    @Test("pull says the same of what a registry sends, and leaves nothing either")
    func pull() async throws {
        let lab = try ProgramLab()
        let registry = try await StoredRegistry(lab)
        let good = TarBytes.file("file", Array("good".utf8)) + TarBytes.end
        let up = TarBytes.file("../escape", []) + TarBytes.end
        let packed = try await Self.gzip(good)
        // Other content: what is here already is not asked for.
        let other = TarBytes.file("file", Array("other".utf8)) + TarBytes.end
        let otherPacked = try await Self.gzip(other)
        let cases: [(tag: String, image: MemoryImage, says: [String])] = [
            (
                "cut", try MemoryImage(layer: otherPacked.dropLast(5), of: other),
                ["the gzip stream is damaged", "in the middle"]
            ),
            ("up", try MemoryImage(layer: up, of: up), ["`../escape`", "goes up with `..`"]),
            ("other", try MemoryImage(layer: packed, of: up), ["is not the one the image config names"]),
            (
                "foreign",
                try MemoryImage(
                    layer: good, of: good, mediaType: MediaType.dockerForeignLayer,
                    urls: ["https://elsewhere.example/l"]),
                ["foreign layer", "https://elsewhere.example/l"]
            ),
        ]
        for (tag, image, _) in cases { try registry.add(image, tag: tag) }
        let whole = try MemoryImage(layer: packed, of: good)
        try registry.add(whole, tag: "good")
        try await lab.stackctl("pull", "-q", registry.name("good"))
        let before = try await state(lab)
        for (tag, image, says) in cases {
            let answer = try await lab.stackctl("pull", registry.name(tag), expecting: 1)
            let digest = try image.layerDigest.description
            for sentence in says + [digest] {
                #expect(answer.sentences.contains(sentence), "\(tag): \(answer.error)")
            }
            #expect(try await state(lab) == before, "\(tag)")
        }
        let missing = try await lab.stackctl("pull", registry.name("none"), expecting: 1)
        #expect(missing.sentences.contains("not found"), "\(missing.error)")
        // Bytes that the registry's own disk has changed.
        let rotten = try MemoryImage(layer: otherPacked + [0], of: other)
        try registry.add(rotten, tag: "rotten", layer: otherPacked + [1])
        let answer = try await lab.stackctl("pull", registry.name("rotten"), expecting: 1)
        #expect(answer.sentences.contains(try rotten.layerDigest.description), "\(answer.error)")
        #expect(try await state(lab) == before, "rotten")
        try await registry.end()
        try await lab.stackctl("rmi", registry.name("good"))
        try await lab.takeDown()
    }

    private static func gzip(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await Spawn.run(SpawnRequest("/bin/gzip", ["-c"]), input: bytes, timeout: .seconds(150)).standardOutput
    }

    /// What the client lists, and every file of the data root's images.
    private func state(_ lab: ProgramLab) async throws -> [String] {
        let listed = try await lab.stackctl("images", "-q").out
        let files = try await LayerFixture.tool(
            "/bin/sh", "-c", "cd \(lab.root); find blobs layers -printf '%p %s %m\\n' | sort; du -s blobs layers")
        return [listed, files]
    }
}

/// Debian's registry in a lab's network, with a storage that is written by hand: it checks nothing of what it has.
private struct StoredRegistry {
    private let folder: String
    private let process: ChildProcess

    init(_ lab: ProgramLab) async throws {
        folder = lab.folder + "/registry"
        try Files.makeDirectories(folder)
        let configuration = """
            version: 0.1
            log: {level: error}
            storage:
              filesystem: {rootdirectory: \(folder)}
            http:
              addr: 127.0.0.1:5000

            """
        try Files.write(folder + "/config.yml", Array(configuration.utf8))
        process = try Spawn.start(lab.request("/usr/bin/docker-registry", ["serve", folder + "/config.yml"]))
        try await lab.eventually("the registry listens") {
            try HostNamespace.run(in: lab.network) { try ListeningPorts.read() }.contains { $0.port == 5000 }
        }
    }

    func name(_ tag: String) -> String { "127.0.0.1:5000/bad:\(tag)" }

    func end() async throws {
        try process.send(9)
        _ = try await process.exitStatus()
    }

    /// - Parameter layer: bytes that are kept under the layer's digest; nil for its own.
    func add(_ image: MemoryImage, tag: String, layer: [UInt8]? = nil) throws {
        let repository = folder + "/docker/registry/v2/repositories/bad"
        let manifest = try MemoryImage.digest(image.manifest)
        for (bytes, kept) in [(image.config, nil), (image.layer, layer), (image.manifest, nil)] {
            let hex = try MemoryImage.digest(bytes).hex
            let blob = folder + "/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)"
            try Files.makeDirectories(blob)
            try Files.write(blob + "/data", kept ?? bytes)
            if bytes != image.manifest { try link("\(repository)/_layers/sha256/\(hex)", hex) }
        }
        try link("\(repository)/_manifests/revisions/sha256/\(manifest.hex)", manifest.hex)
        try link("\(repository)/_manifests/tags/\(tag)/current", manifest.hex)
        try link("\(repository)/_manifests/tags/\(tag)/index/sha256/\(manifest.hex)", manifest.hex)
    }

    private func link(_ place: String, _ hex: String) throws {
        try Files.makeDirectories(place)
        try Files.write(place + "/link", Array("sha256:\(hex)".utf8))
    }
}
