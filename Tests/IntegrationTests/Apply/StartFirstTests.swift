import Linux
import Testing

/// Containers replaced start-first, by the real programs.
@Suite("Containers replaced start-first", .serialized, .timeLimit(.minutes(20)))
struct StartFirstTests {
    /// A site whose port must never be without one who listens.
    private static func file(version: Int, replicas: Int = 1, port: Int? = 18_310, broken: Bool = false) -> String {
        let listening = broken ? "/no/such/folder" : "/www"
        let ports = port.map { "ports: [\"127.0.0.1:\($0):80\"]" } ?? ""
        return """
            name: site
            services:
              web:
                image: \(ComposeLab.image)
                command: ["sh", "-c", "mkdir -p /www; echo v\(version) > /www/index.html; exec httpd -f -p 80 -h \(listening)"]
                stop_signal: SIGKILL
                \(ports)
                environment: {VERSION: "\(version)"}
                healthcheck:
                  test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]
                  interval: 200ms
                  retries: \(broken ? 3 : 300)
                deploy:
                  replicas: \(replicas)
                  update_config: {order: start-first, parallelism: 1, monitor: 5s}

            """
    }

    /// Asks for the page all the time, and writes down what it got.
    ///
    /// A connection that its server was killed in the middle of is given up after a while, as every client does.
    private func client(_ lab: ProgramLab) throws -> ChildProcess {
        let line = """
            while [ ! -e stop ]; do
              if page=$(timeout 3 /usr/bin/busybox wget -q -O - http://127.0.0.1:18310/ 2>> errors); then echo $page; fi >> pages
            done
            """
        return try Spawn.start(lab.request("/usr/bin/busybox", ["sh", "-c", line]))
    }

    @Test("a client that connects all the time is never refused")
    func neverRefused() async throws {
        let compose = try await ComposeLab()
        let lab = compose.lab
        let site = try compose.project("site", ["compose.yaml": Self.file(version: 1)])
        try await site.stackctl(["apply", "--yes"])
        try await lab.eventually("the site answers") {
            try await lab.run(lab.request("/usr/bin/busybox", ["wget", "-q", "-O", "-", "http://127.0.0.1:18310/"]))
                .code == 0
        }
        let client = try client(lab)
        for version in 2...4 {
            try Files.write(site.folder + "/compose.yaml", Array(Self.file(version: version).utf8))
            let answer = try await site.stackctl(["apply", "--yes"])
            #expect(answer.out.contains("replaced start-first"), "\(answer.out)")
            #expect(try await lab.stackctl("ps", "--quiet").out.split(separator: "\n").count == 1)
        }
        try await lab.eventually("the client sees the last version") {
            ((try? Files.readText(lab.folder + "/pages")) ?? "").contains("v4")
        }
        try Files.write(lab.folder + "/stop", [])
        _ = try await client.exitStatus()
        let errors = (try? Files.readText(lab.folder + "/errors")) ?? ""
        #expect(!errors.contains("refused"), "\(errors)")
        try await site.stackctl(["destroy", "--yes"])
        try await lab.takeDown()
    }

    @Test("one that does not become healthy leaves the old one serving, under its name")
    func failure() async throws {
        let compose = try await ComposeLab()
        let site = try compose.project("site", ["compose.yaml": Self.file(version: 1)])
        try await site.stackctl(["apply", "--yes"])
        let id = try await compose.lab.stackctl("ps", "--quiet", "--no-trunc").out
        try Files.write(site.folder + "/compose.yaml", Array(Self.file(version: 2, broken: true).utf8))
        try await site.stackctl(["apply", "--yes"], expecting: 1)
        #expect(try await compose.lab.stackctl("ps", "--quiet", "--no-trunc").out == id)
        try await compose.lab.eventually("the old one answers") {
            let request = compose.lab.request("/usr/bin/busybox", ["wget", "-q", "-O", "-", "http://127.0.0.1:18310/"])
            return try await compose.lab.run(request).out == "v1\n"
        }
        #expect(try await compose.lab.stackctl("exec", "site-web-1", "true").code == 0)
        try await site.stackctl(["destroy", "--yes"])
        try await compose.lab.takeDown()
    }

    @Test("a kill of the daemon at any journaled step leaves each replica there once", arguments: [2, 3, 4, 5, 6, 7])
    func kill(step: Int) async throws {
        let compose = try await ComposeLab()
        let lab = compose.lab
        let site = try compose.project("site", ["compose.yaml": Self.file(version: 1, replicas: 2, port: nil)])
        try await site.stackctl(["apply", "--yes"])
        try Files.write(
            site.folder + "/compose.yaml", Array(Self.file(version: 2, replicas: 2, port: nil).utf8))
        try await lab.endDaemon()
        let dying = try await lab.daemon(crashingAt: step)
        _ = try await site.stackctl(["apply", "--yes"], expecting: nil)
        if try dying.currentStatus() == nil { try await lab.endDaemon() }
        // One that kills itself lets go of its clients before it has ended.
        _ = try await dying.exitStatus()
        try await site.stackctl(["apply", "--yes"])
        try await site.stackctl(["plan", "--detailed-exitcode"])
        let names = try await lab.stackctl("ps", "--all", "--format", "{{.Names}}").out
        #expect(
            Set(names.split(separator: "\n")) == ["site-web-1", "site-web-2"] && names.split(separator: "\n").count == 2
        )
        let version = try await lab.stackctl("exec", "site-web-2", "sh", "-c", "echo $VERSION").out
        #expect(version == "2\n")
        try await site.stackctl(["destroy", "--yes"])
        try await lab.takeDown()
    }
}
