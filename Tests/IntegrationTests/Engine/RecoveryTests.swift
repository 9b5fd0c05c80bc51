import Diagnostics
import Engine
import EngineAPI
import Linux
import OCI
import StateStore
import Testing

@Suite("A daemon that comes back", .serialized, .timeLimit(.minutes(10)))
struct RecoveryTests {
    @Test("containers, logs, ports and names go on, and exits meanwhile are known with their time")
    func recovery() async throws {
        let lab = try await EngineLab()
        let begun = Clock.now()
        let signal = lab.root + "/signal"
        try Files.makeDirectories(signal)
        try await lab.docker("network", "create", "front")
        try await lab.docker(
            "run", "-d", "--name", "stays", "--network", "front", "busybox", "sh", "-c",
            "while true; do date; sleep 0.1; done")
        try await lab.docker(
            "run", "-d", "--name", "ends", "--network", "front", "-v", "\(signal):/signal", "busybox", "sh", "-c",
            "until [ -e /signal/end ]; do sleep 0.1; done; exit 5")
        let pid = try await lab.docker("inspect", "stays", "-f", "{{.State.Pid}}").line
        let supervisor = try await lab.engine.containers.find("ends").state.supervisorPID
        #expect(supervisor > 0)
        try await lab.stop()
        try Files.write(signal + "/end", [])
        // Its supervisor is the last to go, once the end is written down.
        try await lab.eventually("it has ended") { !Files.exists("/proc/\(supervisor)/exe") }
        let back = Clock.now()
        try await lab.start()
        #expect(
            try await lab.docker("inspect", "stays", "-f", "{{.State.Pid}} {{.State.Running}}").line == "\(pid) true")
        #expect(
            try await lab.docker("inspect", "ends", "-f", "{{.State.ExitCode}} {{.State.Status}}").line == "5 exited")
        let finished = try await lab.engine.containers.find("ends").state.finishedAt
        #expect(try #require(finished) < back)
        #expect(try await lab.docker("exec", "stays", "echo", "in").out == "in\n")
        let found = try await lab.docker(
            "run", "--rm", "--network", "front", "busybox", "nslookup", "-timeout=60", "-retry=20", "stays",
            "127.0.0.11")
        #expect(found.out.contains("Address"))
        let events = try await lab.docker(
            "events", "--since", "\(begun.seconds)", "--until", "\(Clock.now().seconds + 1)", "--format",
            "{{.Action}} {{.Actor.Attributes.name}}")
        #expect(events.out.contains("die ends"))
        try await lab.takeDown()
    }

    @Test("a container whose row is damaged goes on, and is neither removed nor started over")
    func damaged() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "broken", "-v", "kept:/v", "busybox", "sleep", "1000")
        let container = try await lab.engine.containers.find("broken")
        let (id, pid) = (container.id, container.state.pid)
        try await lab.stop()
        // Cut off at its end, and made whole again by the same.
        try lab.changeDatabase { transaction in
            try transaction.run(
                "UPDATE containers SET spec = substr(spec, 1, length(spec) - 1) WHERE id = ?1", [.text(id)])
        }
        try await lab.start()
        #expect(Files.exists("/proc/\(pid)/exe"))
        #expect(try await lab.docker("ps", "--format", "{{.Names}} {{.Status}}").line.hasPrefix("broken Damaged: "))
        #expect(try await lab.docker("rm", "-f", "broken", expecting: 1).error.contains("is damaged"))
        #expect(try await lab.docker("run", "--name", "broken", "busybox", expecting: 125).error.contains("in use"))
        #expect(try await lab.docker("volume", "rm", "kept", expecting: 1).error.contains("in use"))
        try await lab.stop()
        try lab.changeDatabase { transaction in
            try transaction.run("UPDATE containers SET spec = spec || '}' WHERE id = ?1", [.text(id)])
        }
        try await lab.start()
        #expect(try await lab.docker("inspect", "broken", "-f", "{{.State.Pid}}").line == "\(pid)")
        try await lab.docker("rm", "-f", "broken")
        try await lab.docker("volume", "rm", "kept")
        try await lab.takeDown()
    }

    @Test("a creation that was cut short is finished, and what was stopped or paused stays so")
    func halfway() async throws {
        let lab = try await EngineLab()
        try await lab.docker("create", "--name", "half", "busybox", "echo", "whole")
        try await lab.docker("run", "-d", "--name", "asleep", "busybox", "sleep", "1000")
        try await lab.docker(
            "run", "-d", "--name", "stopped", "--restart", "unless-stopped", "busybox", "sleep", "1000")
        try await lab.docker("pause", "asleep")
        try await lab.docker("stop", "-t", "0", "stopped")
        let id = try await lab.engine.containers.find("half").id
        try await lab.stop()
        try lab.changeDatabase { transaction in
            try transaction.run(
                "UPDATE containers SET status = json_set(status, '$.made', json('false')) WHERE id = ?1", [.text(id)])
        }
        try Files.removeTree("\(lab.root)/containers/\(id)")
        try await lab.start()
        let states = try await lab.docker("ps", "-a", "--format", "{{.Names}} {{.State}}")
        #expect(
            Set(states.out.split(separator: "\n")) == ["half created", "asleep paused", "stopped exited"])
        #expect(try await lab.docker("start", "-a", "half").out == "whole\n")
        try await lab.docker("unpause", "asleep")
        try await lab.takeDown()
    }

    @Test("a second daemon on the root is told who has it")
    func lock() async throws {
        let lab = try await EngineLab()
        let root = lab.root
        let error = await #expect(throws: Diagnostic.self) {
            _ = try await EngineServer(EngineConfiguration(root: root, initBinary: "/nowhere"), providers: { _ in [] })
        }
        #expect(error?.summary == "another daemon (pid \(CurrentProcess.pid)) has the data root \(root)")
        try await lab.takeDown()
    }

    @Test("health is checked by command and by HTTP, and says why it is bad")
    func health() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "run", "-d", "--name", "good", "--health-cmd", "test -e /tmp/ok", "--health-interval", "100ms",
            "--health-retries", "2", "busybox", "sh", "-c", "sleep 0.5; touch /tmp/ok; sleep 1000")
        try await lab.eventually("it is healthy") {
            try await lab.docker("inspect", "good", "-f", "{{.State.Health.Status}}").line == "healthy"
        }
        try await lab.docker("exec", "good", "sh", "-c", "busybox rm /tmp/ok")
        try await lab.eventually("it is unhealthy") {
            try await lab.docker("inspect", "good", "-f", "{{.State.Health.Status}}").line == "unhealthy"
        }
        try await lab.takeDown()
    }

    @Test("an HTTP check needs no program in the image, and its last words are kept")
    func httpHealth() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        var wanted = ContainerSpecification()
        wanted.image = "busybox"
        wanted.command = ["httpd", "-f", "-p", "80", "-h", "/www"]
        wanted.healthcheck = Healthcheck(test: ["HTTP", "/index.html", "80"], interval: 100_000_000, retries: 1)
        let good = try await engine.createContainer(ContainerRequest(name: "good", specification: wanted))
        wanted.healthcheck?.test = ["HTTP", "/missing", "80"]
        let bad = try await engine.createContainer(ContainerRequest(name: "bad", specification: wanted))
        try await engine.start(good)
        try await engine.start(bad)
        // Neither may listen yet at its first checks.
        try await lab.eventually("one is healthy, the other not, and says why") {
            let health = bad.snapshot.health
            return good.snapshot.health?.status == .healthy && health?.status == .unhealthy
                && health?.log.last?.output.contains("404") == true
        }
        try await lab.takeDown()
    }

    @Test("a container can be started and removed the moment it has ended, again and again")
    func quick() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        var wanted = ContainerSpecification()
        wanted.image = "busybox"
        wanted.command = ["true"]
        for _ in 0..<5 {
            let container = try await engine.createContainer(ContainerRequest(specification: wanted))
            for _ in 0..<3 {
                let end = engine.wait(container, for: .nextExit)
                try await engine.start(container)
                #expect(await end() == 0)
            }
            try await engine.remove(container)
        }
        try await lab.takeDown()
    }
}
