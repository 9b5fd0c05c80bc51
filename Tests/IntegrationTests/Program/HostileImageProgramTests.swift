import Linux
import OCI
import Testing

/// What a user sees of an image that is damaged or lies: one sentence that names it, and a store as before.
@Suite("Hostile images, through the program", .serialized, .timeLimit(.minutes(5)))
struct HostileImageProgramTests {
    private static func archives() async throws -> [(what: String, bytes: [UInt8], says: [String])] {
        let good = TarBytes.file("file", Array(repeating: 0x61, count: 5000)) + TarBytes.end
        let up = TarBytes.file("../escape", []) + TarBytes.end
        let device = TarBytes.header("null", type: "3", fields: [329: "7777777"]) + TarBytes.end
        let packed = try await Spawn.run(SpawnRequest("/bin/gzip", ["-c"]), input: good, timeout: .seconds(60))
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

    /// What the client lists, and every file of the data root's images.
    private func state(_ lab: ProgramLab) async throws -> [String] {
        let listed = try await lab.stackctl("images", "-q").out
        let files = try await LayerFixture.tool(
            "/bin/sh", "-c", "cd \(lab.root); find blobs layers -printf '%p %s %m\\n' | sort; du -s blobs layers")
        return [listed, files]
    }
}
