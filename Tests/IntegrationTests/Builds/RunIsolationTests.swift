import Builder
import Dockerfile
import Engine
import Linux
import OCI
import Testing

@Suite("What steps may and may not", .serialized, .timeLimit(.minutes(15)))
struct RunIsolationTests {
    @Test("a step is confined as a container, may gain what programs give, and has limits")
    func confinement() async throws {
        let lab = try await RunLab()
        var step = lab.step(
            "grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status; hostname; ulimit -n; cat /etc/hosts | tail -1"
                + "; head -c 9 /proc/kcore | wc -c; echo x > /proc/sys/kernel/hostname; mount -t tmpfs x /tmp; df /dev/shm | tail -1"
        )
        step.limits.ulimits = [StepLimits.Ulimit(name: "nofile", soft: 77, hard: 99)]
        step.limits.extraHosts = ["there:10.9.8.7", "v6=[fd00::1]"]
        step.limits.sharedMemoryBytes = 1 << 20
        let result = try await lab.run(step)
        #expect(
            result.log.out.hasPrefix(
                "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\nbuildkitsandbox\n77\nfd00::1\tv6\n0\n"),
            "\(result.log.out) \(result.log.error)")
        #expect(result.log.out.contains("1024"))
        #expect(result.log.error.contains("Read-only file system") && result.log.error.contains("mount:"))

        // CVE-2024-21626: no descriptor of the host's is open when the working directory is entered.
        for number in 3..<20 {
            var step = lab.step("pwd")
            step.workingDirectory = "/proc/self/fd/\(number)"
            _ = try await lab.failure(of: step)
        }
        // CVE-2024-23653: what is not allowed is refused here too, whatever asked for it.
        var insecure = lab.step("true")
        insecure.run.isInsecure = true
        let refused = try await lab.failure(of: insecure)
        #expect(refused.failure.kind == .forbidden && refused.text.contains("security.insecure is not allowed"))
        insecure.entitlements = ["security.insecure"]
        insecure.run.arguments[2] = "grep CapEff /proc/self/status; mount -t tmpfs x /tmp && echo mounted"
        let allowed = try await lab.run(insecure)
        #expect(allowed.log.out.hasSuffix("mounted\n") && !allowed.log.out.contains("a80425fb"))
        var host = lab.step("true")
        host.network = .host
        #expect(try await lab.failure(of: host).failure.kind == .forbidden)
        try await lab.takeDown()
    }

    @Test("places that are mounted on are made apart: nothing is removed through a link of the image")
    func places() async throws {
        let lab = try await RunLab()
        // CVE-2024-23652: the step exchanges the parent of a place for a link to where it must not reach.
        let victim = lab.lab.root + "/victim"
        try Files.makeDirectories(victim + "/stub")
        var step = lab.step("rm -rf /p; ln -s \(victim) /p; ln -s /data /q")
        step.mounts = [
            RunStep.Mount(EvaluatedMount(kind: .tmpfs, target: "/p2/stub")),
            RunStep.Mount(EvaluatedMount(kind: .tmpfs, target: "/data/seed/inner")),
        ]
        let result = try await lab.run(step)
        #expect(try await lab.files(of: result.layer) == ["p", "q"])
        #expect(Files.exists(victim + "/stub"))
        try await lab.takeDown()
    }

    @Test("networks: the default one, none, the host's, one by name; no step sees another's listeners")
    func networks() async throws {
        let lab = try await RunLab()
        let addresses = "ip -4 addr show | grep -c inet; ip route | grep -c default"
        #expect(try await lab.run(lab.step(addresses)).log.out == "2\n1\n")
        var none = lab.step("ip -4 addr show | grep inet; ip link | grep -c UP")
        none.network = .none
        #expect(try await lab.run(none).log.out == "    inet 127.0.0.1/8 scope host lo\n1\n")
        var host = lab.step("readlink /proc/self/ns/net")
        host.network = .host
        host.entitlements = ["network.host"]
        let own = try Files.readLink("/proc/self/ns/net")
        #expect(try await lab.run(host).log.out == own + "\n")

        try await lab.lab.docker("network", "create", "mynet")
        try await lab.lab.docker(
            "run", "-d", "--name", "web", "--network", "mynet", "busybox", "httpd", "-f", "-h", "/www")
        try await lab.lab.eventually("the server listens") {
            let words = ["exec", "web", "wget", "-q", "-O", "-", "http://127.0.0.1/index.html"]
            return try await lab.lab.docker(words: words, expecting: nil).code == 0
        }
        var named = lab.step("wget -q -O - http://web/index.html")
        named.networkName = "mynet"
        #expect(try await lab.run(named).log.out == "hello from busybox\n")
        var missing = lab.step("true")
        missing.networkName = "nothing-such"
        #expect(try await lab.failure(of: missing).text.contains("network nothing-such not found"))

        var shared = lab.step("wget -q -O - http://127.0.0.1/index.html")
        shared.networkName = "container:web"
        #expect(try await lab.run(shared).log.out == "hello from busybox\n")
        var device = lab.step("true")
        device.run.devices = ["vendor.com/class=none"]
        #expect(try await lab.failure(of: device).failure.kind == .forbidden)
        device.entitlements = ["device"]
        #expect(try await lab.failure(of: device).text.contains("unresolvable CDI devices"))

        // Side by side they have namespaces of their own.
        func listens(_ port: Int) -> String {
            "nc -l -p \(port) >/dev/null & until netstat -ltn | grep -q \(port); do sleep 0.1; done"
                + "; sleep 0.5; netstat -ltn | grep -c '777[78]'"
        }
        async let one = lab.run(lab.step(listens(7777)))
        async let two = lab.run(lab.step(listens(7778)))
        #expect(try await one.log.out == "1\n")
        #expect(try await two.log.out == "1\n")
        #expect(try await lab.run(lab.step("netstat -ltn | grep -c '777[78]'; true")).log.out == "0\n")
        try await lab.takeDown()
    }

    @Test("a step that fills the disk says so and leaves nothing")
    func fullDisk() async throws {
        let lab = try await RunLab()
        let steps = lab.lab.root + "/builds/steps"
        try Files.makeDirectories(steps)
        try Mounts.mount(source: "tmpfs", target: steps, type: "tmpfs", data: "size=4m")
        let full = try await lab.failure(of: lab.step("dd if=/dev/zero of=/big bs=1M count=16"))
        #expect(full.failure.kind == .process(exitCode: 1))
        #expect(full.text.contains("no space is left on the file system of \(steps) (ENOSPC)"), "\(full.text)")
        #expect(try Files.list(steps).isEmpty)
        // The thread that removed the step's files may let go of them a little later.
        try await lab.lab.eventually("nobody has a file of it") { (try? Mounts.unmount(steps)) != nil }
        try await lab.takeDown()
    }

    @Test("a step that is given up, fails, prints without end, or is left by a killed daemon leaves nothing")
    func ends() async throws {
        let lab = try await RunLab()
        let log = RunLab.Log()
        let builder = try await lab.lab.engine.builder
        let endless = lab.step("echo begun; (sleep 1000 &); mkdir /left; sleep 1000")
        let task = Task { try await builder.run(endless) { log.take($0, $1) } }
        try await lab.lab.eventually("the step runs") { log.out == "begun\n" }
        task.cancel()
        do {
            _ = try await task.value
            Issue.record("a step that was given up has a result")
        } catch let error as BuildFailure { #expect(error.kind == .cancelled) }
        try await lab.expectNoTrace()

        let killed = try await lab.failure(of: lab.step("sh -c 'kill -9 $$'; exit $?"))
        #expect(killed.failure.kind == .process(exitCode: 137))
        #expect(killed.text.contains("exit code: 137"))
        var hungry = lab.step("tail /dev/zero")
        hungry.limits.cgroup.memoryBytes = 32 << 20
        hungry.limits.cgroup.memorySwapBytes = 32 << 20
        let oom = try await lab.failure(of: hungry)
        #expect(oom.failure.kind == .process(exitCode: 137))
        #expect(oom.text.contains("exit code: 137: cannot allocate memory") && oom.text.contains("out of memory"))

        let noisy = try await lab.run(lab.step("yes | head -c 100000000; echo last >&1; touch /x"))
        #expect(noisy.log.count < 17 << 20)
        #expect(noisy.log.out.hasSuffix("last\n"))
        #expect(noisy.log.error.contains("[output clipped"))
        #expect(try await lab.files(of: noisy.layer) == ["x"])
        try await lab.takeDown()
    }
}
