import Builder
import Diagnostics
import Dockerfile
import JSONText
import Linux
import Testing

@testable import stackctl

@Suite("builds, as they are shown")
struct BuildProgressTests {
    private let second: Int64 = 1_000_000_000

    private func step(_ id: Int, _ name: String, _ phase: BuildEvent.Phase) -> BuildEvent {
        .step(.init(id: id, name: name, phase: phase))
    }

    private func log(_ id: Int, _ text: String) -> BuildEvent {
        .log(step: id, isError: false, bytes: Array(text.utf8))
    }

    private let begun = BuildEvent.Phase.started(Timestamp(seconds: 1))
    private let done = BuildEvent.Phase.done(Timestamp(seconds: 2))

    @Test("a log has a block for each step, and parallel ones are not mixed")
    func plain() {
        var log = PlainBuildLog()
        var lines: [String] = []
        let events: [(Int64, BuildEvent)] = [
            (0, step(1, "[internal] load build context", begun)),
            (0, .progress(.init(step: 1, name: "transferring context", current: 2000, total: 0, isDone: true))),
            (second / 10, step(1, "[internal] load build context", done)), (second, step(2, "[2/3] RUN make", begun)),
            (second, step(3, "[b 2/2] RUN test", begun)), (second * 13 / 10, self.log(2, "cc -c main.c\npart")),
            (second * 14 / 10, self.log(3, "1 passed\n")), (second * 15 / 10, self.log(2, "ial\n\u{1B}[31mred\r\n")),
            (second * 15 / 10, step(3, "[b 2/2] RUN test", done)), (second * 2, step(2, "[2/3] RUN make", done)),
            (second * 2, step(4, "[3/3] COPY . .", .cached)),
            (second * 2, step(5, "exporting to image", .failed("no room"))),
        ]
        for (time, event) in events { lines += log.take(event, at: time) }
        lines += log.finish(at: second * 3)
        #expect(
            lines.joined(separator: "\n") == """
                #1 [internal] load build context
                #1 transferring context: 2kB done
                #1 DONE 0.1s

                #2 [2/3] RUN make
                #2 0.300 cc -c main.c
                #2 0.500 partial
                #2 0.500 red
                #2 DONE 1.0s

                #3 [b 2/2] RUN test
                #3 0.400 1 passed
                #3 DONE 0.5s

                #4 [3/3] COPY . .
                #4 CACHED

                #5 exporting to image
                #5 ERROR: no room
                """)
    }

    @Test("a step that is silent makes room for another, and comes back")
    func silence() {
        var log = PlainBuildLog()
        var lines = log.take(step(1, "slow", begun), at: 0) + log.take(step(2, "quick", begun), at: 0)
        lines += log.take(self.log(2, "hello\n"), at: second)
        #expect(lines == ["#1 slow"])
        lines += log.wait(until: second * 4)
        lines += log.take(self.log(1, "back\n"), at: second * 5) + log.take(step(2, "quick", done), at: second * 6)
        lines += log.take(step(1, "slow", done), at: second * 6)
        #expect(
            lines == [
                "#1 slow", "#1 ...", "", "#2 quick", "#2 1.000 hello", "#2 ...", "", "#1 slow", "#1 5.000 back",
                "#1 DONE 6.0s", "", "#2 quick", "#2 DONE 6.0s",
            ])
    }

    @Test("output is what a terminal would show in the end")
    func output() {
        #expect(StepOutput.text(Array("10%\r55%\r100%\r".utf8)) == "100%")
        #expect(StepOutput.text(Array("\u{1B}[1;31merror:\u{1B}[0m no\tway\u{7}".utf8)) == "error: no    way\u{FFFD}")
        var output = StepOutput()
        #expect(output.take([UInt8](repeating: 0x61, count: 40 << 10)).count == 2)
        #expect(output.finish().count == 1)
        #expect(output.finish().isEmpty)
    }

    @Test("rows fit the window, what goes on before what is over")
    func live() {
        var board = LiveBuildBoard(at: 0, color: false)
        for id in 1...20 {
            board.take(step(id, "[\(id)/20] RUN step", begun), at: 0)
            board.take(step(id, "[\(id)/20] RUN step", id < 20 ? done : begun), at: second)
        }
        board.take(log(20, (1...9).map { "line \($0)\n" }.joined()), at: second)
        let rows = board.render(width: 40, height: 10, at: second * 3)
        #expect(rows.count <= 10)
        #expect(rows.first == "[+] Building 3.0s (19/20)")
        #expect(rows.contains { $0.hasPrefix(" => [20/20] RUN step") && $0.hasSuffix("3.0s") })
        #expect(rows.last == " => => # line 9")
        #expect(rows.allSatisfy { TerminalText.columns($0) <= 40 })
        let all = board.render(width: 40, height: nil, at: second * 3)
        #expect(all.count == 21)
        for height in 1...6 { #expect(board.render(width: 20, height: height, at: second).count <= max(height, 4)) }
    }

    @Test("JSON is that of BuildKit")
    func raw() throws {
        var log = RawBuildLog()
        let now = Timestamp(seconds: 5)
        let begin = log.take(step(1, "[1/1] FROM a", begun), at: now)
        let first = try #require(begin)
        let digest = try #require(first["vertexes"]?.arrayValue?.first?["digest"]?.stringValue)
        #expect(first["vertexes"]?.arrayValue?.first?["started"]?.stringValue == "1970-01-01T00:00:01.000000000Z")
        let line = log.take(self.log(1, "hi\n"), at: now)
        #expect(line?["logs"]?.arrayValue?.first?["data"] == "aGkK")
        #expect(line?["logs"]?.arrayValue?.first?["vertex"]?.stringValue == digest)
        let last = log.take(step(1, "[1/1] FROM a", .failed("why")), at: now)
        #expect(last?["vertexes"]?.arrayValue?.first?["error"] == "why")
        #expect(log.take(self.log(9, "nobody's"), at: now) == nil)
    }
}

@Suite("the options of build")
struct BuildBodyTests {
    private func body(_ words: String..., environment: [String: String] = [:]) throws -> BuildBody {
        let parsed = try ArgumentParser.parse(["build"] + words + ["."], root: CommandTree.root)
        return try BuildBody(parsed.arguments, environment: { environment[$0] }, directory: "/here")
    }

    @Test("arguments take their values from the environment, or are left out")
    func arguments() throws {
        let body = try body(
            "--build-arg", "A=1", "--build-arg", "B", "--build-arg", "C", "--label", "x=y", "--label", "z", "-t", "a:1",
            "--platform", "linux/amd64,linux/arm64", "--no-cache-filter", "a,b", environment: ["B": "two"])
        #expect(body.json["arguments"] == ["A": "1", "B": "two"])
        #expect(body.json["labels"] == ["x": "y", "z": ""])
        #expect(body.json["platforms"] == ["linux/amd64", "linux/arm64"])
        #expect(body.json["noCacheStages"] == ["a", "b"])
        #expect(body.json["outputs"] == ["store"])
        #expect(body.tags == ["a:1"])
    }

    @Test("results go where they are asked to")
    func outputs() throws {
        #expect(try BuildDestination("out") == .directory("out"))
        #expect(try BuildDestination("-") == .tar(nil))
        #expect(try BuildDestination("type=local,dest=out") == .directory("out"))
        #expect(try BuildDestination("type=tar,dest=a.tar") == .tar("a.tar"))
        #expect(try BuildDestination("type=docker") == .named([]))
        #expect(try BuildDestination("type=docker,dest=-") == .dockerArchive(nil))
        #expect(try BuildDestination("type=oci,dest=x") == .ociArchive("x"))
        #expect(try BuildDestination("type=image,name=a:1,push=true") == .push(names: ["a:1"]))
        #expect(throws: (any Error).self) { try BuildDestination("type=local") }
        #expect(throws: (any Error).self) { try BuildDestination("type=odd") }

        #expect(try BuildCompression.of("out") == nil)
        #expect(try BuildCompression.of("type=image,push=true") == nil)
        let zstd = try BuildCompression.of("type=oci,dest=x,compression=zstd,compression-level=19")
        #expect(zstd?.json == ["method": "zstd", "force": false, "level": 19])
        let forced = try BuildCompression.of("type=registry,force-compression=true")
        #expect(forced?.json == ["method": "gzip", "force": true])
        for wrong in ["compression=lzma", "compression-level=10", "compression=zstd,compression-level=x"] {
            #expect(throws: (any Error).self) { try BuildCompression.of("type=oci,dest=x,\(wrong)") }
        }
        #expect(throws: (any Error).self) { try BuildCompression.of("compression=uncompressed,compression-level=1") }
        let local = try body("-o", "out")
        #expect(local.json["outputs"] == ["tar"])
        #expect(try body("-o", "out", "--load").json["outputs"] == ["store", "tar"])
        #expect(try body("--push", "-t", "a").json["push"] == true)
        #expect(throws: (any Error).self) { try body("--push") }
        #expect(throws: (any Error).self) { try body("-o", "-", "-o", "type=oci") }
    }

    @Test("secrets and agents say where they are")
    func secrets() throws {
        #expect(try BuildSecret("id=a,src=f").source == .file("f"))
        #expect(try BuildSecret("id=a,env=V").source == .variable("V"))
        #expect(try BuildSecret("id=a").source == .either("a"))
        #expect(try BuildSecret("id=a,type=env").source == .variable("a"))
        #expect(throws: (any Error).self) { try BuildSecret("src=f") }
        #expect(throws: (any Error).self) { try BuildSecret("id=a,what=f") }
        #expect(try BuildSecret("id=a").read { _ in "v" } == Array("v".utf8))
        #expect(throws: (any Error).self) { try BuildSecret("id=a,env=V").read { _ in nil } }
        #expect(try BuildAgent("default") == BuildAgent("default"))
        #expect(try BuildAgent("a=/s").socket == "/s")
        #expect(throws: (any Error).self) { try BuildAgent("default").path { _ in nil } }
        #expect(throws: (any Error).self) { try BuildAgent("default=/etc/hostname").path { _ in nil } }
    }

    @Test("places of the cache are names or words with commas")
    func cache() throws {
        let body = try body("--cache-from", "a/b:1", "--cache-to", "type=local,dest=kept,mode=max")
        #expect(body.json["cacheFrom"] == [["type": "registry", "parameters": ["ref": "a/b:1"]]])
        #expect(
            body.json["cacheTo"] == [["type": "local", "parameters": ["dest": "/here/kept", "mode": "max"]]])
        #expect(throws: (any Error).self) { try self.body("--cache-to", "type=local,oops") }
    }

    @Test("what cannot be had is refused in so many words")
    func refused() {
        for words in [["--squash"], ["--isolation", "hyperv"], ["--security-opt", "x"], ["--ulimit", "odd=1"]] {
            #expect(throws: (any Error).self) {
                let parsed = try ArgumentParser.parse(["build"] + words + ["."], root: CommandTree.root)
                _ = try BuildBody(parsed.arguments, environment: { _ in nil }, directory: "/")
            }
        }
    }

    @Test("limits, hosts and networks")
    func limits() throws {
        let body = try body(
            "--memory", "64m", "--memory-swap", "-1", "--shm-size", "1g", "--ulimit", "nofile=10:20", "--add-host",
            "db:10.0.0.1", "--network", "host", "-c", "512")
        #expect(body.json["limits"]?["memory"] == .int(64 << 20))
        #expect(body.json["limits"]?["memorySwap"] == -1)
        #expect(body.json["limits"]?["cpuShares"] == 512)
        #expect(body.json["limits"]?["ulimits"] == [["Name": "nofile", "Soft": 10, "Hard": 20]])
        #expect(body.json["limits"]?["extraHosts"] == ["db:10.0.0.1"])
        #expect(body.json["allow"] == ["network.host"])
    }
}

@Suite("contexts, as they are found and sent")
struct BuildContextTests {
    @Test("addresses, directories and archives are told apart")
    func places() throws {
        #expect(BuildContext.isRemote("https://example.com/x.git#main:sub"))
        #expect(BuildContext.isRemote("git@example.com:x/y.git"))
        #expect(BuildContext.isRemote("github.com/x/y"))
        #expect(!BuildContext.isRemote("./github.com"))
        #expect(BuildContext.isArchive([0x1F, 0x8B, 0x08]))
        #expect(!BuildContext.isArchive(Array("FROM scratch\n".utf8)))
        #expect(throws: Diagnostic.self) { try BuildContext("/nowhere", file: nil) }
        #expect(throws: Diagnostic.self) { try BuildContext("/etc/hostname", file: nil) }
        #expect(throws: Diagnostic.self) { try BuildContext("-", file: "-") }
    }
}
