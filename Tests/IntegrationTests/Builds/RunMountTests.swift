import Builder
import Dockerfile
import Engine
import Linux
import OCI
import Synchronization
import Testing

@Suite("Mounts of steps", .serialized, .timeLimit(.minutes(15)))
struct RunMountTests {
    private static func mount(
        _ kind: EvaluatedMount.Kind, _ target: String, _ change: (inout EvaluatedMount) -> Void = { _ in }
    ) -> EvaluatedMount {
        var mount = EvaluatedMount(kind: kind, target: target)
        change(&mount)
        return mount
    }

    @Test("binds of layers and trees are read-only, or written to in vain, and leave nothing in the layer")
    func binds() async throws {
        let lab = try await RunLab()
        let made = try await lab.run(lab.step("mkdir -p /a/b; echo one > /a/b/file; ln -s /a/b /link"))
        let layer = try #require(made.layer)
        var step = lab.step(
            "cat /mnt/x/file; touch /mnt/x/no; cat /etc/one; cat /rw/file; echo two > /rw/file; cat /rw/file")
        let origin = RunStep.Origin.layers(lab.layers + [layer])
        step.mounts = [
            RunStep.Mount(Self.mount(.bind, "/mnt/x") { $0.source = "/a/b" }, origin: origin),
            RunStep.Mount(Self.mount(.bind, "/etc/one") { $0.source = "/link/file" }, origin: origin),
            RunStep.Mount(
                Self.mount(.bind, "/rw") {
                    $0.source = "/a/b"
                    $0.isReadOnly = false
                }, origin: origin),
        ]
        let result = try await lab.run(step)
        #expect(result.log.out == "one\none\none\ntwo\n")
        #expect(result.log.error.contains("Read-only file system"))
        #expect(result.layer == nil)

        let directory = lab.lab.root + "/context"
        try Files.makeDirectories(directory + "/sub")
        try Files.write(directory + "/sub/file", Array("context\n".utf8))
        try Files.symlink("/etc/shadow", at: directory + "/outside")
        let tree = FileTree(root: try Files.open(directory, [.readOnly, .directory]).shared())
        var second = lab.step("cat /var/run/c/file; echo changed > /w/sub/file; cat /w/sub/file; ls /var/run")
        second.mounts = [
            RunStep.Mount(Self.mount(.bind, "/var/run/c") { $0.source = "sub" }, origin: .tree(tree)),
            RunStep.Mount(Self.mount(.bind, "/w") { $0.isReadOnly = false }, origin: .tree(tree)),
        ]
        let shown = try await lab.run(second)
        #expect(shown.log.out == "context\nchanged\nc\n")
        #expect(shown.layer == nil)
        #expect(try Files.readText(directory + "/sub/file") == "context\n")
        // What a link of the tree leads to is looked for in the tree.
        second.mounts = [RunStep.Mount(Self.mount(.bind, "/x") { $0.source = "outside" }, origin: .tree(tree))]
        let missing = try await lab.failure(of: second)
        #expect(missing.failure.kind == .notFound)
        #expect(missing.text.contains("\"/outside\": not found"))
        second.mounts = [RunStep.Mount(Self.mount(.bind, "/../..//"), origin: .tree(tree))]
        #expect(try await lab.failure(of: second).text.contains("invalid mount target"))
        try await lab.takeDown()
    }

    @Test("secrets and agents are seen by the process and are nowhere else")
    func secrets() async throws {
        let lab = try await RunLab()
        let word = "s3cr3t-\(try Random.hex(bytes: 8))"
        var step = lab.step(
            "cat /run/secrets/one; cat /two; stat -c '%a %u %g' /run/secrets/one /two; echo $TOKEN; stat -f -c %T /two"
                + "; echo ask | nc -w 1 local:$SSH_AUTH_SOCK; stat -c %F:%a $SSH_AUTH_SOCK; test -e /no || echo none")
        step.secrets = ["one": Array("\(word)\n".utf8), "token": Array(word.utf8)]
        step.agents = ["default": EchoAgent()]
        step.mounts = [
            RunStep.Mount(Self.mount(.secret, "/run/secrets/one") { $0.id = "one" }),
            RunStep.Mount(
                Self.mount(.secret, "/two") {
                    $0.id = "one"
                    $0.mode = 0o444
                    $0.userID = 5
                    $0.groupID = 6
                }),
            RunStep.Mount(
                Self.mount(.secret, "") {
                    $0.id = "token"
                    $0.environmentName = "TOKEN"
                }),
            RunStep.Mount(Self.mount(.secret, "/no") { $0.id = "missing" }),
            RunStep.Mount(Self.mount(.ssh, "")),
        ]
        step.run.arguments[2] = step.run.arguments[2].replacing("nc -w 1 local:$SSH_AUTH_SOCK", with: "true")
        let result = try await lab.run(step)
        #expect(result.log.out.hasPrefix("\(word)\n\(word)\n400 0 0\n444 5 6\n\(word)\ntmpfs"), "\(result.log.out)")
        #expect(result.log.out.hasSuffix("socket:600\nnone\n"), "\(result.log.out) \(result.log.error)")
        #expect(result.layer == nil)
        let found = try await Spawn.run(SpawnRequest("/usr/bin/grep", ["-rl", word, lab.lab.root]))
        #expect(found.outputText == "")

        step.mounts = [
            RunStep.Mount(
                Self.mount(.secret, "/no") {
                    $0.id = "missing"
                    $0.isRequired = true
                })
        ]
        let missing = try await lab.failure(of: step)
        #expect(missing.failure.kind == .notFound && missing.text.contains("secret missing: not found"))
        step.agents = [:]
        step.mounts = [RunStep.Mount(Self.mount(.ssh, "") { $0.isRequired = true })]
        #expect(
            try await lab.failure(of: step).text.contains("no SSH key \"default\" forwarded from the client"))
        try await lab.takeDown()
    }

    @Test("caches last from step to step, are shared, kept apart or waited for, and are counted and removed")
    func caches() async throws {
        let lab = try await RunLab()
        func step(_ script: String, _ change: (inout EvaluatedMount) -> Void = { _ in }) -> RunStep {
            var step = lab.step(script)
            step.mounts = [
                RunStep.Mount(
                    Self.mount(.cache, "/c") {
                        $0.id = "things"
                        change(&$0)
                    })
            ]
            return step
        }
        let first = try await lab.run(
            step("echo kept > /c/file; stat -c '%a %u' /c") {
                $0.mode = 0o700
                $0.userID = 9
            })
        #expect(first.log.out == "700 9\n" && first.layer == nil)
        #expect(try await lab.run(step("cat /c/file; touch /c/no; true") { $0.isReadOnly = true }).log.out == "kept\n")
        // Two that lock it are never in it at the same time.
        let guarded = "test ! -e /c/busy && touch /c/busy && sleep 0.3 && rm /c/busy && echo alone"
        async let one = lab.run(step(guarded) { $0.sharing = .locked })
        async let two = lab.run(step(guarded) { $0.sharing = .locked })
        #expect(try await one.log.out == "alone\n")
        #expect(try await two.log.out == "alone\n")
        // One that waits can be given up.
        let engine = try await lab.lab.engine
        let holder = Task { try await lab.run(step("touch /c/held; sleep 1000") { $0.sharing = .locked }) }
        try await lab.lab.eventually("the cache is used") {
            try await engine.builder.cacheMounts().contains { $0.isInUse }
        }
        let busy = try #require(try await engine.builder.cacheMounts().first)
        #expect(try await engine.builder.removeCacheMount(busy.id) == false)
        let waiter = Task { try await lab.run(step("true") { $0.sharing = .locked }) }
        try await lab.lab.eventually("it has begun") { try Files.list("\(lab.lab.root)/builds/steps").count == 2 }
        waiter.cancel()
        await #expect(throws: BuildFailure.self) { try await waiter.value }
        // A private one gets a directory of its own meanwhile.
        let apart = try await lab.run(step("ls /c | wc -l") { $0.sharing = .private })
        #expect(apart.log.out == "0\n")
        holder.cancel()
        await #expect(throws: BuildFailure.self) { try await holder.value }
        let records = try await engine.builder.cacheMounts()
        #expect(records.count == 2 && records.allSatisfy { $0.name == "things" && $0.bytes > 0 && !$0.isInUse })
        for record in records { #expect(try await engine.builder.removeCacheMount(record.id)) }
        #expect(try await engine.builder.cacheMounts().isEmpty)
        #expect(try Files.list("\(lab.lab.root)/builds/cache").isEmpty)
        try await lab.takeDown()
    }

    @Test("a cache's first content comes from another stage, and a part of a cache never leads out of it")
    func cacheContents() async throws {
        let lab = try await RunLab()
        let made = try await lab.run(lab.step("mkdir -p /seed/sub; echo seeded > /seed/sub/file"))
        let layer = try #require(made.layer)
        func mount(_ source: String) -> RunStep.Mount {
            RunStep.Mount(
                Self.mount(.cache, "/c") {
                    $0.id = "seeded"
                    $0.source = source
                }, origin: .layers([layer]))
        }
        var step = lab.step("cat /c/file; ln -s /etc /c/escape; ln -s ../../../../../../etc /c/up")
        step.mounts = [mount("/seed/sub")]
        #expect(try await lab.run(step).log.out == "seeded\n")
        // CVE-2024-23651: a link in a cache, made by a step, is resolved inside the cache.
        for link in ["escape", "up", "escape/../../../../etc"] {
            step = lab.step("ls /c")
            step.mounts = [mount("/seed/sub/\(link)")]
            let failed = try await lab.failure(of: step)
            #expect(failed.failure.kind == .notFound, "\(link): \(failed.text)")
        }
        try await lab.takeDown()
    }

    @Test("a memory file system has its size, and a script is run by its first line")
    func temporary() async throws {
        let lab = try await RunLab()
        var step = lab.step("dd if=/dev/zero of=/t/x bs=1k count=100 2>/dev/null || stat -c %s /t/x; stat -c %a /t")
        step.mounts = [RunStep.Mount(Self.mount(.tmpfs, "/t") { $0.size = 65_536 })]
        let result = try await lab.run(step)
        #expect(result.log.out == "65536\n1777\n" && result.layer == nil)
        var script = lab.step(arguments: [EvaluatedRun.scriptPath])
        script.run.script = "#!/bin/sh\necho from a script\n"
        #expect(try await lab.run(script).log.out == "from a script\n")
        try await lab.takeDown()
    }
}

/// Says everything back.
private struct EchoAgent: AgentConnector {
    func connect() async throws -> AsyncSocket {
        let pair = try SocketPair().separate()
        let server = try AsyncSocket(try pair.second.duplicate())
        Task {
            while let piece = try? await server.read(), !piece.isEmpty { try? await server.writeAll(piece) }
            server.close()
        }
        return try AsyncSocket(try pair.first.duplicate())
    }
}
