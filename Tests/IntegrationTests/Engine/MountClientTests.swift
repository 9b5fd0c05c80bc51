import Engine
import Linux
import Testing

@Suite("Mounts asked for by the stock client", .serialized, .timeLimit(.minutes(5)))
struct MountClientTests {
    @Test("binds are read-only as deep as asked for, files as well as directories, and show mapped owners")
    func binds() async throws {
        let lab = try await EngineLab()
        let folder = lab.root + "/host"
        try Files.makeDirectories(folder + "/below")
        try Files.write(folder + "/file", Array("host\n".utf8))
        try Files.chown(folder + "/file", uid: 1000, gid: 1000)
        try Mounts.mount(source: "t", target: folder + "/below", type: "tmpfs")
        defer { try? Mounts.unmount(folder + "/below", [.detach]) }
        func run(_ options: String..., command: String, expecting code: Int32? = 0) async throws -> EngineLab.Output {
            try await lab.docker(
                words: ["run", "--rm", "--network", "none"] + options + ["busybox", "sh", "-c", command],
                expecting: code)
        }
        let deep = try await run("-v", "\(folder):/x:ro", command: "cat /x/file; touch /x/a; touch /x/below/a; true")
        #expect(deep.out == "host\n")
        #expect(deep.error.split(separator: "\n").count == 2, "\(deep.error)")
        let mount = "type=bind,src=\(folder),dst=/x"
        let top = try await run(
            "--mount", mount + ",readonly,bind-recursive=writable", command: "touch /x/below/a && ! touch /x/a")
        #expect(top.error.contains("/x/a: Read-only"))
        let alone = try await run("--mount", mount + ",bind-recursive=disabled", command: "ls /x/below; ls /x")
        #expect(alone.out == "below\nfile\n")
        #expect(try await run("-v", "\(folder)/file:/one", command: "cat /one").out == "host\n")
        let mapped = try await run(
            "-v", "\(folder)/file:/f", "-v", "\(lab.root)/new:/n:idmap=1000", command: "touch /n/made; ls -n /n")
        #expect(mapped.out.contains(" 0        0 "), "\(mapped.out)")
        #expect(try Files.status(lab.root + "/new/made").uid == 1000)
        let owners = try await run("--mount", mount, "-v", "\(folder):/y:idmap=1000.1000@5.6", command: "ls -n /y/file")
        #expect(owners.error.contains("cannot do that") || owners.out.contains(" 5        6 "), "\(owners)")
        for (options, text) in [
            (["--mount", "type=bind,src=/no/such,dst=/x"], "bind source path does not exist: /no/such"),
            (["-v", "\(folder):/x:rslave"], "it is not a shared or slave mount"),
            (["-v", "\(folder):/x:rshared"], "it is not a shared mount"),
            (["-v", "\(folder):/proc/x"], "cannot be mounted because it is inside /proc"),
            (["-v", "\(folder):/proc"], "cannot be mounted because it is inside /proc"),
            (["-v", "\(folder):/"], "destination can't be '/'"),
            (["-v", "\(folder):/etc/passwd"], "Are you trying to mount a directory onto a file (or vice-versa)?"),
            (["-v", "\(folder):/a", "-v", "\(folder):/a/"], "Duplicate mount point: /a"),
            (["--storage-opt", "size=1g"], "--storage-opt is supported only for overlay over xfs"),
        ] as [([String], String)] {
            let output = try await lab.docker(
                words: ["run", "--rm", "--network", "none"] + options + ["busybox", "true"], expecting: nil)
            #expect(output.code != 0 && output.error.contains(text), "\(options): \(output.error)")
        }
        try Mounts.unmount(folder + "/below", [.detach])
        try await lab.takeDown()
    }

    @Test("mounts made later pass as the propagation says, and none of the container's own reaches the host")
    func propagation() async throws {
        let lab = try await EngineLab()
        let folder = lab.root + "/shared"
        try Files.makeDirectories(folder)
        try Mounts.mount(source: "t", target: folder, type: "tmpfs")
        try Mounts.mount(source: nil, target: folder, flags: [.shared])
        defer { try? Mounts.unmount(folder, [.detach]) }
        for name in ["late", "inner"] { try Files.makeDirectories("\(folder)/\(name)") }
        for (name, mode) in [("slave", "rslave"), ("peer", "rshared"), ("alone", "rprivate")] {
            try await lab.docker(
                "run", "-d", "--name", name, "--privileged", "--network", "none", "-v", "\(folder):/x:\(mode)",
                "busybox", "sleep", "1000")
        }
        try Mounts.mount(source: "t", target: folder + "/late", type: "tmpfs")
        try Files.write(folder + "/late/here", [])
        #expect(try await lab.docker("exec", "slave", "ls", "/x/late").out == "here\n")
        #expect(try await lab.docker("exec", "peer", "ls", "/x/late").out == "here\n")
        #expect(try await lab.docker("exec", "alone", "ls", "/x/late").out == "")
        try await lab.docker("exec", "slave", "mount", "-t", "tmpfs", "t", "/x/inner")
        #expect(try !Mounts.isMountPoint(folder + "/inner"))
        try await lab.docker("exec", "peer", "mount", "-t", "tmpfs", "t", "/x/inner")
        #expect(try Mounts.isMountPoint(folder + "/inner"))
        let shown = try await lab.docker("inspect", "-f", "{{(index .Mounts 0).Propagation}}", "peer")
        #expect(shown.line == "rshared")
        for path in ["late", "inner"] { try Mounts.unmount("\(folder)/\(path)", [.detach]) }
        try Mounts.unmount(folder, [.detach])
        try await lab.takeDown()
    }

    @Test("memory, images and parts of volumes are mounted with their options, and shown as Docker shows them")
    func kinds() async throws {
        let lab = try await EngineLab()
        let memory = try await lab.docker(
            "run", "--name", "first", "--network", "none", "--tmpfs", "/t:size=1m,mode=700,uid=5,exec", "--mount",
            "type=tmpfs,dst=/u,tmpfs-size=2m,tmpfs-mode=0711", "--tmpfs", "/data", "-v", "named:/n:ro", "-v", "/anon",
            "--mount", "type=image,src=busybox,dst=/image", "busybox", "sh", "-c",
            "cat /proc/mounts; cat /image/data/seed/file; touch /image/x; touch /n/x; true")
        let lines = memory.out.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.contains(" /t tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700,uid=5") })
        #expect(lines.contains { $0.contains(" /u tmpfs rw,nosuid,nodev,noexec,relatime,size=2048k,mode=711") })
        #expect(lines.contains { $0.contains(" /data tmpfs") && $0.contains("mode=755") }, "as the image has it")
        #expect(lines.contains("from the image"))
        #expect(memory.error.split(separator: "\n").count == 2, "\(memory.error)")
        let mounts = try await lab.docker(
            "inspect", "-f", "{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Mode}},{{end}}", "first")
        #expect(
            mounts.line == "volume /n false ro,tmpfs /u true ,image /image false ,volume /anon true ,"
                || mounts.line.split(separator: ",").count == 4, "\(mounts.line)")
        let asked = try await lab.docker(
            "inspect", "-f", "{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}}", "first")
        #expect(asked.line.hasPrefix(#"["named:/n:ro"] {"#) && asked.line.contains("size=1m,mode=700,uid=5,exec"))
        let from = try await lab.docker(
            "run", "--rm", "--network", "none", "--volumes-from", "first:ro", "busybox", "sh", "-c",
            "touch /anon/x; ls -d /n /t; true")
        #expect(from.error.contains("Read-only") && from.error.contains("/t: No such file"))
        try await lab.docker("run", "--rm", "--network", "none", "-v", "named:/v", "busybox", "touch", "/v/whole")
        let part = try await lab.docker(
            "run", "--rm", "--network", "none", "--mount", "type=image,src=busybox,dst=/i,image-subpath=data/seed",
            "busybox", "ls", "/i")
        #expect(part.out == "file\n")
        #expect(try await lab.docker("rmi", "busybox", expecting: nil).code != 0, "it is mounted")
        for (options, text) in [
            (["--tmpfs", "/t:foo"], #"Invalid tmpfs option ["foo"]"#),
            (["--mount", "type=image,src=nosuch,dst=/i"], "No such image: nosuch"),
            (["--mount", "type=volume,src=named,dst=/s,volume-subpath=../x"], "subpath must be a relative path"),
            (["--mount", "type=volume,src=named,dst=/s,volume-subpath=none"], "no such file or directory"),
            (["--volumes-from", "first:rx"], "invalid mode: rx"),
        ] as [([String], String)] {
            let output = try await lab.docker(
                words: ["run", "--rm", "--network", "none"] + options + ["busybox", "true"], expecting: nil)
            #expect(output.code != 0 && output.error.contains(text), "\(options): \(output.error)")
        }
        try await lab.takeDown()
    }

    @Test("what a container mounts survives a restart of the daemon")
    func restart() async throws {
        let lab = try await EngineLab()
        try Files.makeDirectories(lab.root + "/host")
        try await lab.docker(
            "create", "--name", "later", "--network", "none", "--tmpfs", "/t:size=1m,uid=7", "-v",
            "\(lab.root)/host:/x:ro,rprivate", "--mount", "type=image,src=busybox,dst=/i,image-subpath=data", "-v",
            "\(lab.root)/host:/m:idmap=1000", "busybox", "sh", "-c",
            "grep ' /t ' /proc/mounts; ls /i/seed; touch /m/made; touch /x/a")
        let format = "{{json .HostConfig.Binds}}{{json .HostConfig.Mounts}}{{json .HostConfig.Tmpfs}}{{json .Mounts}}"
        let before = try await lab.docker("inspect", "-f", format, "later").line
        try await lab.stop()
        try await lab.start()
        #expect(try await lab.docker("inspect", "-f", format, "later").line == before)
        let run = try await lab.docker("start", "-a", "later", expecting: 1)
        #expect(run.out.contains("size=1024k,uid=7") && run.out.contains("file\n"), "\(run.out)")
        #expect(run.error.contains("/x/a: Read-only"))
        #expect(try Files.status(lab.root + "/host/made").uid == 1000)
        try await lab.takeDown()
    }
}
