import JSONText
import Linux
import Testing

@Suite("Compose verbs that act on containers", .serialized, .timeLimit(.minutes(15)))
struct ComposeVerbTests {
    private static let pair = """
        services:
          db:
            image: \(ComposeLab.image)
            command: sh -c "touch /ready; echo db up; exec sleep 1000"
            init: true
            stop_grace_period: 0s
            healthcheck: {test: [CMD, test, -f, /ready], interval: 1s, start_interval: 1s, start_period: 5m}
          web:
            image: \(ComposeLab.image)
            command: sleep 1000
            init: true
            stop_grace_period: 0s
            depends_on: {db: {condition: service_healthy}}

        """

    @Test("up -t builds before it stops anything, and then gives just so long, as down -t does")
    func stopTime() async throws {
        let lab = try await ComposeLab()
        let file = """
            services:
              web:
                build: .
                command: sh -c "trap '' TERM; echo deaf; while :; do sleep 0.2; done"
                stop_grace_period: 1h

            """
        let project = try lab.project(
            "deaf", ["compose.yaml": file, "Dockerfile": "FROM \(ComposeLab.image)\nENV A=1\n"])
        try await project.compose("up", "-d")
        try await project.waits(for: "deaf", from: "web")
        let format = ["inspect", "-f", "{{.Id}} {{.State.StartedAt}} {{.State.Status}}", "deaf-web-1"]
        let before = try await project.stackctl(format).out
        try Files.write("\(project.folder)/Dockerfile", Array("FROM \(ComposeLab.image)\nRUN exit 3\n".utf8))
        try await project.compose("up", "-d", "-t", "0", expecting: 1)
        #expect(try await project.stackctl(format).out == before, "it was stopped for a build that failed")
        try Files.write("\(project.folder)/Dockerfile", Array("FROM \(ComposeLab.image)\nENV A=2\n".utf8))
        // Without the option this would wait for an hour.
        try await project.compose("up", "-d", "-t", "0")
        #expect(try await project.stackctl(format).out != before)
        try await project.waits(for: "deaf", from: "web")
        let wrong = try await project.compose("stop", "-t", "soon", expecting: 1)
        #expect(wrong.sentences.contains("a whole number of seconds"), "\(wrong.text)")
        try await project.compose("down", "-t", "0", "--rmi", "local")
        try await lab.lab.takeDown()
    }

    @Test("start also starts what a service depends on, and says what cannot be started in place of waiting")
    func starts() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("two", ["compose.yaml": Self.pair])
        try await project.compose("up", "--no-start")
        try await project.compose("start", "web")
        #expect(try await project.stackctl(["ps", "--format", "{{.Names}}"]).out.split(separator: "\n").count == 2)
        try await project.compose("stop")
        // The same without a file, by the labels.
        try await project.stackctl(["compose", "-p", "two", "start", "web"])
        #expect(try await project.stackctl(["ps", "-q"]).out.split(separator: "\n").count == 2)
        try await project.compose("down")
        let broken = try lab.project(
            "broken", ["compose.yaml": Self.pair.replacing("sh -c \"touch", with: "/no \"touch")])
        try await broken.compose("create")
        let failed = try await broken.compose("start", "web", expecting: 1)
        #expect(failed.sentences.contains("container broken-db-1 was not started"), "\(failed.text)")
        let missing = try await broken.compose("rm", "-f", "web")
        #expect(missing.code == 0)
        let none = try await broken.compose("start", "web", expecting: 1)
        #expect(none.sentences.contains("has no container to start"), "\(none.text)")
        try await broken.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("commit and cp mean the container of --index")
    func indexes() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("many", ["compose.yaml": Self.pair, "note": "noted\n", "tree/in/leaf": "leaf\n"])
        try await project.compose("up", "-d", "--scale", "web=2")
        try await project.compose("cp", "note", "web:/root/")
        try await project.compose("cp", "--index", "2", "tree", "web:/opt")
        try await project.compose(
            "commit", "--index", "2", "-a", "Ann <ann@example.org>", "-m", "why", "-c", "ENV X=1", "-c",
            "CMD [\"cat\"]",
            "web", "many/kept:1")
        let format = "{{.Author}}|{{.Comment}}|{{json .Config.Cmd}}|{{json .Config.Env}}"
        let seen = try await project.stackctl(["inspect", "-f", format, "many/kept:1"]).out
        #expect(seen == "Ann <ann@example.org>|why|[\"cat\"]|[\"X=1\"]\n")
        let inside = try await project.stackctl(["run", "--rm", "many/kept:1", "cat", "/root/note", "/opt/in/leaf"])
        #expect(inside.out == "noted\nleaf\n")
        try await project.compose("commit", "--pause=false", "web", "many/kept:2")
        let other = try await project.compose("exec", "-T", "--index", "1", "web", "ls", "/opt", expecting: 1)
        #expect(other.error.contains("No such file"), "\(other.text)")
        try await project.compose("cp", "--index", "2", "web:/opt/in/leaf", "back")
        #expect(try Files.readText("\(project.folder)/back") == "leaf\n")
        let archive = try await project.compose("cp", "--index", "2", "web:/opt", "-")
        #expect(archive.out.contains("opt/in/leaf"))
        try await project.compose("commit", "--index", "9", "web", "x", expecting: 1)
        try await project.stackctl(["rmi", "many/kept:1", "many/kept:2"])
        try await project.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("port, top, stats, events and scale mean each container of a service")
    func numbers() async throws {
        let lab = try await ComposeLab()
        let file = """
            services:
              web:
                image: \(ComposeLab.image)
                command: sleep 1000
                init: true
                scale: 2
                stop_grace_period: 0s
                ports: ["127.0.0.1::80"]

            """
        let project = try lab.project("count", ["compose.yaml": file])
        try await project.compose("up", "-d")
        let ports = [
            try await project.compose("port", "--index", "1", "web", "80").out,
            try await project.compose("port", "--index", "2", "web", "80").out,
        ]
        #expect(Set(ports).count == 2 && ports.allSatisfy { $0.hasPrefix("127.0.0.1:") }, "\(ports)")
        let none = try await project.compose("port", "--index", "3", "web", "80", expecting: 1)
        #expect(none.sentences.contains("is not running container #3"), "\(none.text)")
        #expect(try await project.compose("top").out.ranges(of: "sleep 1000").count == 2)
        let stats = try await project.compose("stats", "--no-stream", "--format", "{{.Name}}").out
        #expect(stats.split(separator: "\n").sorted() == ["count-web-1", "count-web-2"])
        let begin = "\(Clock.now().seconds)"
        try await project.compose("scale", "web=1")
        #expect(try await project.compose("ps", "--format", "{{.Name}}").out == "count-web-1\n")
        // Times are whole seconds: the end of this one and the next.
        let end = "\(Clock.now().seconds + 2)"
        let events = try await project.compose("events", "--json", "--since", begin, "--until", end, "web").out
        let removed = try events.split(separator: "\n").map { try JSONValue.parse(String($0)) }
            .filter { $0["action"] == "destroy" }
        #expect(removed.map { $0["attributes"]?["name"] } == ["count-web-2"], "\(events)")
        let wrong = try await project.compose("scale", "web=x", expecting: 1)
        #expect(wrong.sentences.contains("invalid scale: web=x"), "\(wrong.text)")
        try await project.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("the code of --exit-code-from comes from a service whose log is not shown, too")
    func unseenCode() async throws {
        let lab = try await ComposeLab()
        let file = """
            services:
              job:
                image: \(ComposeLab.image)
                command: sh -c "until test -f /shared/up; do sleep 0.1; done; echo working; exit 5"
                volumes: [shared:/shared]
              server:
                image: \(ComposeLab.image)
                command: sh -c "echo serving; touch /shared/up; exec sleep 1000"
                init: true
                volumes: [shared:/shared]
            volumes: {shared: {}}

            """
        let project = try lab.project("unseen", ["compose.yaml": file])
        let up = try await project.compose("up", "--exit-code-from", "job", "--no-attach", "job", expecting: 5)
        #expect(up.out.contains("serving") && !up.out.contains("working"), "\(up.text)")
        #expect(try await project.stackctl(["ps", "-q"]).out.isEmpty)
        try await project.compose("down", "-v")
        try await lab.lab.takeDown()
    }

    @Test("logs -f tells how each container ended before it ends")
    func ends() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("told", ["compose.yaml": Self.pair])
        try await project.compose("up", "-d")
        let logs = try project.terminal("logs", "-f")
        try await logs.shows("db-1   | db up")
        try await project.compose("restart", "-t", "0", "db")
        try await logs.shows("db-1 exited with code 137")
        try await logs.shows("db-1   | db up")
        try await project.compose("kill", "web")
        try await logs.shows("web-1 exited with code 137")
        try await project.compose("kill", "db")
        try await logs.shows("db-1 exited with code 137")
        #expect(try await logs.exitCode() == 0)
        try await project.compose("down")
        try await lab.lab.takeDown()
    }
}
