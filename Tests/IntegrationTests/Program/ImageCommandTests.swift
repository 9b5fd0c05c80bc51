import Linux
import Testing

@Suite("Images, through the program", .serialized, .timeLimit(.minutes(15)))
struct ImageCommandTests {
    /// A lab with an image of busybox, `demo/box:1`.
    private func lab() async throws -> ProgramLab {
        let lab = try ProgramLab()
        try await LayerFixture.tool("/bin/tar", "-C", lab.folder + "/rootfs", "-cf", lab.folder + "/box.tar", ".")
        try await lab.stackctl("import", "-c", "CMD sleep 1000", "-m", "a box", lab.folder + "/box.tar", "demo/box:1")
        return lab
    }

    @Test("history, images, inspect, tag and rmi speak as Docker's do, and say what is wrong")
    func looking() async throws {
        let lab = try await lab()
        let id = try await lab.stackctl("images", "-q", "--no-trunc").out.split(separator: "\n").joined()
        let table = try await lab.stackctl("history", "demo/box:1").out
        #expect(table.hasPrefix("IMAGE          CREATED") && table.contains("a box\n"), "\(table)")
        let whole = try await lab.stackctl(
            "history", "--no-trunc", "--human=false", "--format", "{{.ID}} {{.Size}}", "demo/box:1")
        #expect(whole.out.hasPrefix("\(id) ") && Int(whole.out.dropFirst(72).dropLast()) ?? 0 > 100_000, "\(whole.out)")

        try await lab.stackctl("tag", "demo/box:1", "other")
        let images = try await lab.stackctl("images").out.split(separator: "\n")
        #expect(
            images.first == "REPOSITORY   TAG       IMAGE ID       CREATED                  SIZE"
                || images.first?.hasPrefix("REPOSITORY   TAG       IMAGE ID       CREATED") == true)
        #expect(images.count == 3)
        #expect(
            try await lab.stackctl("images", "demo/*", "--format", "{{.Repository}}\\t{{.Tag}}").out == "demo/box\t1\n")
        #expect(try await lab.stackctl("images", "--digests", "other").out.contains("DIGEST"))
        #expect(try await lab.stackctl("images", "--filter", "dangling=true", "-q").out == "")
        #expect(try await lab.stackctl("images", "--format", "json", "other").out.contains("\"Repository\":\"other\""))
        let field = try await lab.stackctl("images", "--format", "{{.Nope}}", expecting: 1)
        #expect(
            field.sentences.contains("map has no entry for key \"Nope\"") && field.sentences.contains(".Repository"))

        let inspect = try await lab.stackctl("inspect", "-f", "{{join .Config.Cmd \" \"}} {{json .RepoTags}}", "other")
        #expect(inspect.out == "/bin/sh -c sleep 1000 [\"demo/box:1\",\"other:latest\"]\n")
        #expect(try await lab.stackctl("image", "inspect", "--format", "json", "other").out.hasPrefix("[{\"Id\":"))
        let broken = try await lab.stackctl("inspect", "-f", "{{.Id", "other", expecting: 1)
        #expect(broken.sentences.contains("unclosed action"), "\(broken.error)")

        #expect(try await lab.stackctl("rmi", "other").out == "Untagged: other:latest\n")
        let unknown = try await lab.stackctl("rmi", "other", expecting: 1)
        #expect(unknown.sentences.contains("No such image: other"))
        #expect(try await lab.stackctl("rmi", "demo/box:1").out.contains("Deleted: \(id)\n"))
        try await lab.takeDown()
    }

    @Test("export, import and commit make archives and images, and never leave half a file")
    func making() async throws {
        let lab = try await lab()
        let client = ["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) } ?? "docker"
        func docker(_ words: String...) async throws {
            let answer = try await lab.run(
                lab.request(client, ["-H", "unix://\(lab.root)/run/stackctl.sock"] + words))
            #expect(answer.code == 0, "docker \(words): \(answer.text)")
        }
        try await docker("run", "-d", "--name", "box", "--network", "none", "demo/box:1")
        try await lab.stackctl("exec", "box", "sh", "-c", "echo hi > /made")
        let archive = lab.folder + "/box-export.tar"
        try await lab.stackctl("export", "box", "-o", archive)
        #expect(try await LayerFixture.tool("/bin/tar", "-xOf", archive, "made") == "hi\n")
        try await lab.stackctl("export", "box", "-o", "/dev/null")
        #expect(try Files.status("/dev/null").kind == .characterDevice)

        let small = lab.folder + "/small"
        try Files.makeDirectory(small, mode: 0o755)
        try Mounts.mount(source: "none", target: small, type: "tmpfs", data: "size=64k")
        defer { _ = try? Mounts.unmountIfMounted(small, [.detach]) }
        let full = try await lab.stackctl("export", "box", "-o", small + "/x.tar", expecting: 1)
        #expect(
            full.sentences.contains("ENOSPC") && full.sentences.contains("nothing was left behind"), "\(full.error)")
        #expect(try Files.list(small).isEmpty)
        // A process that another test starts has our files until its exec(2).
        try await lab.eventually("nobody has a file of it") { (try? Mounts.unmount(small)) != nil }

        let id = try await lab.stackctl("commit", "-m", "hi", "-c", "CMD cat /made", "box", "demo/made:2").out
        #expect(id.hasPrefix("sha256:"))
        #expect(try await lab.stackctl("history", "--format", "{{.Comment}}", "demo/made:2").out == "hi\na box\n")
        let piped = try await lab.run(
            lab.request("/bin/sh", ["-ec", "\(lab.programs)/stackctl import - demo/again < \(archive)"]))
        #expect(piped.out.hasPrefix("sha256:"), "\(piped.text)")
        for (words, sentence) in [
            (["import", lab.folder + "/none"], "ENOENT"), (["import", lab.folder], "EISDIR"),
            (["import", archive, "Upper"], "invalid reference format: the repository name"),
            (["import", "https://example.org/x.tar"], "the daemon fetches nothing from addresses"),
            (["import", "-c", "NOPE", archive], "change 1 (NOPE): NOPE is not a valid change command"),
            (["export", "none"], "No such container: none"), (["commit", "none"], "No such container: none"),
        ] {
            let refused = try await lab.run(lab.request(lab.programs + "/stackctl", words))
            #expect(refused.code == 1 && refused.sentences.contains(sentence), "stackctl \(words): \(refused.text)")
        }
        try await lab.stackctl("rm", "-f", "box")
        try await lab.takeDown()
    }

    @Test("prune does nothing without being told to; mount, unmount and diff say what they did")
    func tidying() async throws {
        let lab = try await lab()
        for kind in ["image", "container", "network", "volume", "system"] {
            let refused = try await lab.stackctl(kind, "prune", expecting: 1)
            #expect(refused.sentences.contains("no terminal to ask on, so nothing was removed"), "\(refused.error)")
        }
        #expect(try await lab.stackctl("image", "prune", "-f").out == "Total reclaimed space: 0B\n")
        let both = try await lab.stackctl(
            "system", "prune", "-f", "--volumes", "--filter", "until=1h", expecting: 1)
        #expect(both.sentences.contains("the \"until\" filter is not supported with \"--volumes\""))

        let path = try await lab.stackctl("image", "mount", "demo/box:1").out.split(separator: "\n").joined()
        #expect(Files.exists(path + "/bin/busybox"))
        #expect(try await lab.stackctl("image", "mount").out.contains(path))
        try await lab.stackctl("import", "-c", "ENV A=1", lab.folder + "/box.tar", "demo/box:2")
        try await lab.endDaemon()
        let difference = try await lab.stackctl("image", "diff", "demo/box:1", "demo/box:2").out
        #expect(
            difference == """
                Configuration:
                  A Env A: "1"
                  D Cmd: ["/bin/sh","-c","sleep 1000"]

                """)
        let used = try await lab.stackctl("rmi", "demo/box:1", expecting: 1)
        #expect(used.sentences.contains("unmount it first: stackctl image unmount"), "\(used.error)")
        let nothing = try await lab.stackctl("image", "unmount", expecting: 1)
        #expect(nothing.sentences.contains("nothing to unmount was named"))
        #expect(try await lab.stackctl("image", "unmount", "demo/box:1").out == "demo/box:1\n")
        let again = try await lab.stackctl("image", "umount", "demo/box:1", expecting: 1)
        #expect(again.sentences.contains("image demo/box:1 is not mounted"), "\(again.error)")
        #expect(try await lab.stackctl("image", "prune", "-a", "-f").out.contains("untagged: demo/box:1\n"))
        #expect(try await lab.stackctl("images", "-q").out == "")
        try await lab.takeDown()
    }
}
