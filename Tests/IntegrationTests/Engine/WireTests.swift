import Engine
import HTTP
import JSONText
import Linux
import Testing

@Suite("The API as it goes over the wire", .serialized, .timeLimit(.minutes(10)))
struct WireTests {
    @Test("versions, headers, unknown routes, methods, bodies and filters are answered as Docker does")
    func requests() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        let ping = try await wire.call("GET", "/v1.24/_ping")
        #expect(ping.text == "OK" && ping.headers["Api-Version"] == "1.\(APIRange.newest)")
        #expect(ping.headers["Ostype"] == "linux" && ping.headers["Server"]?.hasPrefix("Docker/") == true)
        #expect(ping.headers["Swarm"] == "inactive" && ping.headers["Builder-Version"] == "1")
        #expect(ping.headers["Cache-Control"] == "no-cache, no-store, must-revalidate")
        let head = try await wire.call("HEAD", "/_ping")
        #expect(head.status == 200 && head.body.isEmpty && head.headers["Content-Length"] == "0")
        for (method, target, status, text) in [
            ("GET", "/v1.23/info", 400, "client version 1.23 is too old. Minimum supported API version is 1.24"),
            ("GET", "/v1.99/info", 400, "client version 1.99 is too new. Maximum supported API version is 1."),
            ("GET", "/nonsense", 404, "page not found"), ("PATCH", "/containers/json", 404, "page not found"),
            ("DELETE", "/info", 404, "page not found"), ("OPTIONS", "/info", 200, ""),
            ("GET", "/containers/a%2Fb/json", 404, "No such container: a/b"),
            ("GET", "/containers/\(String(repeating: "x", count: 300))/json", 404, "No such container: xxx"),
            ("GET", "/containers/..%2f..%2fetc/json", 404, "No such container: ../../etc"),
            ("GET", "/containers/%01/json", 404, "No such container: "),
            ("GET", "/volumes/a%2Fb", 404, "no such volume"), ("GET", "/networks/nope", 404, "network nope not found"),
            ("GET", "/images/nope/json", 404, "No such image: nope"),
            ("GET", "/containers/json?filters=%7B%22nope%22%3A%5B%22x%22%5D%7D", 400, "invalid filter 'nope'"),
            ("GET", "/containers/json?filters=%7B", 400, "invalid filter"),
            ("GET", "/events?filters=%7B%22nope%22%3A%5B%22x%22%5D%7D", 400, "invalid filter 'nope'"),
            ("GET", "/plugins", 200, "[]"), ("GET", "/swarm", 503, "This node is not a swarm manager"),
            ("POST", "/services/create", 503, "This node is not a swarm manager"),
            ("GET", "/secrets/x", 503, "This node is not a swarm manager"),
            ("DELETE", "/configs/x", 503, "This node is not a swarm manager"),
            ("GET", "/plugins/a/b/json", 404, "plugin \\\"a/b\\\" not found"),
            ("POST", "/session", 501, "BuildKit"), ("POST", "/grpc", 501, "BuildKit"),
        ] {
            let answer = try await wire.call(method, target)
            #expect(answer.status == status && answer.text.contains(text), "\(method) \(target): \(answer.text)")
            if status >= 400 { #expect(answer.headers["Content-Type"] == "application/json") }
        }
        try await bodies(wire)
        try await lab.takeDown()
    }

    private enum APIRange { static let newest = 51 }

    private func bodies(_ wire: EngineWire) async throws {
        for (type, body, status, text) in [
            ("text/plain", "{}", 400, "unsupported Content-Type header (text/plain): must be 'application/json'"),
            ("application/json", "{", 400, "invalid JSON"), ("application/json", "{} {}", 400, "invalid JSON"),
            ("application/json", "[]", 400, "must be an object"),
            ("application/json", "", 400, "config cannot be empty"),
            ("application/json; charset=utf-8", #"{"Image":"nope"}"#, 404, "No such image: nope"),
            ("application/json", #"{"Image":7}"#, 400, "Image must be a string"),
        ] {
            let answer = try await wire.call("POST", "/containers/create", type: type, body: Array(body.utf8))
            #expect(answer.status == status && answer.text.contains(text), "\(body): \(answer.text)")
        }
        for name in ["..", "a/b", "-x", "%01", String(repeating: "x", count: 300) + "!"] {
            let answer = try await wire.json("POST", "/containers/create?name=\(name)", #"{"Image":"busybox"}"#)
            #expect(answer.status == 400 && answer.text.contains("Invalid container name ("), "\(name): \(answer.text)")
        }
        let malformed = try await wire.raw("GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n")
        #expect(malformed.hasPrefix("HTTP/1.1 400 "))
        let twice = try await wire.raw(
            "GET /_ping HTTP/1.1\r\nHost: x\r\n\r\nGET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(twice.split(separator: "OK", omittingEmptySubsequences: false).count == 5)
    }

    @Test("hijacked streams: with and without upgrade, half-close, frames, detach keys, logs before the stream")
    func streams() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        try await lab.docker("create", "-i", "--name", "cat", "busybox", "sh", "-c", "echo early; exec cat")
        try await lab.docker("start", "cat")
        try await lab.eventually("it has said something") { try await lab.docker("logs", "cat").out == "early\n" }
        let close = "Connection: Upgrade\r\nUpgrade: tcp\r\n"
        let attach = "POST /v1.44/containers/cat/attach?stream=1&stdin=1&stdout=1&logs=1 HTTP/1.1\r\nHost: x\r\n"
        let upgraded = try await wire.raw(attach + close + "Content-Length: 0\r\n\r\ninput\n")
        #expect(upgraded.hasPrefix("HTTP/1.1 101 UPGRADED\r\n"), "\(upgraded)")
        #expect(upgraded.contains("Content-Type: application/vnd.docker.multiplexed-stream\r\n"))
        #expect(upgraded.contains("\u{1}\0\0\0\0\0\0\u{6}early\n"), "\(upgraded)")
        #expect(upgraded.contains("\u{1}\0\0\0\0\0\0\u{6}input\n"), "output after our end of input: \(upgraded)")
        let create = try await wire.json(
            "POST", "/containers/box/exec", #"{"Cmd":["true"],"AttachStdout":true}"#)
        #expect(create.status == 404 && create.text.contains("No such container: box"))
        try await lab.docker("run", "-d", "-i", "-t", "--name", "box", "busybox", "sleep", "1000")
        let empty = try await wire.json("POST", "/containers/box/exec", #"{"AttachStdout":true}"#)
        #expect(empty.status == 400 && empty.text.contains("No exec command specified"))
        let keys = try await wire.json("POST", "/containers/box/exec", #"{"Cmd":["sh"],"DetachKeys":"ctrl-é"}"#)
        #expect(keys.status == 400 && keys.text.contains("Invalid detach keys (ctrl-é) provided"), "\(keys.text)")
        let made = try await wire.json(
            "POST", "/containers/box/exec",
            #"{"Cmd":["sh","-c","echo out; echo err >&2"],"AttachStdout":true,"AttachStderr":true}"#)
        let id = try #require(try JSONValue.parse(made.text)["Id"]?.stringValue)
        let start =
            "POST /v1.41/exec/\(id)/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        let plain = try await wire.raw(start)
        #expect(plain.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n"), "\(plain)")
        #expect(plain.contains("\u{1}\0\0\0\0\0\0\u{4}out\n") && plain.contains("\u{2}\0\0\0\0\0\0\u{4}err\n"))
        #expect(try await wire.json("POST", "/exec/\(id)/start", "{}").status == 409)
        let ended = try await wire.call("GET", "/exec/\(id)/json")
        #expect(ended.text.contains("\"ExitCode\":0"))
        // Keys that let go, in a terminal: the stream ends and the program goes on.
        let typed = "POST /containers/box/attach?stream=1&stdin=1&stdout=1&detachKeys=a,b HTTP/1.1\r\nHost: x\r\n"
        let detached = try await wire.raw(typed + close + "\r\nxab", ending: false)
        #expect(detached.contains("101 UPGRADED") && detached.contains("vnd.docker.raw-stream"))
        let bad = try await wire.call("POST", "/containers/box/attach?stream=1&stdout=1&detachKeys=ctrl-")
        #expect(bad.status == 400 && bad.text.contains("Invalid detach keys (ctrl-) provided"))
        #expect(try await lab.engine.containers.find("box").state.isActive)
        try await logs(wire)
        try await lab.takeDown()
    }

    @Test("an exec whose client has gone runs to its end, whatever it has to say")
    func abandoned() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "box", "busybox", "sleep", "1000")
        let script = "while [ ! -e /tmp/go ]; do sleep 0.01; done; seq 100000 && touch /tmp/said"
        let made = try await lab.wire.json(
            "POST", "/containers/box/exec", #"{"Cmd":["sh","-c","\#(script)"],"AttachStdout":true}"#)
        let id = try #require(try JSONValue.parse(made.text)["Id"]?.stringValue)
        let socket = try await AsyncSocket.connect(unix: lab.root + "/run/stackctl.sock")
        let start = "POST /exec/\(id)/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        try await socket.writeAll(Array("\(start)Content-Length: 2\r\n\r\n{}".utf8))
        #expect(try await String(decoding: socket.read(), as: UTF8.self).hasPrefix("HTTP/1.1 200 OK\r\n"))
        socket.close()
        try await lab.docker("exec", "box", "touch", "/tmp/go")
        try await lab.eventually("it has said all") {
            try await lab.docker("exec", "box", "test", "-e", "/tmp/said", expecting: nil).code == 0
        }
        try await lab.takeDown()
    }

    private func logs(_ wire: EngineWire) async throws {
        let none = try await wire.call("GET", "/containers/cat/logs")
        #expect(none.status == 400 && none.text.contains("Bad parameters: you must choose at least one stream"))
        let since = try await wire.call("GET", "/containers/cat/logs?stdout=1&since=yesterday")
        #expect(since.status == 400 && since.text.contains("since"), "\(since.text)")
        let all = try await wire.call("GET", "/containers/cat/logs?stdout=1&tail=1")
        #expect(all.body == [1, 0, 0, 0, 0, 0, 0, 6] + Array("input\n".utf8))
        let condition = try await wire.call("POST", "/containers/cat/wait?condition=never")
        #expect(condition.status == 400 && condition.text.contains("invalid condition: \\\"never\\\""))
        let stats = try await wire.call("GET", "/containers/cat/stats?stream=0&one-shot=1")
        #expect(stats.text.contains("\"memory_stats\"") && stats.text.contains("\"precpu_stats\""))
        #expect(try await wire.call("POST", "/containers/box/start").status == 304)
        let body = try await wire.json("POST", "/containers/box/start", #"{"Binds":["/:/x"]}"#)
        #expect(body.status == 400 && body.text.contains("starting container with non-empty request body"))
    }

    @Test("events: their shape, replay, filters and what a run tells")
    func events() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        try await lab.docker("run", "--rm", "--name", "box", "-v", "data:/data", "busybox", "true")
        try await lab.docker("run", "-d", "--name", "long", "busybox", "sleep", "1000")
        try await lab.docker("exec", "long", "true")
        try await lab.docker("top", "long")
        try await lab.docker("rename", "long", "longer")
        try await lab.docker("cp", "longer:/etc/passwd", "-")
        let until = Clock.now()
        let fraction = "\(1_000_000_000 + until.nanoseconds)".dropFirst()
        let target = "/events?since=0.5&until=\(until.seconds).\(fraction)"
        let lines = try await wire.call("GET", target).text.split(separator: "\n").map {
            try JSONValue.parse(String($0))
        }
        func name(_ event: JSONValue) -> String {
            "\(event["Type"]?.stringValue ?? "") \(event["Action"]?.stringValue ?? "")"
        }
        let names = lines.map(name)
        for wanted in [
            "container create", "container attach", "volume create", "volume mount", "network connect",
            "container start", "container die", "network disconnect", "volume unmount", "container destroy",
            "container exec_create: true", "container exec_start: true", "container exec_die", "container top",
            "container rename", "container archive-path",
        ] {
            #expect(names.contains(wanted), "\(wanted) is missing in \(names)")
        }
        let die = try #require(lines.first { name($0) == "container die" })
        #expect(die["status"] == "die" && die["from"] == "busybox" && die["scope"] == "local")
        #expect(die["id"] == die["Actor"]?["ID"] && die["Actor"]?["Attributes"]?["exitCode"] == "0")
        let created = try #require(lines.first { name($0) == "container create" }?["time"]?.intValue)
        let ended = try #require(die["time"]?.intValue)
        let lasted = try #require(die["Actor"]?["Attributes"]?["execDuration"]?.stringValue)
        #expect((0...max(0, ended - created)).map { "\($0)" }.contains(lasted), "\(lasted)")
        #expect((die["timeNano"]?.intValue ?? 0) / 1_000_000_000 == die["time"]?.intValue)
        let filter = RequestTarget.encoded(#"{"type":{"container":true},"event":["die"],"container":["box"]}"#)
        let filtered = try await wire.call("GET", target + "&filters=" + filter).text
        #expect(filtered.split(separator: "\n").count == 1, "\(filtered)")
        // What happened stays told after a new start of the daemon.
        try await lab.stop()
        try await lab.start()
        let again = try await wire.call("GET", target).text.split(separator: "\n").count
        #expect(again == lines.count)
        try await lab.takeDown()
    }
}
