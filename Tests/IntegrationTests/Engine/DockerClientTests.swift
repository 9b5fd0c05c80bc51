import Engine
import Linux
import Runtime
import Testing

@Suite("The stock docker client", .serialized, .timeLimit(.minutes(10)))
struct DockerClientTests {
    @Test("version, info, ps, images, networks and volumes are understood")
    func overview() async throws {
        let lab = try await EngineLab()
        #expect(try await lab.docker("version", "--format", "{{.Server.APIVersion}}").line == "1.51")
        #expect(try await lab.docker("info", "--format", "{{.OSType}} {{.Images}}").line == "linux 1")
        #expect(try await lab.docker("ps").out.hasPrefix("CONTAINER ID"))
        #expect(try await lab.docker("images", "--format", "{{.Repository}}:{{.Tag}}").line == "busybox:latest")
        #expect(try await lab.docker("image", "inspect", "busybox", "-f", "{{.Os}}").line == "linux")
        #expect(try await lab.docker("network", "ls", "-q").out.split(separator: "\n").count == 3)
        try await lab.docker("volume", "create", "v1")
        #expect(try await lab.docker("volume", "ls", "-q").line == "v1")
        try await lab.docker("volume", "rm", "v1")
        #expect(try await lab.docker("inspect", "nope", expecting: 1).error.contains("No such object: nope"))
        #expect(try await lab.docker("system", "df").out.contains("Images"))
        try await lab.takeDown()
    }

    @Test("run gives output, input and exit code through, and leaves nothing with --rm")
    func run() async throws {
        let lab = try await EngineLab()
        let echo = try await lab.docker("run", "--rm", "busybox", "echo", "hello world")
        #expect(echo.out == "hello world\n")
        let code = try await lab.docker("run", "--rm", "busybox", "sh", "-c", "echo bad >&2; exit 7", expecting: 7)
        #expect(code.error == "bad\n")
        let input = try await lab.docker("run", "--rm", "-i", "busybox", "cat", input: "through stdin\n")
        #expect(input.out == "through stdin\n")
        let env = try await lab.docker(
            "run", "--rm", "-e", "A=b", "-h", "box", "-w", "/tmp", "-u", "user", "busybox", "sh", "-c",
            "echo $A $FROM_IMAGE $(hostname) $(pwd) $(id -u)")
        #expect(env.out == "b yes box /tmp 1000\n")
        #expect(
            try await lab.docker("run", "--rm", "busybox", "/nope", expecting: 127).error.contains(
                "no such file or directory"))
        #expect(
            try await lab.docker("run", "--rm", "busybox", "/etc/passwd", expecting: 126).error.lowercased().contains(
                "permission denied"))
        try await lab.docker("run", "--rm", "nosuchimage", "true", expecting: 125)
        let script = "cat /proc/mounts; ulimit -Sn; ulimit -Hn"
        let defaults = try await lab.docker("run", "--rm", "--tmpfs", "/scratch", "busybox", "sh", "-c", script)
        #expect(defaults.out.contains("/scratch tmpfs rw,nosuid,nodev,noexec"))
        let openFiles = HostFacts.current().openFiles
        #expect(defaults.out.hasSuffix("\n\(openFiles)\n\(openFiles)\n"))
        try await lab.eventually("every container is gone") { try await lab.engine.containers.all.isEmpty }
        try await lab.takeDown()
    }

    @Test("an update below the memory in use is refused, and changes nothing")
    func refusedUpdate() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "run", "-d", "--name", "big", "-m", "100m", "busybox", "sh", "-c",
            "dd if=/dev/zero of=/dev/shm/x bs=1048576 count=40; echo filled; exec sleep 1000")
        try await lab.eventually("it has filled its memory") { try await lab.docker("logs", "big").out == "filled\n" }
        let before = try await lab.docker("inspect", "big", "-f", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}")
        #expect(before.line == "104857600 209715200")
        let update = try await lab.docker(
            "update", "-m", "20m", "--memory-swap", "20m", "--pids-limit", "5", "--restart", "always", "big",
            expecting: 1)
        #expect(update.error.contains("unable to set memory limit to 20971520 (current usage: "))
        let format = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.RestartPolicy.Name}}"
        #expect(try await lab.docker("inspect", "big", "-f", format).line == "104857600 209715200 no")
        try await lab.docker("update", "-m", "90m", "big")
        #expect(try await lab.docker("exec", "big", "sh", "-c", "echo alive").line == "alive")
        try await lab.takeDown()
    }

    @Test("a container's life: logs, exec, inspect, stats, top, stop, start, restart, rename, rm")
    func life() async throws {
        let lab = try await EngineLab()
        let id = try await lab.docker(
            "run", "-d", "--name", "web", "-m", "64m", "--cpus", "0.5", "--label", "a=b", "-p", "127.0.0.1::80",
            "busybox", "sh", "-c", "echo one; echo two >&2; exec httpd -f -p 80 -h /www"
        ).line
        #expect(id.utf8.count == 64)
        try await lab.eventually("it has logged") {
            let logs = try await lab.docker("logs", "web")
            return logs.out == "one\n" && logs.error == "two\n"
        }
        #expect(try await lab.docker("logs", "--tail", "1", "-t", "web").error.hasSuffix("Z two\n"))
        let port = try await lab.docker("port", "web", "80/tcp").line
        try await lab.eventually("its page is served") {
            try await Spawn.run(
                SpawnRequest("/usr/bin/busybox", ["wget", "-qO-", "http://\(port)/"]), timeout: .seconds(150)
            ).outputText == "hello from busybox\n"
        }
        #expect(try await lab.docker("exec", "web", "sh", "-c", "echo in; exit 3", expecting: 3).out == "in\n")
        #expect(try await lab.docker("exec", "-i", "web", "cat", input: "abc").out == "abc")
        #expect(try await lab.docker("exec", "web", "/nope", expecting: nil).code >= 126)
        try await lab.docker("exec", "-d", "web", "touch", "/tmp/made")
        try await lab.eventually("the detached exec has run") {
            try await lab.docker("exec", "web", "test", "-e", "/tmp/made", expecting: nil).code == 0
        }
        let memory = try await lab.docker(
            "inspect", "web", "-f", "{{.HostConfig.Memory}} {{.State.Status}} {{.Config.Labels.a}}"
        ).line
        #expect(memory == "67108864 running b")
        // The client shows nothing where it is kept from its answer for two seconds.
        try await lab.eventually("its statistics are shown") {
            try await lab.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", "web").line.contains(
                "64MiB")
        }
        #expect(try await lab.docker("top", "web").out.contains("httpd"))
        #expect(try await lab.docker("ps", "--format", "{{.Names}} {{.Status}} {{.Ports}}").line.contains("web Up"))
        try await lab.docker("update", "--memory", "128m", "web")
        #expect(try await lab.engine.kernelLimits(of: lab.engine.containers.find("web")).memoryBytes == 128 << 20)
        try await lab.docker("rename", "web", "site")
        try await lab.docker("stop", "-t", "1", "site")
        #expect(try await lab.docker("ps", "-q").out.isEmpty)
        #expect(
            try await lab.docker("ps", "-a", "--filter", "name=site", "--format", "{{.Status}}").line.hasPrefix(
                "Exited"))
        try await lab.docker("start", "site")
        try await lab.docker("restart", "-t", "1", "site")
        #expect(try await lab.docker("rm", "site", expecting: 1).error.contains("container is running"))
        try await lab.docker("rm", "-f", "site")
        try await lab.takeDown()
    }

    @Test("an exec's output is whole, with a terminal and without, and a detached one is not held up")
    func execOutput() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "box", "busybox", "sleep", "1000")
        for _ in 0..<5 {
            let numbers = try await lab.docker("exec", "box", "sh", "-c", "sleep 1000 & seq 20000", expecting: 0)
            #expect(numbers.out.hasSuffix("\n20000\n"))
            let terminal = try await lab.docker("exec", "-t", "box", "sh", "-c", "seq 300; exit 3", expecting: 3)
            #expect(terminal.out.hasSuffix("\r\n300\r\n"))
            #expect(try await lab.docker("exec", "-t", "box", "echo", "short").out == "short\r\n")
        }
        try await lab.docker("exec", "-d", "-t", "box", "sh", "-c", "seq 100000; touch /tmp/written")
        try await lab.eventually("all is written") {
            try await lab.docker("exec", "box", "test", "-e", "/tmp/written", expecting: nil).code == 0
        }
        try await lab.takeDown()
    }

    @Test("prune takes what is older than until, and a start is explained")
    func pruneAndExplain() async throws {
        let lab = try await EngineLab()
        try await lab.docker("create", "--name", "old", "busybox")
        #expect(try await lab.docker("container", "prune", "-f", "--filter", "until=1h").out.contains("0B"))
        #expect(try await lab.engine.containers.all.count == 1)
        let steps = try await lab.engine.launchSteps(lab.engine.containers.find("old"))
        #expect(steps.contains { $0.contains("overlay") })
        try await lab.docker("container", "prune", "-f", "--filter", "until=0s")
        #expect(try await lab.engine.containers.all.isEmpty)
        try await lab.takeDown()
    }

    @Test("names conflict, events are told and replayed, wait gives the code")
    func events() async throws {
        let lab = try await EngineLab()
        let begin = Clock.now().seconds - 1
        try await lab.docker("create", "--name", "one", "busybox", "sh", "-c", "exit 4")
        let conflict = try await lab.docker("create", "--name", "one", "busybox", expecting: 1)
        #expect(conflict.error.contains("The container name \"/one\" is already in use by container"))
        try await lab.docker("start", "one")
        #expect(try await lab.docker("wait", "one").line == "4")
        try await lab.docker("rm", "one")
        let events = try await lab.docker(
            "events", "--since", "\(begin)", "--until", "\(Clock.now().seconds + 1)", "--format",
            "{{.Type}} {{.Action}} {{.Actor.Attributes.exitCode}}")
        let lines = events.out.split(separator: "\n").filter { $0.hasPrefix("container") }.map {
            $0.split(separator: " ").prefix(2).joined(separator: " ")
        }
        #expect(lines == ["container create", "container start", "container die", "container destroy"])
        #expect(events.out.contains("container die 4"))
        try await lab.takeDown()
    }

    @Test("containers of a network find each other by name; a network in use stays")
    func networks() async throws {
        let lab = try await EngineLab()
        try await lab.docker("network", "create", "front")
        try await lab.docker(
            "run", "-d", "--name", "web", "--network", "front", "--network-alias", "site", "busybox", "httpd", "-f",
            "-p", "80", "-h", "/www")
        try await lab.eventually("the server listens") {
            try await lab.docker("exec", "web", "wget", "-qO-", "http://127.0.0.1/", expecting: nil).code == 0
        }
        for name in ["web", "site"] {
            let page = try await lab.docker(
                "run", "--rm", "--network", "front", "busybox", "wget", "-qO-", "http://\(name)/")
            #expect(page.out == "hello from busybox\n")
        }
        #expect(try await lab.docker("network", "rm", "front", expecting: 1).error.contains("active endpoints"))
        let none = try await lab.docker("run", "--rm", "--network", "none", "busybox", "ip", "-o", "link")
        #expect(none.out.split(separator: "\n").count == 1)
        try await lab.docker("rm", "-f", "web")
        try await lab.docker("network", "rm", "front")
        try await lab.takeDown()
    }

    @Test("a new volume takes the image's files over, keeps what is written, and is shared")
    func volumes() async throws {
        let lab = try await EngineLab()
        let first = try await lab.docker(
            "run", "--rm", "-v", "data:/data", "busybox", "sh", "-c", "cat /data/seed/file; echo more > /data/more")
        #expect(first.out == "from the image\n")
        #expect(
            try await lab.docker(
                "run", "--rm", "-v", "data:/x:ro", "busybox", "sh", "-c", "cat /x/more; touch /x/no || echo refused"
            ).out == "more\nrefused\n")
        try await lab.eventually("the containers are gone") { try await lab.engine.containers.all.isEmpty }
        try await lab.docker("volume", "rm", "data")
        try await lab.takeDown()
    }
}
