import Engine
import HTTP
import JSONText
import Linux
import Testing

@Suite("Builds over the wire", .serialized, .timeLimit(.minutes(15)))
struct BuildRoutesTests {
    /// A tar of some files.
    private static func tar(_ files: [String: String]) async throws -> [UInt8] {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-tar-")
        defer { try? Files.removeTree(folder) }
        for (name, text) in files {
            if let slash = name.lastIndex(of: "/") { try Files.makeDirectories("\(folder)/\(name[..<slash])") }
            try Files.write("\(folder)/\(name)", Array(text.utf8))
        }
        return try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-C", folder, "-c", "."])).standardOutput
    }

    /// What steps and contexts leave while they are under way.
    private static func traces(_ lab: EngineLab) throws -> [String] {
        let mounts = try Mounts.table().map(\.target).filter { $0.hasPrefix(lab.root + "/run/builds/") }
        let contexts = ((try? Files.list("\(lab.root)/builds/contexts")) ?? []).map(\.name)
        return mounts + contexts.filter { $0.hasPrefix("tar-") }
    }

    /// A build whose step has said "begun".
    private static func begun(_ lab: EngineLab, _ target: String, _ context: [UInt8]) async throws -> (
        response: HTTPClientResponse, lines: LineReader
    ) {
        let response = try await HTTPClient.unix(path: lab.root + "/run/stackctl.sock").send(
            "POST", target, headers: ["Content-Type": "application/x-tar"], body: context)
        var lines = response.lines()
        // A line of its own, behind the one that tells the step.
        while let line = try await lines.next(), !line.contains("\"begun") {}
        return (response, lines)
    }

    @Test("what makes no sense is refused in Docker's words, with a status")
    func refused() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        let good = try await Self.tar(["Dockerfile": "FROM busybox\nCMD x\n", "other/file": "FROM scratch\n"])
        for (query, status, text) in [
            ("version=2", 400, "BuildKit is not served"), ("version=3", 400, "invalid version 3"),
            ("squash=1", 400, "squash is only supported with experimental mode"),
            ("isolation=hyperv", 400, "Unsupported isolation"),
            ("securityopt=x", 400, "does not support setting security options on build"),
            ("buildargs=nonsense", 400, "error reading build args"), ("labels=%5B%5D", 400, "error reading labels"),
            ("t=A%20B", 400, "invalid reference format"), ("ulimits=%5B1%5D", 400, "error reading ulimit settings"),
            ("platform=a/b/c/d", 400, "unknown operating system or architecture"), ("shmsize=x", 400, "invalid syntax"),
            ("outputs=%5B%7B%7D%5D", 400, "BuildKit"), ("networkmode=container:x", 501, "container"),
            ("target=nope", 400, "nope"), ("dockerfile=nope", 404, "nope"),
            ("dockerfile=../../etc/passwd", 404, "etc/passwd"),
        ] {
            let answer = try await wire.call("POST", "/build?\(query)", body: good)
            #expect(answer.text.contains(text), "\(query): \(answer.text)")
            #expect(answer.status == status, "\(query): \(answer.status)")
        }
        for (file, text) in [
            ("", "empty"), ("\u{0}\u{1}\u{2}", ""), ("FROM busybox\nRUN <<EOF\necho\n", "EOF"), ("RUN x\n", "FROM"),
            ("FROM busybox\nCOPY --from=nope /a /b\n", "nope"), ("FROM a AS a\nFROM nope\n", "nope"),
            (String(repeating: "x", count: 1 << 20), ""), ("# syntax=example.com/other\nFROM busybox\n", "syntax"),
        ] {
            let answer = try await wire.call("POST", "/build", body: try await Self.tar(["Dockerfile": file]))
            let isTold = answer.status >= 400 || answer.text.contains("errorDetail")
            #expect(isTold && answer.text.contains(text), "\(file.prefix(40)): \(answer.status) \(answer.text)")
        }
        for body in [Array("this is no tar at all".utf8), [0x1F, 0x8B, 8, 0, 1, 2, 3], Array(good.prefix(700)), []] {
            let answer = try await wire.call("POST", "/build", body: body)
            #expect(answer.status >= 400, "\(body.count) bytes: \(answer.status) \(answer.text)")
        }
        let cut = try await wire.raw(
            "POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n\(String(repeating: "a", count: 600))")
        #expect(cut.isEmpty || cut.contains("400"), "\(cut)")
        #expect(try await wire.call("POST", "/build/cancel").status == 400)
        #expect(try await wire.call("POST", "/build/cancel?id=nope").status == 200)
        #expect(try await wire.call("POST", "/build/prune?keep-storage=x").status == 400)
        #expect(try await wire.call("POST", "/build/prune").status == 200)
        #expect(try await wire.call("GET", "/builds/nope").status == 404)
        #expect(try await wire.call("GET", "/builds/outputs/nope").status == 404)
        #expect(try await wire.call("POST", "/builds/agents?id=short").status == 400)
        for body in ["{\"outputs\":[\"odd\"]}", "{\"tags\":[\"A B\"]}", "{\"secrets\":{\"a\":\"*\"}}", "[]"] {
            #expect(try await wire.json("POST", "/builds", body).status == 400, "\(body)")
        }
        #expect(try await wire.json("POST", "/builds", "{\"context\":{\"id\":\"nope\"}}").status == 404)
        // Contexts are removed behind the answers.
        try await lab.eventually("nothing is left of them") { try Self.traces(lab) == [] }
        try await lab.takeDown()
    }

    @Test("a build whose client goes away ends without a trace, and so does one that is cancelled")
    func cancelled() async throws {
        let lab = try await EngineLab()
        let context = try await Self.tar(["Dockerfile": "FROM busybox\nRUN echo begun; sleep 1000\n"])
        let first = try await Self.begun(lab, "/build", context)
        first.response.close()
        try await lab.eventually("nothing is left of it") { try Self.traces(lab) == [] }
        var second = try await Self.begun(lab, "/build?buildid=mine", context)
        _ = try await lab.wire.call("POST", "/build/cancel?id=mine")
        var last = ""
        while let line = try await second.lines.next() { last = line }
        #expect(last.contains("errorDetail") && last.contains("cancel"), "\(last)")
        try await lab.eventually("nothing is left of it") { try Self.traces(lab) == [] }
        try await lab.eventually("both are taken down") {
            try await lab.wire.call("GET", "/builds").text.contains("\"running\"") == false
        }
        let list = try JSONValue.parse(try await lab.wire.call("GET", "/builds").text)
        #expect(list.arrayValue?.compactMap { $0["status"]?.stringValue } == ["canceled", "canceled"])
        // It is not cached: it begins anew.
        #expect(try await lab.wire.call("GET", "/builds/cache").text.contains("sleep 1000") == false)
        try await lab.takeDown()
    }

    @Test("events tell of names and of what is let go, and the disk's use of what is kept")
    func events() async throws {
        let lab = try await EngineLab()
        let begun = Clock.now()
        let context = try await Self.tar(["Dockerfile": "FROM busybox\nRUN echo x > /x\n"])
        let lines = try await lab.wire.call("POST", "/build?t=one:1&t=two&t=one:1", body: context).text
        #expect(lines.components(of: "Successfully tagged") == 2)
        let usage = try JSONValue.parse(try await lab.wire.call("GET", "/system/df").text)
        let record = try #require(usage["BuildCache"]?.arrayValue?.first)
        #expect(record["Type"] == "regular" && record["Description"]?.stringValue?.contains("RUN echo") == true)
        #expect(record["InUse"] == false && record["Shared"] == true)
        let pruned = try JSONValue.parse(try await lab.wire.call("POST", "/build/prune?all=1").text)
        #expect(pruned["CachesDeleted"]?.arrayValue?.count == 1)
        let events = try await lab.docker(
            "events", "--since", "\(begun.seconds)", "--until", "\(Clock.now().seconds + 1)", "--format",
            "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}")
        for line in ["image tag one:1", "image tag two:latest", "builder prune "] {
            #expect(events.out.contains(line), "\(line) is not in \(events.out)")
        }
        try await lab.takeDown()
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
