import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite("Images, through the stock client", .serialized, .timeLimit(.minutes(10)))
struct ImageVerbClientTests {
    @Test("history, names, filters and removal are what Docker's users know")
    func looking() async throws {
        let lab = try await EngineLab()
        try await lab.docker("tag", "busybox", "demo/box:1.2")
        try await lab.docker("tag", "busybox", "host:5000/demo/box")
        let id = try await lab.docker("images", "-q", "--no-trunc", "busybox").line
        let history = try await lab.docker("history", "--no-trunc", "--format", "{{.ID}}|{{.CreatedBy}}", "busybox")
        #expect(history.out == "\(id)|stackctl import rootfs\n")
        #expect(try await lab.docker("history", "-q", "busybox").line == String(id.dropFirst(7).prefix(12)))
        #expect(try await lab.docker("history", "--human=false", "--format", "{{.Size}}", "busybox").line.count > 6)

        func names(_ filters: String...) async throws -> String {
            var words = ["images", "--format", "{{.Repository}}:{{.Tag}}"]
            for filter in filters { words += ["--filter", filter] }
            return try await lab.docker(words: words).out.split(separator: "\n").sorted().joined(separator: " ")
        }
        #expect(try await names("reference=*box") == "busybox:latest")
        #expect(try await names("reference=demo/*") == "demo/box:1.2")
        #expect(
            try await names("reference=*/*/*:lat*", "reference=*/box:1.?") == "demo/box:1.2 host:5000/demo/box:latest")
        #expect(try await names("reference=demo/box") == "demo/box:1.2")
        for filter in ["dangling=true", "since=busybox", "before=busybox"] {
            #expect(try await names(filter) == "", "\(filter)")
        }
        #expect(try await names("label=a=b") == "")
        let malformed = try await lab.docker("images", "--filter", "reference=[", expecting: 1)
        #expect(malformed.error.contains("syntax error in pattern"), "\(malformed.error)")
        #expect(try await lab.docker("images", "demo/box", "--format", "{{.Tag}}").out == "1.2\n")
        #expect(try await lab.docker("history", "nope", expecting: 1).error.contains("No such image: nope"))

        #expect(try await lab.docker("rmi", "host:5000/demo/box").out == "Untagged: host:5000/demo/box:latest\n")
        let short = String(id.dropFirst(7).prefix(12))
        let several = try await lab.docker("rmi", short, expecting: 1)
        #expect(
            several.error.contains(
                "conflict: unable to delete \(short) (must be forced) - image is referenced in multiple repositories"))
        try await lab.docker("create", "--name", "user", "demo/box:1.2", "cat", "/data/seed/file")
        #expect(try await lab.docker("rmi", "busybox").out == "Untagged: busybox:latest\n")
        let used = try await lab.docker("rmi", "demo/box:1.2", expecting: 1)
        #expect(used.error.contains("unable to remove repository reference \"demo/box:1.2\" (must force) - container"))
        let stopped = try await lab.docker("rmi", "-f", short, expecting: 1)
        #expect(stopped.error.contains("image is being used by stopped container"), "\(stopped.error)")
        #expect(try await lab.docker("rmi", "-f", "demo/box:1.2").out == "Untagged: demo/box:1.2\n")
        #expect(try await lab.docker("images", "--filter", "dangling=true", "-q").line == short)
        #expect(try await lab.docker("start", "-a", "user").out == "from the image\n")
        try await lab.docker("rm", "user")
        try await lab.docker("run", "-d", "--name", "runs", short, "sleep", "1000")
        let running = try await lab.docker("rmi", "-f", short, expecting: 1)
        #expect(running.error.contains("(cannot be forced) - image is being used by running container"))
        try await lab.docker("rm", "-f", "runs")
        #expect(try await lab.docker("rmi", short).out.contains("Deleted: \(id)"))
        try await lab.takeDown()
    }

    @Test("the start of several ids is refused with all of them")
    func ambiguous() async throws {
        let lab = try await EngineLab()
        let base = try await lab.engine.image(named: "busybox")
        var ids: Set<Character> = []
        var twice: Character?
        // One of seventeen ids begins as another does.
        for number in 0..<17 where twice == nil {
            var changes = ConfigurationChanges()
            changes.labels = ["number": "\(number)"]
            let image = try await lab.engine.images.derive(from: base, reference: nil, changes: changes)
            let first = try #require(image.id.hex.first)
            if !ids.insert(first).inserted { twice = first }
        }
        let prefix = String(try #require(twice))
        let refused = try await lab.docker("history", prefix, expecting: 1)
        #expect(refused.error.contains("`\(prefix)` is the start of several image ids"), "\(refused.error)")
        try await lab.takeDown()
    }

    @Test("export gives the files of a container, running or stopped, with empty places for mounts; import takes them")
    func exportAndImport() async throws {
        let lab = try await EngineLab()
        let (one, two) = (lab.root + "/one.tar", lab.root + "/two.tar")
        try await lab.docker(
            "run", "-d", "--name", "box", "-v", "data:/data", "busybox", "sh", "-c",
            "touch /data/private /.wh.odd; echo hi > /made; busybox ln /made /hard; busybox ln -s made /soft; "
                + "busybox rm /www/index.html; "
                + "touch /tmp/ready; exec sleep 1000")
        try await lab.eventually("its files are made") {
            try await lab.docker("exec", "box", "test", "-e", "/tmp/ready", expecting: nil).code == 0
        }
        try await lab.docker("export", "-o", one, "box")
        try await lab.docker("stop", "-t", "0", "box")
        try await lab.docker("export", "-o", two, "box")
        let listing = try await LayerFixture.tool("/bin/tar", "-tf", one).split(separator: "\n").map(String.init)
        #expect(try await LayerFixture.tool("/bin/tar", "-tf", two).split(separator: "\n").map(String.init) == listing)
        for name in ["./", "made", "hard", "soft", "www/", "data/", "proc/", "dev/", ".wh.odd", "etc/hosts"] {
            #expect(listing.contains(name), "\(name) is not in the archive")
        }
        // What the image has below a mount is there, what is mounted is not.
        #expect(listing.contains("data/seed/file") && !listing.contains("data/private"))
        let below = listing.filter { name in
            name == "www/index.html" || ["proc/", "dev/", "sys/"].contains { name.hasPrefix($0) && name != $0 }
        }
        #expect(below == [])
        let verbose = try await LayerFixture.tool("/bin/tar", "-tvf", one).split(separator: "\n")
        #expect(verbose.contains { $0.hasSuffix("etc/hosts") && $0.contains(" 0 ") })
        #expect(verbose.contains { $0.hasSuffix("made link to hard") })

        let imported = try await lab.docker(
            "import", "-m", "by hand", "-c", "CMD [\"cat\", \"/made\"]", "-c", "ENV A=b", one, "demo/flat:1")
        #expect(imported.line.hasPrefix("sha256:") && imported.line.utf8.count == 71)
        #expect(try await lab.docker("run", "--rm", "demo/flat:1").out == "hi\n")
        #expect(try await lab.docker("history", "--format", "{{.Comment}}", "demo/flat:1").out == "by hand\n")
        #expect(try await lab.docker("image", "inspect", "-f", "{{.Config.Env}}", "demo/flat:1").line == "[A=b]")
        let script = "docker -H unix://\(lab.root)/run/stackctl.sock"
        let piped = try await LayerFixture.tool(
            "/bin/sh", "-ec",
            "gzip < \(one) | \(script) import --platform linux/arm64 - demo/piped; \(script) export box | head -c 10000 | wc -c"
        )
        #expect(piped.hasPrefix("sha256:") && piped.hasSuffix("\n10000\n"), "\(piped)")
        #expect(try await lab.docker("image", "inspect", "-f", "{{.Architecture}}", "demo/piped").line == "arm64")
        try await lab.takeDown()
    }

    @Test("a bad import or export is answered in a sentence, whatever is sent, and leaves nothing")
    func badImports() async throws {
        let lab = try await EngineLab()
        let (text, large) = (lab.root + "/text", lab.root + "/large")
        try Files.write(text, Array("no archive at all".utf8))
        try Files.write(large, [UInt8](repeating: 0x41, count: 24 << 20))
        let before = try await lab.docker("images", "-aq").out
        for (words, sentence) in [
            (["import", text], "importing the archive failed"), (["import", large], "importing the archive failed"),
            (
                ["import", "-c", "ENV A=1", "-c", "RUN true", large],
                "change 2 (RUN true): RUN is not a valid change command"
            ),
            (["import", "-c", "EXPOSE x", large], "change 1 (EXPOSE x): invalid containerPort: x"),
            (["import", "--platform", "a/b/c/d", text], "unknown operating system or architecture"),
            (["import", "http://127.0.0.1:1/x.tar"], "cannot import http://127.0.0.1:1/x.tar"),
            (["export", "nope"], "No such container: nope"), (["commit", "nope"], "No such container: nope"),
        ] {
            let refused = try await lab.docker(words: words, expecting: 1)
            #expect(refused.error.contains(sentence), "docker \(words): \(refused.error)")
        }
        #expect(try await lab.docker("images", "-aq").out == before)
        #expect(try Files.list(lab.root + "/layers/.incoming").isEmpty)
        try await lab.takeDown()
    }

    @Test("commit makes a layer of what a container wrote: removals, replaced directories, links, attributes, holes")
    func commit() async throws {
        let lab = try await EngineLab()
        let id = try await lab.docker(
            "run", "-d", "--name", "writer", "-e", "A=b", "-l", "k=v", "busybox", "sh", "-c",
            "echo one > /new; busybox ln /new /hard; busybox rm -r /www/index.html /data/seed; busybox mkdir /data/seed; "
                + "echo two > /data/seed/other; dd if=/dev/zero of=/sparse bs=1 count=1 seek=4194304 2>/dev/null; "
                + "touch /tmp/ready; exec sleep 1000"
        ).line
        try await lab.eventually("its files are made") {
            try await lab.docker("exec", "writer", "test", "-e", "/tmp/ready", expecting: nil).code == 0
        }
        try ExtendedAttributes.set("\(lab.root)/containers/\(id)/upper/new", "user.note", [1, 2, 3])
        let made = try await lab.docker(
            "commit", "-a", "Me <me@example.org>", "-m", "by hand", "-c", "CMD [\"cat\", \"/new\"]", "-c", "ENV X=$A",
            "writer",
            "demo/made:1")
        #expect(made.line.hasPrefix("sha256:"))
        #expect(try await lab.docker("inspect", "-f", "{{.State.Status}}", "writer").line == "running")
        #expect(try await lab.docker("run", "--rm", "demo/made:1").out == "one\n")
        let look = "ls /www; ls /data/seed; cat /data/seed/other"
        #expect(try await lab.docker("run", "--rm", "demo/made:1", "sh", "-c", look).out == "other\ntwo\n")
        let inspected = try await lab.docker(
            "image", "inspect", "-f", "{{.Author}}|{{.Comment}}|{{.Config.Cmd}}|{{.Config.Labels.k}}|{{.Config.Env}}",
            "demo/made:1")
        #expect(inspected.line == "Me <me@example.org>|by hand|[cat /new]|v|[FROM_IMAGE=yes A=b X=b]")
        let history = try await lab.docker(
            "history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", "demo/made:1")
        #expect(
            history.out.hasPrefix("sh -c echo one > /new;")
                && history.out.contains("|by hand\nstackctl import rootfs|\n"))

        let image = try await lab.engine.image(named: "demo/made:1")
        let layer = try #require(try await lab.engine.images.mountLayers(of: image).first)
        #expect(try ExtendedAttributes.get(layer + "/new", "user.note") == [1, 2, 3])
        #expect(try Files.status(layer + "/hard").inode == Files.status(layer + "/new").inode)
        #expect(try Files.status(layer + "/sparse").size == 4_194_305)
        #expect(try ExtendedAttributes.get(layer + "/data/seed", "trusted.overlay.opaque") == Array("y".utf8))
        #expect(try Files.status(layer + "/www/index.html", followLinks: false).kind == .characterDevice)
        for stub in ["etc/hosts", "etc/hostname", "etc/resolv.conf", "proc", "dev"] {
            #expect(!Files.exists(layer + "/" + stub), "\(stub) is in the layer")
        }
        #expect(try await lab.engine.images.verify() == [])
        let script = "docker -H unix://\(lab.root)/run/stackctl.sock"
        let reloaded = try await LayerFixture.tool("/bin/sh", "-ec", "\(script) save demo/made:1 | \(script) load")
        #expect(reloaded == "Loaded image: demo/made:1\n")
        try await lab.takeDown()
    }

    @Test(
        "a commit without files is one of the configuration; bad changes and names are refused, the container goes on")
    func commitEdges() async throws {
        let lab = try await EngineLab()
        try await lab.docker("create", "--name", "fresh", "busybox", "true")
        try await lab.docker("commit", "fresh", "demo/same")
        let layers = "{{len .RootFS.Layers}} {{.Config.Cmd}}"
        #expect(try await lab.docker("image", "inspect", "-f", layers, "demo/same").line == "1 [true]")
        #expect(try await lab.docker("history", "--format", "{{.Size}}", "demo/same").line == "0B")
        try await lab.docker("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
        for (words, sentence) in [
            (["commit", "-c", "COPY a b", "busy"], "change 1 (COPY a b): COPY is not a valid change command"),
            (["commit", "-c", "USER a\nENV", "busy"], "change 2 (ENV): ENV requires at least one argument"),
            (["commit", "busy", "UPPER"], "must be lowercase"),
        ] {
            let refused = try await lab.docker(words: words, expecting: 1)
            #expect(refused.error.contains(sentence), "docker \(words): \(refused.error)")
        }
        try await lab.docker("exec", "busy", "touch", "/.wh.odd")
        let odd = try await lab.docker("commit", "busy", expecting: 1)
        #expect(odd.error.contains("names that start with `.wh.` mean removals in a layer"), "\(odd.error)")
        #expect(try await lab.docker("inspect", "-f", "{{.State.Status}}", "busy").line == "running")
        try await lab.docker("exec", "busy", "sh", "-c", "busybox rm /.wh.odd; echo kept > /tmp/kept")
        try await lab.docker("pause", "busy")
        let id = try await lab.docker("commit", "--pause=false", "busy").line
        #expect(try await lab.docker("inspect", "-f", "{{.State.Status}}", "busy").line == "paused")
        #expect(try await lab.docker("run", "--rm", id, "cat", "/tmp/kept").out == "kept\n")
        try await lab.takeDown()
    }
}
