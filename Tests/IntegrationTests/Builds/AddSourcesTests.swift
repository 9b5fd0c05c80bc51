import Archives
import Builder
import Diagnostics
import Dockerfile
import Engine
import ImageStore
import Linux
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(15)))
struct AddSourcesTests {
    private static func step(
        _ lab: TransferLab, _ source: EvaluatedTransfer.Source, _ destination: String,
        _ change: (inout TransferStep) -> Void = { _ in }
    ) throws -> TransferStep {
        try lab.step([], destination, isAdd: true) {
            $0.transfer.sources = [source]
            change(&$0)
        }
    }

    @Test func heredocsBecomeFiles() async throws {
        try await TransferLab.run { lab in
            let named = try await lab.result(of: try Self.step(lab, .inline(name: "EOF", content: "a\n"), "/x/"))
            #expect(try named.text("x/EOF") == "a\n")
            #expect(try named.owner("x/EOF") == "644 0:0")
            let file = try await lab.result(
                of: try Self.step(lab, .inline(name: "EOF", content: "b"), "/x/name") {
                    $0.transfer.mode = "755"
                    $0.transfer.owner = "user"
                })
            #expect(try file.owner("x/name") == "755 1000:1000")
            let (one, two) = (
                try Self.step(lab, .inline(name: "A", content: "1"), "/x"),
                try Self.step(lab, .inline(name: "A", content: "2"), "/x")
            )
            #expect(try await lab.digest(of: one) != lab.digest(of: two))
        }
    }

    @Test func archivesAreUnpackedByWhatIsInThem() async throws {
        try await TransferLab.run { lab in
            let tree = lab.lab.root + "/packed"
            for directory in ["dir", "www"] { try Files.makeDirectories("\(tree)/\(directory)") }
            try Files.write(tree + "/dir/file", Array("packed".utf8), mode: 0o640)
            try Files.link(tree + "/dir/file", at: tree + "/same")
            try Files.symlink("dir/file", at: tree + "/soft")
            let sparse = try Files.open(tree + "/sparse", [.writeOnly, .create]).shared()
            try sparse.seek(1 << 20)
            try sparse.writeAll(Array("x".utf8))
            try Files.write(tree + "/www/index.html", Array("new".utf8))
            for (name, flag) in [("t.tar", "-S"), ("t", "-z"), ("t.bz2", "-j"), ("x.xz", "-J"), ("z", "--zstd")] {
                let words = ["-C", tree, flag, "--owner=7", "--group=8", "-cf", lab.source + "/" + name, "."]
                _ = try await Spawn.run(SpawnRequest("/usr/bin/tar", words))
                let result = try await lab.copy(name, to: "/www/..", isAdd: true)
                #expect(try result.text("dir/file") == "packed", "\(name)")
                #expect(try result.text("www/index.html") == "new")
                #expect(try result.status("same")?.inode == result.status("dir/file")?.inode)
                #expect(try result.owner("dir/file") == "640 7:8")
                #expect(try result.status("soft")?.kind == .symbolicLink)
                #expect(try result.text("sparse").utf8.count == (1 << 20) + 1)
                #expect(try result.text("sparse").hasSuffix("x"))
            }
            let owned = try await lab.copy("t", to: "/deep/er", isAdd: true) { $0.transfer.owner = "user" }
            #expect(try owned.owner("deep/er/dir/file") == "640 1000:1000")
            #expect(try await lab.copy("t", to: "/as/").names("as") == ["t"])
            let kept = try await lab.copy("t", to: "/as/", isAdd: true) { $0.transfer.unpacks = false }
            #expect(try kept.names("as") == ["t"])
            let unpacked = try await lab.copy("t", to: "/as/") { $0.transfer.unpacks = true }
            #expect(try unpacked.names("as") == ["dir", "same", "soft", "sparse", "www"])
            // Nothing of one archive stands for what is at the same place in another.
            for (name, file) in [("links.tar", "./soft"), ("files.tar", "./dir/file")] {
                _ = try await Spawn.run(
                    SpawnRequest("/usr/bin/tar", ["-C", tree, "-cf", lab.source + "/" + name, file]))
            }
            let both = try await lab.copy("links.tar", to: "/both/", isAdd: true) {
                $0.transfer.sources = [.path("links.tar"), .path("files.tar")]
            }
            #expect(try both.text("both/dir/file") == "packed")
            #expect(try both.status("both/soft")?.kind == .symbolicLink)
            // What only looks compressed is copied.
            try Files.write(lab.source + "/fake.gz", [0x1f, 0x8b, 8, 0, 1, 2, 3])
            #expect(try await lab.copy("fake.gz", to: "/as/", isAdd: true).names("as") == ["fake.gz"])
        }
    }

    @Test func anArchiveStaysBelowItsDestination() async throws {
        try await TransferLab.run { lab in
            func add(_ entries: [TarEntry]) async throws -> TransferLab.Result {
                var bytes: [UInt8] = []
                for entry in entries { bytes += try TarWriter.header(of: entry) }
                try Files.write(lab.source + "/hostile.tar", bytes + TarWriter.endMarker)
                return try await lab.copy("hostile.tar", to: "/base/in", isAdd: true)
            }
            var link = TarEntry(path: Array("out".utf8), kind: .symbolicLink)
            link.linkTarget = Array("/etc".utf8)
            let file = TarEntry(path: Array("out/planted".utf8), kind: .regular)
            let made = try await add([link, file])
            #expect(try made.names("base/in/etc") == ["planted"])
            #expect(try made.status("etc/planted") == nil)
            // A file takes a directory's place, and a directory that file's: nothing shows through.
            let (asFile, asDirectory) = (
                TarEntry(path: Array("d".utf8), kind: .regular), TarEntry(path: Array("d/e".utf8), kind: .regular)
            )
            let replaced = try await add([
                asDirectory, asFile, TarEntry(path: Array("d".utf8), kind: .directory),
                TarEntry(path: Array("d/f".utf8), kind: .regular),
            ])
            #expect(try replaced.names("base/in/d") == ["f"])
            await #expect(throws: BuildFailure.self) {
                try await add([TarEntry(path: Array("d/.wh.x".utf8), kind: .regular)])
            }
        }
    }

    @Test func filesOfTheWebAreKeptAndAskedAbout() async throws {
        try await TransferLab.run { lab in
            let body = "from the web\n"
            let server = try ScriptedServer { request, _ in
                if request.line.contains("/moved") {
                    return [.answer(302, ["Location: /files/name.txt"])]
                }
                if request.line.contains("/missing") { return [.answer(404, [], "no")] }
                if request.field("If-None-Match") == "\"tag\"" { return [.answer(304)] }
                return [
                    .answer(200, ["ETag: \"tag\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"], body)
                ]
            }
            try await server.whileServing {
                let address = "http://\(server.authority)/files/na%6De.txt?x=1"
                let step = try Self.step(lab, .web(address), "/x/")
                let digest = try await lab.digest(of: step)
                let result = try await lab.result(of: step)
                #expect(try result.text("x/name.txt") == body)
                #expect(try result.owner("x/name.txt") == "600 0:0")
                #expect(try result.status("x/name.txt")?.modified == Timestamp(seconds: 784_111_777))
                #expect(server.requests.count == 1)
                #expect(try await lab.digest(of: step) == digest)
                #expect(server.requests.count == 2)
                let named = try await lab.result(
                    of: try Self.step(lab, .web("http://\(server.authority)/moved"), "/file") {
                        $0.transfer.mode = "0644"
                    })
                #expect(try named.owner("file") == "644 0:0")
                let sum = "sha256:" + SHA256.hex(of: Array(body.utf8))
                let asked = server.requests.count
                _ = try await lab.digest(of: try Self.step(lab, .web(address), "/x/") { $0.transfer.checksum = sum })
                #expect(server.requests.count == asked)
                let wrong = "sha256:" + String(repeating: "0", count: 64)
                let failing = try Self.step(lab, .web(address), "/x/") { $0.transfer.checksum = wrong }
                await #expect(throws: BuildFailure.self) { try await lab.digest(of: failing) }
                let missing = try Self.step(lab, .web("http://\(server.authority)/missing"), "/x/")
                do {
                    _ = try await lab.digest(of: missing)
                    Issue.record("a file that is not there was got")
                } catch let failure as BuildFailure {
                    #expect(failure.diagnostics.first?.summary.contains("invalid response status 404") == true)
                }
                let builder = try await lab.lab.engine.builder
                let stored = try await builder.usage().filter { $0.kind == .web }
                #expect(stored.map(\.size) == [Int64(body.utf8.count), Int64(body.utf8.count)])
                var one = CachePruning()
                one.all = true
                one.ids = [stored[0].id]
                #expect(try await builder.prune(one).removed.map(\.id) == [stored[0].id])
                #expect(try await builder.usage().count == 1)
                // As a context it is a Dockerfile.
                let context = try await builder.context(at: address)
                #expect(try Files.list(descriptor: context.root.raw).map(\.name) == ["Dockerfile"])
            }
        }
    }

    /// A repository that `git daemon` serves on loopback.
    private static func withRepository(
        _ body: (_ address: String, _ commit: String, _ tagged: String) async throws -> Void
    ) async throws {
        let root = try Files.temporaryDirectory(prefix: "stackctl-git-")
        defer { try? Files.removeTree(root) }
        let script = """
            set -e; cd \(root); export HOME=\(root) GIT_CONFIG_NOSYSTEM=1
            git init -q -b main work; cd work
            git config user.email a@b; git config user.name n
            mkdir -p sub bin; echo first > sub/file; printf '#!/bin/sh\\n' > bin/run; chmod 755 bin/run
            ln -s sub/file link
            git add -A; GIT_COMMITTER_DATE='1000000000 +0000' git commit -qm one
            git tag -a -m v1 v1; git rev-parse HEAD
            echo second > sub/file; git commit -qam two; git rev-parse HEAD
            cd ..; git clone -q --bare work repo.git
            git -C repo.git config uploadpack.allowAnySHA1InWant true
            """
        let made = try await Spawn.run(SpawnRequest("/bin/sh", ["-c", script]))
        let commits = made.outputText.split(separator: "\n").map(String.init)
        try #require(commits.count == 2, "\(made.errorText)")
        let (daemon, address) = try await serve(root)
        defer { try? daemon.sendToGroup(9) }
        try await body(address, commits[1], commits[0])
    }

    /// Starts `git daemon`, and gives the address of the repository once it answers.
    private static func serve(_ root: String) async throws -> (daemon: ChildProcess, address: String) {
        for _ in 0..<20 {
            let probe = try SocketListener.tcp(.loopback, port: 0)
            let port = try probe.localPort()
            probe.close()
            var request = SpawnRequest(
                "/usr/bin/git",
                [
                    "daemon", "--reuseaddr", "--export-all", "--listen=127.0.0.1", "--port=\(port)",
                    "--base-path=\(root)", root,
                ])
            request.newProcessGroup = true
            let daemon = try Spawn.start(request)
            let address = "git://127.0.0.1:\(port)/repo.git"
            // It ends where another program took the port meanwhile.
            let deadline = ContinuousClock.now + .seconds(120)
            while try daemon.currentStatus() == nil, ContinuousClock.now < deadline {
                let check = try await Spawn.run(
                    SpawnRequest("/usr/bin/git", ["ls-remote", address]), timeout: .seconds(60))
                if check.status.isSuccess { return (daemon, address) }
                try await EventLoop.shared.sleep(for: .milliseconds(50))
            }
            try? daemon.sendToGroup(9)
        }
        throw SystemError(call: "git daemon", errno: .EADDRINUSE, subject: root)
    }

    @Test func repositoriesAreReadAtACommit() async throws {
        try await TransferLab.run { lab in
            try await Self.withRepository { address, commit, tagged in
                let whole = try await lab.result(of: try Self.step(lab, .git(address), "/src"))
                #expect(try whole.names("src") == ["bin", "link", "sub"])
                #expect(try whole.text("src/sub/file") == "second\n")
                #expect(try whole.owner("src/bin/run") == "755 0:0")
                let tag = try await lab.result(of: try Self.step(lab, .git(address + "#v1:sub"), "/src"))
                #expect(try tag.names("src") == ["file"])
                #expect(try tag.text("src/file") == "first\n")
                #expect(try tag.status("src/file")?.modified == Timestamp(seconds: 1_000_000_000))
                let query = address + "?branch=main&subdir=bin&checksum=\(commit)"
                #expect(try await lab.result(of: try Self.step(lab, .git(query), "/src")).names("src") == ["run"])
                let byCommit = try await lab.result(
                    of: try Self.step(lab, .git(address + "#" + tagged), "/src") {
                        $0.transfer.keepsGitDirectory = true
                    })
                #expect(try byCommit.names("src") == [".git", "bin", "link", "sub"])
                #expect(
                    try await lab.digest(of: try Self.step(lab, .git(address), "/src"))
                        != lab.digest(of: try Self.step(lab, .git(address + "#v1"), "/src")))
                for bad in ["#none", "?checksum=\(tagged)", "#v1:none"] {
                    let step = try Self.step(lab, .git(address + bad), "/src")
                    await #expect(throws: BuildFailure.self, "\(bad)") { try await lab.result(of: step) }
                }
                for bad in ["ext::sh -c id", "file:///etc", "-x@y:z"] {
                    let step = try Self.step(lab, .git(bad), "/src")
                    await #expect(throws: BuildFailure.self, "\(bad)") { try await lab.result(of: step) }
                }
                let context = try await lab.lab.engine.builder.context(at: address + "#main")
                #expect(try Files.list(descriptor: context.root.raw).map(\.name) == ["bin", "link", "sub"])
            }
        }
    }
}
