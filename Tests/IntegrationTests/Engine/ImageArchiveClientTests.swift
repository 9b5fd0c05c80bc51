import Linux
import Testing

@Suite("Archives of images, through the clients", .serialized, .timeLimit(.minutes(3)))
struct ImageArchiveClientTests {
    @Test("the stock client saves and loads, and says what it loaded and what it refused")
    func docker() async throws {
        let lab = try await EngineLab()
        let path = lab.root + "/saved.tar"
        try await lab.docker("tag", "busybox", "demo/box:2")
        let id = try await lab.docker("images", "-q", "--no-trunc", "busybox").line
        try await lab.docker("save", "-o", path, "busybox:latest", "demo/box:2")
        #expect(try await lab.docker("save", "nope", expecting: 1).error.contains("No such image: nope"))
        try await lab.docker("rmi", "busybox", "demo/box:2")
        #expect(try await lab.docker("images", "-q").out == "")
        let loaded = try await lab.docker("load", "-i", path)
        #expect(loaded.out == "Loaded image: busybox:latest\nLoaded image: demo/box:2\n")
        #expect(try await lab.docker("images", "-q", "--no-trunc", "demo/box").line == id)
        #expect(try await lab.docker("run", "--rm", "demo/box:2", "cat", "/data/seed/file").out == "from the image\n")
        let refused = try await lab.docker("load", input: "no archive at all", expecting: 1)
        #expect(refused.error.contains("loading images failed"), "\(refused.error)")
        try await lab.takeDown()
    }

    @Test("stackctl saves and loads, says what is wrong, and never leaves half a file")
    func stackctl() async throws {
        let lab = try ProgramLab()
        let (files, archive) = (lab.folder + "/files", lab.folder + "/archive.tar")
        let script = """
            mkdir -p \(files); cd \(files); mkdir d; tar -C \(lab.folder)/rootfs -cf d/layer.tar .
            printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
                $(sha256sum < d/layer.tar | cut -d' ' -f1) > d/config.json
            printf '[{"Config":"config.json","RepoTags":["demo/box:1"],"Layers":["layer.tar"]}]' > d/manifest.json
            tar -C d -cf \(archive) .
            """
        try await LayerFixture.tool("/bin/sh", "-ec", script)
        #expect(try await lab.stackctl("load", "-i", archive).out == "Loaded image: demo/box:1\n")
        try await lab.stackctl("save", "-o", lab.folder + "/one.tar", "demo/box:1")
        try await lab.stackctl("save", "--output", lab.folder + "/two.tar", "demo/box")
        let (one, two) = (
            try Files.readAll(lab.folder + "/one.tar", limit: 1 << 26),
            try Files.readAll(lab.folder + "/two.tar", limit: 1 << 26)
        )
        #expect(one == two && !one.isEmpty)
        try await lab.stackctl("image", "rm", "demo/box:1")
        #expect(try await lab.stackctl("image", "load", "-q", "-i", lab.folder + "/one.tar").out.contains("demo/box:1"))

        let sent = try await lab.run(
            lab.request("/bin/sh", ["-c", "cat \(lab.folder)/one.tar | \(lab.programs)/stackctl load -q"]))
        #expect(sent.out == "Loaded image: demo/box:1\n", "\(sent.error)")

        let missing = try await lab.stackctl("load", "-i", lab.folder + "/nothing", expecting: 1)
        #expect(missing.sentences.contains("ENOENT"), "\(missing.error)")
        let unknown = try await lab.stackctl("save", "-o", lab.folder + "/three.tar", "nope", expecting: 1)
        #expect(unknown.sentences.contains("No such image: nope"), "\(unknown.error)")
        try Files.write(lab.folder + "/cut.tar", Array(one.prefix(one.count / 2)))
        let cut = try await lab.stackctl("load", "-i", lab.folder + "/cut.tar", expecting: 1)
        #expect(cut.sentences.contains("the archive ends in the middle"), "\(cut.error)")
        #expect(try Files.list(lab.folder).allSatisfy { !$0.name.hasPrefix("three.tar") })
        try await lab.takeDown()
    }

    @Test(
        "an archive that the caller has open is read where it is, with the caller's right to it and no other",
        arguments: [("99", "501"), ("8", "501"), ("7", "200"), ("9", "500"), ("x", "400")])
    func handedOver(descriptor: String, status: String) async throws {
        let lab = try ProgramLab()
        try await lab.stackctl("images")
        let file = lab.folder + "/empty.tar"
        try await LayerFixture.tool("/bin/sh", "-ec", "mkdir \(lab.folder)/e; tar -C \(lab.folder)/e -cf \(file) .")
        // 7 may be read, 8 is a folder, 9 may only be written.
        let line = """
            exec 7<\(file) 8<\(lab.folder) 9>>\(file)
            exec curl -s -o \(lab.folder)/answer -w '%{http_code}' -X POST --unix-socket \(lab.root)/run/stackctl.sock \
                'http://d/images/load?descriptor=\(descriptor)'
            """
        let answer = try await lab.run(lab.request("/bin/sh", ["-c", line]))
        // An archive without images is refused, but it was read.
        let said = try Files.readText(lab.folder + "/answer")
        if status == "200" {
            #expect(said.contains("manifest.json") || said.contains("index.json"), "\(said)")
        } else {
            #expect(answer.out == status, "\(said)")
        }
        try await lab.takeDown()
    }
}
