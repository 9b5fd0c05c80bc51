import Archives
import Engine
import HTTP
import Linux
import Testing

@Suite("Files in containers", .serialized, .timeLimit(.minutes(5)))
struct ContainerFileTests {
    @Test("cp goes both ways, running or not, through volumes, binds and links; what cannot be says why")
    func copy() async throws {
        let lab = try await EngineLab()
        let bind = lab.root + "/bound"
        try Files.makeDirectories(bind)
        try Files.write("\(bind)/host", Array("from the host\n".utf8))
        let file = lab.root + "/file"
        try Files.write(file, Array("a file\n".utf8), mode: 0o754)
        try await lab.docker(
            "create", "--name", "box", "-v", "data:/vol/deep", "-v", "\(bind):/bound:ro", "busybox", "sleep", "1000")
        // Before its first start: mount points are made, the volume gets the file, and the start finds all.
        try await lab.docker("cp", file, "box:/vol/deep/first")
        try await lab.docker("cp", file, "box:/data/own")
        #expect(try await lab.docker("cp", "box:/bound/host", "-").out.contains("from the host\n"))
        try await lab.docker("start", "box")
        let seen = try await lab.docker("exec", "box", "cat", "/vol/deep/first", "/data/own", "/bound/host")
        #expect(seen.out == "a file\na file\nfrom the host\n")
        // A link on the way is followed inside the container, one at the end only where that is asked for.
        try await lab.docker(
            "exec", "box", "sh", "-c", "ln=/bin/busybox; $ln ln -s /data /link; $ln ln -s /../../x /up")
        try await lab.docker("cp", file, "box:/link/through")
        #expect(try await lab.docker("exec", "box", "cat", "/data/through").out == "a file\n")
        try await lab.docker("cp", "box:/data", lab.root + "/out")
        #expect(try Files.readText(lab.root + "/out/through") == "a file\n")
        #expect(try Files.status(lab.root + "/out/through").mode == 0o754)
        #expect(try Files.readText(lab.root + "/out/seed/file") == "from the image\n")
        let linked = try await lab.docker("cp", "-L", "box:/link", lab.root + "/linked")
        #expect(linked.code == 0 && Files.exists(lab.root + "/linked/own"))
        for (arguments, text) in [
            (["cp", file, "box:/bound/"], "mounted volume is marked read-only"),
            (["cp", "box:/nope", lab.root], "Could not find the file /nope in container box"),
            (["cp", "box:/nope/x", lab.root], "Could not find the file /nope/x in container box"),
            (["cp", "nobody:/x", lab.root], "No such container: nobody"),
        ] {
            let answer = try await lab.docker(words: arguments, expecting: 1)
            #expect(answer.error.contains(text), "\(answer.error)")
        }
        try await lab.docker("run", "-d", "--name", "shut", "--read-only", "busybox", "sleep", "1000")
        for _ in 1...2 {
            let refused = try await lab.docker("cp", file, "shut:/data/", expecting: 1)
            #expect(refused.error.contains("container rootfs is marked read-only"), "\(refused.error)")
            try await lab.docker("kill", "shut", expecting: nil)
        }
        #expect(try Files.list(lab.root + "/run").allSatisfy { !$0.name.hasPrefix("view-") }, "a view is left")
        try await lab.takeDown()
    }

    @Test("what is at a path is removed with all it holds, inside the container, and nothing of a mount")
    func removal() async throws {
        let lab = try await EngineLab()
        let bind = lab.root + "/bound"
        try Files.makeDirectories(bind)
        try Files.write("\(bind)/host", Array("stays\n".utf8))
        try await lab.docker(
            "run", "-d", "--name", "box", "-v", "\(bind):/data/bound", "-v", "\(bind):/read:ro", "busybox", "sleep",
            "1000")
        try await lab.docker(
            "exec", "box", "sh", "-c",
            "b=/bin/busybox; $b mkdir -p /data/tree/deep; echo x > /data/tree/deep/leaf; $b ln -s /data/bound /data/tree/out; "
                + "$b ln -s /data /link; $b ln -s /../../../.. /up")
        func remove(_ path: String) async throws -> Int {
            Int(try await lab.wire.call("DELETE", "/containers/box/archive?path=\(path)").status)
        }
        #expect(try await remove("/link/tree") == 204)
        #expect(try await remove("/data/tree") == 204, "what is not there needs nothing")
        #expect(try await remove("/not/there") == 204)
        #expect(try await remove("/up\(bind)/host") == 204, "a link leads nowhere outside")
        #expect(try await remove("/read/host") == 403)
        #expect(try await remove("/") == 400)
        #expect(try await remove("/data/..") == 400)
        #expect(try await remove("/data") >= 400, "it holds a mount")
        #expect(try Files.readText("\(bind)/host") == "stays\n")
        #expect(try await remove("/link") == 204)
        #expect(try await lab.docker("exec", "box", "ls", "/data").out.contains("bound\n"))
        try await lab.takeDown()
    }

    @Test("owners are the archive's, or with -a the container's user by its own passwd")
    func owners() async throws {
        let lab = try await EngineLab()
        let folder = lab.root + "/folder"
        try Files.makeDirectories(folder)
        try Files.write("\(folder)/file", [65])
        try Files.chown("\(folder)/file", uid: 12, gid: 34)
        try await lab.docker("run", "-d", "--name", "box", "-u", "user", "busybox", "sleep", "1000")
        try await lab.docker("cp", folder, "box:/tmp/plain")
        try await lab.docker("cp", "-a", folder, "box:/tmp/owned")
        let stat = try await lab.docker(
            "exec", "box", "/bin/busybox", "stat", "-c", "%u:%g", "/tmp/plain/file", "/tmp/owned/file")
        #expect(stat.out == "12:34\n1000:1000\n")
        try await lab.takeDown()
    }

    @Test("diff lists what was added, changed and removed, and not what a start makes")
    func changes() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "run", "--name", "box", "busybox", "sh", "-c",
            "echo x > /tmp/new; echo y >> /data/seed/file; /bin/busybox rm /www/index.html; /bin/busybox mkdir -p /a/b")
        let answer = try await lab.docker("diff", "box")
        #expect(
            answer.out.split(separator: "\n").map(String.init) == [
                "A /a", "A /a/b", "C /data/seed/file", "C /tmp", "A /tmp/new", "C /www",
                "D /www/index.html",
            ], "\(answer.out)")
        try await lab.docker("create", "--name", "fresh", "busybox", "true")
        #expect(try await lab.docker("diff", "fresh").out == "")
        try await lab.takeDown()
    }

    /// An entry of a hostile archive.
    private static func archive(_ entries: [(name: String, kind: EntryKind, link: String, text: String)]) throws
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        for (name, kind, link, text) in entries {
            var entry = TarEntry(path: Array(name.utf8), kind: kind)
            entry.linkTarget = Array(link.utf8)
            entry.size = UInt64(text.utf8.count)
            bytes += try TarWriter.header(of: entry) + Array(text.utf8) + TarWriter.padding(after: entry.size)
        }
        return bytes + TarWriter.endMarker
    }

    @Test("an archive cannot lead out of the container")
    func hostileArchive() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "box", "busybox", "sleep", "1000")
        let outside = lab.root + "/outside"
        try Files.makeDirectories(outside)
        let wire = lab.wire
        let bytes = try Self.archive([
            ("out", .symbolicLink, outside, ""), ("out/caught", .regular, "", "in the container"),
            ("up", .symbolicLink, "../../../../../..\(outside)", ""), ("up/caught2", .regular, "", "too"),
            ("/absolute", .regular, "", "below"),
        ])
        try await lab.docker("exec", "box", "/bin/busybox", "mkdir", "-p", outside)
        let answer = try await wire.call("PUT", "/containers/box/archive?path=/tmp", body: bytes)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try Files.list(outside).isEmpty, "a file came out of the container")
        let inside = try await lab.docker("exec", "box", "ls", outside, "/tmp")
        #expect(inside.out.contains("caught") && inside.out.contains("absolute"))
        let climbing = try Self.archive([("../x", .regular, "", "x")])
        #expect(try await wire.call("PUT", "/containers/box/archive?path=/tmp", body: climbing).status == 400)
        let cut = try await wire.call("PUT", "/containers/box/archive?path=/tmp", body: Array(bytes[..<700]))
        #expect(cut.status == 400, "\(cut.text)")
        let file = try Self.archive([("data", .regular, "", "x")])
        let kinds = try await wire.call(
            "PUT", "/containers/box/archive?path=/&noOverwriteDirNonDir=true", body: file)
        #expect(kinds.status == 400 && kinds.text.contains("cannot overwrite directory"), "\(kinds.text)")
        let point = try await wire.call("PUT", "/containers/box/archive?path=/etc/passwd", body: file)
        #expect(point.text.contains("extraction point is not a directory"))
        #expect(try await wire.call("GET", "/containers/box/archive").status == 400)
        let stat = try await wire.call("HEAD", "/containers/box/archive?path=/tmp/out")
        #expect(stat.headers["X-Docker-Container-Path-Stat"] != nil && stat.body.isEmpty)
        try await lab.takeDown()
    }
}
