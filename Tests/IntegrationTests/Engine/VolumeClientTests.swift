import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite("Volumes by the stock client", .serialized, .timeLimit(.minutes(10)))
struct VolumeClientTests {
    @Test("they are made, listed, shown and removed with Docker's words")
    func verbs() async throws {
        let lab = try await EngineLab()
        try await lab.docker("volume", "create", "--label", "tier=db", "data")
        try await lab.docker(
            "volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=5m", "mem")
        try await lab.docker(
            "run", "-d", "--name", "user", "--network", "none", "-v", "data:/d", "busybox", "sleep", "1000")
        let shown = try await lab.docker("volume", "inspect", "-f", "{{json .Labels}} {{json .Options}}", "data", "mem")
        #expect(
            shown.out == """
                {"tier":"db"} null
                null {"device":"tmpfs","o":"size=5m","type":"tmpfs"}

                """)
        for (filter, names) in [
            ("dangling=true", "mem\n"), ("dangling=0", "data\n"), ("name=^da", "data\n"), ("label=tier", "data\n"),
            ("driver=local", "data\nmem\n"), ("driver=nfs", ""),
        ] {
            #expect(try await lab.docker("volume", "ls", "-q", "-f", filter).out == names, "\(filter)")
        }
        for (words, text) in [
            (["rm", "data"], "remove data: volume is in use - ["), (["rm", "none"], "get none: no such volume"),
            (["create", "x"], "volume name is too short"),
            (["create", "a/b"], "includes invalid characters for a local"),
            (["create", "-d", "nfs", "xx"], "plugin \"nfs\" not found"),
            (["create", "-o", "foo=1", "xx"], "invalid option: \"foo\""),
            (["create", "-o", "device=/x", "xx"], "missing required option: \"type\""),
            (["create", "-o", "size=1g", "xx"], "quota size requested but no quota support"),
            (["create", "-o", "type=tmpfs", "-o", "device=tmpfs", "data"], "volume name must be unique"),
            (["ls", "-f", "dangling=x"], "invalid filter 'dangling=[x]'"),
        ] as [([String], String)] {
            let output = try await lab.docker(words: ["volume"] + words, expecting: nil)
            #expect(output.code != 0 && output.error.contains(text), "\(words): \(output.error)")
        }
        let usage = try await lab.docker("system", "df", "-v", "--format", "{{json .Volumes}}")
        #expect(usage.out.contains("data"), "\(usage.out)")
        try await lab.docker("rm", "-f", "user")
        #expect(try await lab.docker("volume", "prune", "-f").out.hasPrefix("Total reclaimed space"))
        #expect(try await lab.docker("volume", "prune", "-af").out.contains("data\nmem\n"))
        try await lab.takeDown()
    }

    @Test("a device is mounted at the first use, unmounted at the last, and stays over a restart of the daemon")
    func devices() async throws {
        let lab = try await EngineLab()
        try await lab.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=uid=7", "mem")
        let path = lab.root + "/volumes/mem/_data"
        #expect(try !Mounts.isMountPoint(path))
        for name in ["one", "two"] {
            try await lab.docker(
                "run", "-d", "--name", name, "--network", "none", "-v", "mem:/m", "busybox", "sleep", "1000")
        }
        try await lab.docker("exec", "one", "touch", "/m/file")
        #expect(try await lab.docker("exec", "two", "ls", "-n", "/m").out.contains("file"))
        try await lab.docker("rm", "-f", "one")
        #expect(try Mounts.isMountPoint(path))
        try await lab.stop()
        try await lab.start()
        #expect(try Mounts.isMountPoint(path))
        #expect(try await lab.docker("exec", "two", "ls", "/m").out == "file\n")
        try await lab.docker("rm", "-f", "two")
        try await lab.eventually("the device is unmounted") { try !Mounts.isMountPoint(path) }
        try await lab.docker("volume", "create", "-o", "type=none", "-o", "device=/no/such", "-o", "o=bind", "bad")
        let missing = try await lab.docker(
            "run", "--rm", "--network", "none", "-v", "bad:/data", "busybox", "true", expecting: 127)
        #expect(
            missing.error.contains(
                "failed to mount local volume: mount /no/such:\(lab.root)/volumes/bad/_data, flags: 0x1000: no such file or directory"
            ), "\(missing.error)")
        try await lab.takeDown()
    }

    @Test("a new volume has all that the image has at its place, owner and mode included, unless they are asked for")
    func content() async throws {
        let lab = try await EngineLab()
        let seed = lab.root + "/seed"
        try Files.makeDirectories(seed + "/srv/empty")
        try Files.write(seed + "/srv/file", Array("x".utf8), mode: 0o4711)
        try Files.chown(seed + "/srv/file", uid: 5, gid: 6)
        try Files.chmod(seed + "/srv/file", mode: 0o4711)
        try Files.link(seed + "/srv/file", at: seed + "/srv/twin")
        try ExtendedAttributes.set(seed + "/srv/file", "user.key", Array("value".utf8))
        try Files.chown(seed + "/srv/empty", uid: 33, gid: 34)
        try Files.chmod(seed + "/srv/empty", mode: 0o1730)
        _ = try await lab.engine.images.importDirectory(
            path: seed, reference: try .init("seed").withDefaultTag, changes: .init(), progress: nil)
        try await lab.docker("create", "--name", "full", "-v", "full:/srv", "-v", "empty:/srv/empty", "seed", "none")
        let path = lab.root + "/volumes/full/_data"
        let file = try Files.status(path + "/file")
        #expect(file.uid == 5 && file.gid == 6 && file.mode == 0o4711 && file.linkCount == 2)
        #expect(try Files.status(path + "/twin").inode == file.inode)
        #expect(try ExtendedAttributes.get(path + "/file", "user.key") == Array("value".utf8))
        let empty = try Files.status(lab.root + "/volumes/empty/_data")
        #expect(empty.uid == 33 && empty.gid == 34 && empty.mode == 0o1730)
        try await lab.docker("volume", "create", "-o", "uid=12", "-o", "mode=0750", "own")
        try await lab.docker("create", "--name", "own", "-v", "own:/srv/empty", "seed", "none")
        let own = try Files.status(lab.root + "/volumes/own/_data")
        #expect(own.uid == 12 && own.gid == 12 && own.mode == 0o750)
        try await lab.docker("create", "--name", "bare", "-v", "bare:/srv:nocopy", "seed", "none")
        #expect(try Files.list(lab.root + "/volumes/bare/_data").isEmpty)
        try await lab.takeDown()
    }
}
