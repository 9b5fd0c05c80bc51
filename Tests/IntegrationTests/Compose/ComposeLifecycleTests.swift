import JSONText
import Linux
import Testing

@Suite("A compose project through stackctl compose", .serialized, .timeLimit(.minutes(15)))
struct ComposeLifecycleTests {
    /// A web server and what it depends on, with a volume and a network of its own.
    private static let shop = """
        services:
          web:
            image: \(ComposeLab.image)
            command: httpd -f -p 80 -h /etc
            depends_on:
              db:
                condition: service_healthy
              setup:
                condition: service_completed_successfully
            networks: [front]
            labels: {tier: one}
            init: true
          db:
            image: \(ComposeLab.image)
            command: sh -c "touch /data/ready; exec sleep 1000"
            volumes: [data:/data]
            healthcheck: {test: [CMD, test, -e, /data/ready], interval: 1s, start_interval: 200ms, start_period: 5m}
            networks: [front]
            stop_grace_period: 0s
          setup:
            image: \(ComposeLab.image)
            command: "true"
            networks: [front]
        networks: {front: {}}
        volumes: {data: {}}

        """

    private static func state(_ project: ComposeFolder) async throws -> [String: String] {
        let lines = try await project.stackctl([
            "ps", "-a", "--no-trunc", "--filter", "label=com.docker.compose.oneoff=False", "--format",
            "{{.Names}} {{.ID}} {{.State}}",
        ]).out
        var found: [String: String] = [:]
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3 { found[String(words[0])] = "\(words[1]) \(words[2])" }
        }
        return found
    }

    @Test("comes up in order, stays as it is while nothing changes, and is gone after down")
    func upAndDown() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("shop", ["compose.yaml": Self.shop])
        let made = try await project.compose("up", "-d")
        #expect(made.error.contains("+ container.web[1]  create"), "\(made.text)")
        #expect(made.out.isEmpty)
        let first = try await Self.state(project)
        #expect(Set(first.keys) == ["shop-web-1", "shop-db-1", "shop-setup-1"], "\(first)")
        #expect(first["shop-setup-1"]?.hasSuffix("exited") == true)

        let again = try await project.compose("up", "-d")
        #expect(again.error.contains("No changes"), "\(again.text)")
        #expect(try await Self.state(project) == first)

        let forced = try await project.compose("up", "-d", "--force-recreate", "--no-deps", "web")
        #expect(forced.error.contains("-/+ container.web[1]"), "\(forced.text)")
        let second = try await Self.state(project)
        #expect(second["shop-web-1"] != first["shop-web-1"] && second["shop-db-1"] == first["shop-db-1"])

        try Files.write(
            "\(project.folder)/compose.yaml", Array(Self.shop.replacing("-h /etc", with: "-h /tmp").utf8))
        let kept = try await project.compose("up", "-d", "--no-recreate")
        #expect(try await Self.state(project) == second, "\(kept.text)")
        let changed = try await project.compose("up", "-d")
        #expect(changed.error.contains("-/+ container.web[1]  recreate: command"), "\(changed.text)")
        let third = try await Self.state(project)
        #expect(third["shop-web-1"] != second["shop-web-1"] && third["shop-db-1"] == second["shop-db-1"])

        try await project.compose("down")
        #expect(try await Self.state(project).isEmpty)
        #expect(try await project.stackctl(["volume", "ls", "-q"]).out.contains("shop_data"))
        #expect(try await !project.stackctl(["network", "ls"]).out.contains("shop_front"))
        try await project.compose("down", "-v")
        #expect(try await !project.stackctl(["volume", "ls", "-q"]).out.contains("shop_data"))
        try await lab.lab.takeDown()
    }

    @Test("is stopped, started, restarted, killed, paused and removed by service, whose plan knows of it")
    func states() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("shop", ["compose.yaml": Self.shop])
        try await project.compose("up", "-d", "--wait")
        func status(_ name: String) async throws -> String {
            String(try await Self.state(project)["shop-\(name)-1"]?.split(separator: " ").last ?? "none")
        }
        try await project.compose("stop", "web")
        #expect(try await status("web") == "exited")
        try await project.compose("start", "web")
        #expect(try await status("web") == "running")
        try await project.compose("pause", "db")
        #expect(try await status("db") == "paused")
        try await project.compose("unpause", "db")
        let restarted = try await project.compose("restart", "db")
        #expect(restarted.error.contains("shop-db-1: restarted"), "\(restarted.text)")
        try await project.compose("kill", "-s", "KILL", "web")
        try await lab.lab.eventually("web has ended") { try await status("web") == "exited" }
        let refused = try await project.compose("rm", "web", expecting: 1)
        #expect(refused.sentences.contains("add -f to remove them"), "\(refused.text)")
        try await project.compose("rm", "-f", "web")
        #expect(try await status("web") == "none")
        let plan = try await project.compose("up", "-d", "--dry-run")
        #expect(plan.error.contains("+ container.web[1]  create"), "\(plan.text)")
        let unknown = try await project.compose("stop", "wep", expecting: 1)
        #expect(unknown.sentences.contains("no such service: wep"), "\(unknown.text)")
        #expect(unknown.sentences.contains("did you mean `web`?"), "\(unknown.text)")
        try await project.compose("down", "-v")
        try await lab.lab.takeDown()
    }

    @Test("has as many containers as asked for, and warns of those it has no service for")
    func scale() async throws {
        let worker = """
            services:
              worker:
                image: \(ComposeLab.image)
                command: sleep 1000
                stop_grace_period: 0s

            """
        let lab = try await ComposeLab()
        let project = try lab.project("pool", ["compose.yaml": worker])
        try await project.compose("up", "-d", "--scale", "worker=3")
        #expect(try await Self.state(project).count == 3)
        try await project.compose("scale", "worker=1")
        #expect(Set(try await Self.state(project).keys) == ["pool-worker-1"])

        try Files.write("\(project.folder)/compose.yaml", Array(worker.replacing("worker:", with: "other:").utf8))
        let warned = try await project.compose("up", "-d")
        #expect(
            warned.sentences.contains("Found orphan containers ([pool-worker-1]) for this project"), "\(warned.text)")
        #expect(Set(try await Self.state(project).keys) == ["pool-worker-1", "pool-other-1"])
        try await project.compose("up", "-d", "--remove-orphans")
        #expect(Set(try await Self.state(project).keys) == ["pool-other-1"])
        try await project.compose("down")
        #expect(try await Self.state(project).isEmpty)
        try await lab.lab.takeDown()
    }

    @Test("runs programs beside its services and in them, with their exit codes")
    func runAndExec() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("shop", ["compose.yaml": Self.shop])
        let run = try await project.compose(
            "run", "--rm", "-e", "WORD=here", "web", "sh", "-c", "echo $WORD; exit 7", expecting: 7)
        #expect(run.out == "here\n", "\(run.text)")
        // What it depends on was started, and nothing of the service's own.
        #expect(Set(try await Self.state(project).keys) == ["shop-db-1", "shop-setup-1"])
        let input = try await project.compose("run", "--rm", "--no-deps", "-T", "web", "cat", input: "through\n")
        #expect(input.out == "through\n", "\(input.text)")
        let kept = try await project.compose("run", "-d", "--no-deps", "web", "sleep", "1000").out
        #expect(kept.split(separator: "\n").count == 1)
        let names = try await project.stackctl(["ps", "--format", "{{.Names}}"]).out
        #expect(names.contains("shop-web-run-"), "\(names)")
        let exec = try await project.compose("exec", "-T", "db", "sh", "-c", "echo in; exit 3", expecting: 3)
        #expect(exec.out == "in\n", "\(exec.text)")
        let none = try await project.compose("exec", "web", "true", expecting: 1)
        #expect(none.sentences.contains("service \"web\" is not running"), "\(none.text)")
        try await project.compose("down", "-v", "-t", "0")
        #expect(try await project.stackctl(["ps", "-aq"]).out.isEmpty)
        try await lab.lab.takeDown()
    }

    @Test("gives a container of run the secrets and configurations of its service")
    func runWithSecrets() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project(
            "hush",
            [
                "compose.yaml": """
                services:
                  web:
                    image: \(ComposeLab.image)
                    secrets: [{source: token, uid: "1000", mode: 0400}]
                    configs: [{source: greeting, target: /etc/greeting}]
                secrets: {token: {environment: TOKEN}}
                configs: {greeting: {content: "hello $$you"}}

                """
            ])
        let run = try await project.compose(
            "run", "--rm", "web", "sh", "-c",
            "stat -c '%u %a' /run/secrets/token; cat /run/secrets/token /etc/greeting",
            environment: ["TOKEN=abc"])
        #expect(run.out == "1000 400\nabchello $you", "\(run.text)")
        try await project.compose("down", environment: ["TOKEN=abc"])
        try await lab.lab.takeDown()
    }

    @Test("runs hooks of services that verbs stop and start")
    func hooks() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project(
            "hooked",
            [
                "compose.yaml": """
                services:
                  web:
                    image: \(ComposeLab.image)
                    command: sleep 1000
                    init: true
                    volumes: [./out:/out]
                    post_start: [{command: [sh, -c, "echo started >> /out/log"]}]
                    pre_stop: [{command: [sh, -c, "echo stopping $$WHO >> /out/log"], environment: [WHO=me]}]

                """, "out/log": "",
            ])
        func log() throws -> [Substring] { try Files.readText("\(project.folder)/out/log").split(separator: "\n") }
        try await project.compose("up", "-d")
        #expect(try log() == ["started"])
        try await project.compose("restart", "web")
        #expect(try log() == ["started", "stopping me", "started"])
        try await project.compose("stop")
        try await project.compose("start")
        #expect(try log() == ["started", "stopping me", "started", "stopping me", "started"])
        try await project.compose("down")
        #expect(try log().last == "stopping me")
        try await lab.lab.takeDown()
    }

    @Test("changes nothing under --dry-run, whatever the verb")
    func dryRun() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("shop", ["compose.yaml": Self.shop])
        let planned = try await project.compose("up", "-d", "--dry-run")
        #expect(planned.error.contains("+ container.web[1]  create"), "\(planned.text)")
        #expect(try await Self.state(project).isEmpty)
        try await project.compose("up", "-d")
        let before = try await Self.state(project)
        for words in [
            ["stop"], ["kill"], ["restart"], ["pause"], ["rm", "-fs"], ["down", "-v", "--rmi", "all"],
            ["up", "-d", "--force-recreate"], ["create", "--force-recreate"], ["scale", "web=4"],
            ["run", "web", "true"], ["exec", "db", "true"], ["pull"], ["start"], ["unpause"],
        ] {
            try await project.stackctl(["compose", "--dry-run"] + words)
            #expect(try await Self.state(project) == before, "\(words)")
        }
        let down = try await project.compose("down", "--dry-run")
        #expect(down.text.contains("container.web[1]"), "\(down.text)")
        try await project.compose("down", "-v")
        try await lab.lab.takeDown()
    }

    @Test("does not lose data without being told to")
    func dataLoss() async throws {
        func file(_ size: String) -> String {
            """
            services:
              db: {image: \(ComposeLab.image), command: sleep 1000, volumes: ["data:/data"], stop_grace_period: 0s}
            volumes:
              data: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=\(size)"}}

            """
        }
        let lab = try await ComposeLab()
        let project = try lab.project("loss", ["compose.yaml": file("1m")])
        try await project.compose("up", "-d")
        let before = try await Self.state(project)
        try Files.write("\(project.folder)/compose.yaml", Array(file("2m").utf8))
        let refused = try await project.compose("up", "-d", expecting: 1)
        #expect(refused.sentences.contains("data would be lost, so nothing was changed"), "\(refused.text)")
        #expect(refused.sentences.contains("volume.data"), "\(refused.text)")
        #expect(try await Self.state(project) == before)
        try await project.compose("up", "-d", "-y")
        #expect(try await Self.state(project) != before)
        try await project.compose("down", "-v")
        try await lab.lab.takeDown()
    }
}
