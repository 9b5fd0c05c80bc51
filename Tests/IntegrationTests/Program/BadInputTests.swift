import Linux
import StateStore
import Testing

@testable import Networking

/// Each mistake is told in a sentence on standard error, answered with 1, and leaves nothing half-made.
@Suite("What a user can do wrong", .serialized, .timeLimit(.minutes(15)))
struct BadInputTests {
    /// A stack of one container, with more settings for it and its network.
    private static func manifest(network: String = "", image: String = "../rootfs", settings: String = "") -> String {
        """
        import StackDSL

        @main
        struct Bad: Stack {
            @Input("Words of the command") var command = "/bin/sleep 1000"

            var resources: Resources {
                let lan = Network("lan"\(network))
                let image = Image("bad/busybox", rootfs: "\(image)")
                let web = Container("web", image: image) {
                    Attach(lan)
                    Command(command.split(separator: " ").map(String.init))
                    Stop(signal: "SIGKILL")
                    \(settings)
                }
                let other = Container("other", image: image) {
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                return Resources {
                    web
                    other
                }
            }
        }

        """
    }

    /// Expects the plan and the apply to say the same and to leave nothing on the host.
    private func expectRefusal(_ lab: ProgramLab, _ sentences: String...) async throws {
        for words in [["plan", "bad"], ["apply", "bad", "--yes"]] {
            let answer = try await lab.run(lab.request(lab.programs + "/stackctl", words))
            #expect(answer.code == 1, "\(words): \(answer.text)")
            #expect(answer.out == "")
            for sentence in sentences { #expect(answer.sentences.contains(sentence), "\(words): \(answer.error)") }
        }
        try await lab.expectTraces([])
    }

    @Test("a port that a program of the host listens on is refused, and the program named")
    func portInUse() async throws {
        let lab = try ProgramLab()
        try lab.write("bad", Self.manifest(settings: "Publish(18195, to: 80)"))
        let listener = try Spawn.start(
            lab.request("/usr/bin/busybox", ["httpd", "-f", "-p", "127.0.0.1:18195", "-h", lab.folder]))
        try await lab.eventually("it listens") {
            try HostNamespace.run(in: lab.network) { try ListeningPorts.read() }.contains { $0.port == 18195 }
        }
        try await expectRefusal(
            lab, "error: port 18195/tcp of the host is in use", "busybox (pid \(listener.pid)) listens on 127.0.0.1",
            "bad/Stack.swift:", "container.web", "hint: ")
        try listener.send(9)
        _ = try await listener.exitStatus()
        try await lab.stackctl("apply", "bad", "--yes")
        try await lab.stackctl("destroy", "bad", "--yes")
        try await lab.takeDown()
    }

    @Test("a subnet that overlaps a route of the host is refused, and the route named")
    func subnet() async throws {
        let lab = try ProgramLab()
        let routes = try RouteSocket.open(in: lab.network.raw)
        try routes.createVeth(VethEnd(name: "uplink", up: true), peer: VethEnd(name: "far"))
        try routes.setUp(try routes.existingLink(named: "far").index)
        try routes.addAddress(
            try #require(IPPrefix("10.95.0.1/16")), to: try routes.existingLink(named: "uplink").index)
        try lab.write("bad", Self.manifest(network: ", subnet: \"10.95.3.0/24\""))
        try await expectRefusal(
            lab, "error: subnet 10.95.3.0/24 of network bad_lan overlaps a route of this host",
            "10.95.0.0/16 through interface uplink", "network.lan", "hint: ")
        try await lab.takeDown()
    }

    @Test("a full disk fails the image with a clear word, leaves no half layer, and the next apply goes on")
    func fullDisk() async throws {
        let lab = try ProgramLab(root: "small/root")
        try Files.makeDirectories(lab.folder + "/small")
        try await Self.tool("/bin/mount", "-t", "tmpfs", "-o", "size=16m", "none", lab.folder + "/small")
        try Files.write(lab.folder + "/rootfs/big", [UInt8](repeating: 7, count: 30 << 20))
        try lab.write("bad", Self.manifest())
        let answer = try await lab.stackctl("apply", "bad", "--yes", expecting: 1)
        #expect(answer.sentences.contains("the disk is full while importing \(lab.folder)/rootfs"))
        #expect(answer.sentences.contains("No space left on device"))
        #expect(answer.out.contains("container.web: skipped: it needs image.bad/busybox, which failed"))
        try await lab.eventually("the room is free again") {
            try Files.diskSpace(lab.folder + "/small").available > 14 << 20
        }
        #expect((try? Files.list(lab.root + "/containers")) ?? [] == [])
        try Files.unlink(lab.folder + "/rootfs/big")
        try await lab.stackctl("apply", "bad", "--yes")
        try await lab.stackctl("plan", "bad", "--detailed-exitcode")
        try await lab.stackctl("destroy", "bad", "--yes")
        try await lab.endDaemon()
        try await lab.expectTraces([])
        try await Self.unmount(lab.folder + "/small", lab)
        try await lab.takeDown()
    }

    @Test("on a disk that is full an apply begins nothing and says so, and goes on once there is room")
    func fullDatabase() async throws {
        let lab = try ProgramLab(root: "small/root")
        try Files.makeDirectories(lab.folder + "/small")
        try await Self.tool("/bin/mount", "-t", "tmpfs", "-o", "size=16m", "none", lab.folder + "/small")
        try lab.write("bad", Self.manifest())
        try await lab.stackctl("apply", "bad", "--yes")
        let ids = try await lab.stackctl("ps", "--quiet").out
        // Fills the disk to its last byte, however much is left.
        _ = try await Spawn.run(
            SpawnRequest("/bin/dd", ["if=/dev/zero", "of=\(lab.folder)/small/big", "bs=4096"]), timeout: .seconds(150))
        let change = ["--var", "command=/bin/sleep 1001"]
        let refused = try await lab.run(
            lab.request(lab.programs + "/stackctl", ["apply", "bad", "--yes"] + change))
        #expect(refused.code == 1)
        #expect(refused.sentences.contains("error: no room on the disk"), "\(refused.error)")
        #expect(refused.sentences.contains("hint: free some space"), "\(refused.error)")
        #expect(try await lab.stackctl("ps", "--quiet").out == ids)
        try Files.unlink(lab.folder + "/small/big")
        let done = try await lab.run(lab.request(lab.programs + "/stackctl", ["apply", "bad", "--yes"] + change))
        #expect(done.code == 0, "\(done.text)")
        try await lab.stackctl("destroy", "bad", "--yes")
        try await lab.endDaemon()
        try await lab.expectTraces([])
        try await Self.unmount(lab.folder + "/small", lab)
        try await lab.takeDown()
    }

    /// Unmounts a file system once nobody has a file of it: a process that another test starts has ours until its
    /// exec(2).
    private static func unmount(_ path: String, _ lab: ProgramLab) async throws {
        try await lab.eventually("\(path) is unmounted") {
            try await Spawn.run(SpawnRequest("/bin/umount", [path]), timeout: .seconds(150)).status.isSuccess
        }
    }

    private static func tool(_ program: String, _ arguments: String...) async throws {
        let result = try await Spawn.run(SpawnRequest(program, arguments), timeout: .seconds(150))
        try #require(result.status.isSuccess, "\(program): \(result.errorText)")
    }

    @Test("without stack-init beside the program nothing is begun")
    func initMissing() async throws {
        let lab = try ProgramLab()
        try lab.write("bad", Self.manifest())
        let installed = lab.folder + "/installed"
        try Files.makeDirectories(installed)
        for name in ["stackctl", "stack-manifest", "libStackDSL.so"] {
            try await ProgramFile.copy("\(lab.programs)/\(name)", to: "\(installed)/\(name)")
        }
        try Files.symlink(lab.programs + "/Modules", at: installed + "/Modules")
        let answer = try await lab.run(lab.request(installed + "/stackctl", ["plan", "bad"]))
        #expect(answer.code == 1)
        #expect(answer.out == "")
        #expect(answer.sentences.contains("error: stack-init, which starts containers, is not beside stackctl"))
        #expect(answer.sentences.contains("looked for \(installed)/stack-init"))
        #expect(!Files.exists(lab.root))
        try await lab.takeDown()
    }

    @Test("a daemon that cannot start says why through the command that wanted it")
    func unstartable() async throws {
        let lab = try ProgramLab()
        try lab.write("bad", Self.manifest())
        try Files.write(lab.root, Array("a file\n".utf8))
        var answer = try await lab.stackctl("plan", "bad", expecting: 1)
        #expect(answer.sentences.contains("error: the data root \(lab.root) cannot be made"))
        try Files.unlink(lab.root)
        try Files.makeDirectories(lab.root)
        try Files.write(lab.root + "/state.db", Array("this is no database at all\n".utf8))
        answer = try await lab.stackctl("plan", "bad", expecting: 1)
        #expect(answer.sentences.contains("the daemon ended while it was starting"))
        #expect(answer.sentences.contains("the database \(lab.root)/state.db is damaged"))
        #expect(try Files.readText(lab.root + "/state.db") == "this is no database at all\n")
        try Files.unlink(lab.root + "/state.db")
        try await lab.takeDown()
    }

    @Test("a database of a newer stackctl is left as it is, and the user told")
    func newer() async throws {
        let lab = try ProgramLab()
        try Files.makeDirectories(lab.root)
        try StateDatabase(path: lab.root + "/state.db").write { _ = try $0.run("PRAGMA user_version = 99") }
        let before = try Files.readAll(lab.root + "/state.db")
        let answer = try await lab.stackctl("ps", expecting: 1)
        #expect(answer.sentences.contains("the database \(lab.root)/state.db was written by a newer stackctl"))
        #expect(answer.sentences.contains("version 99"))
        #expect(try Files.readAll(lab.root + "/state.db") == before)
        try Files.unlink(lab.root + "/state.db")
        try await lab.takeDown()
    }

    @Test("one who is not root is told so, where no daemon runs and where one does")
    func notRoot() async throws {
        let lab = try ProgramLab()
        try Files.chmod(lab.folder, mode: 0o755)
        let nobody = lab.request(
            "/usr/bin/setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", "--", lab.programs + "/stackctl", "ps"])
        var answer = try await lab.run(nobody)
        #expect(answer.code == 1)
        #expect(
            answer.sentences.contains("no daemon answers at \(lab.root)/run/stackctl.sock, and starting one takes root")
        )
        #expect(!Files.exists(lab.root))
        try await lab.stackctl("ps")
        answer = try await lab.run(nobody)
        #expect(answer.code == 1)
        #expect(answer.sentences.contains("you may not use the daemon's socket \(lab.root)/run/stackctl.sock"))
        try await lab.takeDown()
    }

    @Test("a saved plan of a host that has changed is refused, and what changed is named")
    func stale() async throws {
        let lab = try ProgramLab()
        try lab.write("bad", Self.manifest())
        try await lab.stackctl("apply", "bad", "--yes")
        try await lab.stackctl("plan", "bad", "--var", "command=/bin/sleep 1001", "--out", "saved.plan")
        try await lab.stackctl("rm", "--force", "bad-other")
        let answer = try await lab.stackctl("apply", "saved.plan", expecting: 1)
        #expect(answer.sentences.contains("container.other"), "\(answer.error)")
        #expect(try await lab.stackctl("ps", "--quiet").out.split(separator: "\n").count == 1)
        try await lab.stackctl("plan", "bad", "--var", "command=/bin/sleep 1001", "--out", "saved.plan")
        try await lab.stackctl("apply", "saved.plan")
        #expect(try await lab.stackctl("ps", "--quiet").out.split(separator: "\n").count == 2)
        try await lab.stackctl("destroy", "bad", "--yes")
        try await lab.takeDown()
    }

    @Test("a step that fails stops only what needs it, and the next apply goes on from there")
    func failingStep() async throws {
        let lab = try ProgramLab()
        try lab.write("bad", Self.manifest())
        let answer = try await lab.stackctl("apply", "bad", "--yes", "--var", "command=/bin/nothing", expecting: 1)
        #expect(answer.sentences.contains("container.web"))
        #expect(answer.sentences.contains("/bin/nothing"), "\(answer.error)")
        #expect(answer.sentences.contains("ENOENT"), "\(answer.error)")
        let names = try await lab.stackctl("ps", "--all", "--json").out
        #expect(names.contains("bad-other") && !names.contains("bad-web"))
        let plan = try await lab.stackctl("plan", "bad", "--json")
        #expect(plan.out.contains("\"container.web\""))
        try await lab.stackctl("apply", "bad", "--yes")
        try await lab.stackctl("plan", "bad", "--detailed-exitcode")
        try await lab.stackctl("destroy", "bad", "--yes")
        try await lab.takeDown()
    }
}
