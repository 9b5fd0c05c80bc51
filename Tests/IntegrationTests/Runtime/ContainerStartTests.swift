import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("Starting containers", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct ContainerStartTests {
    @Test("a process's output, exit code and times are kept")
    func outputAndExitCode() async throws {
        try await RuntimeLab.with { lab in
            let (status, log) = try await lab.run(lab.script("web", "echo one; echo two >&2; printf three; exit 3"))
            #expect(status.state == .exited)
            #expect(status.exitCode == 3)
            #expect(status.startedAt > 0 && status.finishedAt >= status.startedAt)
            #expect(log.filter { $0.stream == "stdout" }.map(\.text) == ["one", "three"])
            #expect(log.contains(LogRecord(stream: "stderr", isFull: true, text: "two")))
            #expect(log.last { $0.stream == "stdout" }?.isFull == false)
        }
    }

    @Test("a signal that ends the process gives 128 and its number")
    func signalExit() async throws {
        try await RuntimeLab.with { lab in
            let connection = try await lab.start(lab.container("web", ["sleep", "100"]))
            try await connection.kill(signal: 9)
            let status = await connection.waitForExit()
            #expect(status.exitCode == 137)
            #expect(status.signal == 9)
            #expect(!status.oomKilled)
        }
    }

    @Test("the container has its own name, processes, devices and mounts")
    func ownNamespaces() async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output(
                "hostname; echo $$; ls -a /dev | tr '\\n' ' ' || ls /dev; ls /proc | grep -c '^[0-9]'; cat /proc/mounts"
            ) { $0.hostname = "shop" }
            let lines = output.split(separator: "\n").map(String.init)
            #expect(lines.first == "shop")
            #expect(lines.dropFirst().first == "1")
            #expect(output.contains("overlay / overlay"))
            #expect(output.contains("/dev/pts devpts"))
            #expect(!output.contains(lab.folder))
            for device in ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "stdin", "shm", "mqueue"] {
                #expect(output.contains(device))
            }
        }
    }

    @Test(
        "users and groups are looked up in the image",
        arguments: [
            ("", "uid=0 gid=0"), ("app", "uid=1000 gid=1000 groups=44"), ("1000", "uid=1000 gid=1000 groups=44"),
            ("app:video", "uid=1000 gid=44"), ("7:8", "uid=7 gid=8"), ("4000000000", "uid=4000000000 gid=0"),
        ])
    func users(user: String, expected: String) async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output(
                "id; echo home $HOME; echo x >/dev/stderr; ls -d /proc/self/fd >/dev/stdout"
            ) {
                $0.process.user = user
            }
            let plain = output.replacing(/\([^)]*\)/, with: "")
            #expect(plain.contains(expected))
            #expect(!output.contains("denied"))
            #expect(output.contains(user.hasPrefix("app") || user == "1000" ? "home /home/app" : "home /"))
        }
    }

    @Test("capabilities are Docker's, none for users, and no new ones can be gained")
    func capabilities() async throws {
        try await RuntimeLab.with { lab in
            let root = try await lab.output("grep -E 'Cap|NoNew|Seccomp:' /proc/self/status")
            #expect(root.contains("CapInh:\t0000000000000000"))
            #expect(root.contains("CapEff:\t00000000a80425fb"))
            #expect(root.contains("CapBnd:\t00000000a80425fb"))
            #expect(root.contains("CapAmb:\t0000000000000000"))
            #expect(root.contains("NoNewPrivs:\t1"))
            #expect(root.contains("Seccomp:\t2"))
            let user = try await lab.output("grep Cap /proc/self/status") { $0.process.user = "app" }
            #expect(user.contains("CapEff:\t0000000000000000"))
            #expect(user.contains("CapPrm:\t0000000000000000"))
            let privileged = try await lab.output("grep -E 'CapEff|Seccomp:' /proc/self/status") {
                $0.privileged = true
            }
            #expect(privileged.contains("Seccomp:\t0"))
            #expect(!privileged.contains("a80425fb"))
        }
    }

    @Test("binds, memory file systems and identity files are where they were asked for")
    func mounts() async throws {
        try await RuntimeLab.with { lab in
            try Files.makeDirectories(lab.folder + "/data")
            try Files.write(lab.folder + "/data/file", Array("hello".utf8))
            try Files.write(lab.folder + "/hosts", Array("1.2.3.4 shop\n".utf8))
            let output = try await lab.output(
                """
                cat /deep/er/data/file; echo; echo x > /deep/er/data/file || echo refused
                cat /etc/hosts; echo y > /scratch/y && cat /scratch/y; cat /one; echo more > /etc/hosts; grep scratch /proc/mounts
                """
            ) {
                $0.mounts = [
                    .bind(lab.folder + "/data", at: "/deep/er/data", readOnly: true),
                    .tmpfs(at: "/scratch", sizeBytes: 65_536),
                    .bind(lab.folder + "/data/file", at: "/one"),
                ]
                $0.hostsPath = lab.folder + "/hosts"
            }
            #expect(output.contains("hello"))
            #expect(output.contains("refused"))
            #expect(output.contains("1.2.3.4 shop"))
            #expect(output.contains("\ny\n"))
            #expect(output.contains("nosuid,nodev,noexec"))
            #expect(try Files.readText(lab.folder + "/hosts") == "more\n")
        }
    }

    @Test("a read-only root refuses writes, its memory file systems do not")
    func readOnlyRoot() async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output("touch /x || echo refused; touch /dev/shm/x && echo allowed") {
                $0.readOnlyRoot = true
            }
            #expect(output.contains("refused"))
            #expect(output.contains("allowed"))
        }
    }

    @Test("limits, mask, working directory, environment and kernel parameters are set")
    func processSettings() async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output(
                "ulimit -n; umask; pwd; env; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"
            ) {
                $0.process.limits = [ResourceLimit(.nofile, soft: 77, hard: 78)]
                $0.process.umask = 0o027
                $0.process.workingDirectory = "/made/for/it"
                $0.process.environment.append("COLOR=blue")
                $0.sysctls = ["net.ipv4.ip_unprivileged_port_start": "123"]
            }
            for text in ["77\n", "0027\n", "/made/for/it\n", "COLOR=blue", "\n123\n"] { #expect(output.contains(text)) }
        }
    }

    @Test("an init reaps orphans, hands signals on, and ends with the program's code")
    func initProcess() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script(
                "web", "trap 'echo got; exit 7' TERM; (sleep 0.1 & echo $!); while :; do sleep 0.1; done")
            configuration.useInit = true
            let connection = try await lab.start(configuration)
            try await lab.waitForLog(configuration, records: 1)
            let orphan = try #require(try lab.log(configuration).first?.text)
            // As long as nobody has taken its status, it is in the table.
            try await lab.eventually("the orphan \(orphan) is reaped") {
                try await lab.exec("test -e /proc/\(orphan)", in: connection, configuration).code == 1
            }
            try await connection.stop(timeout: .seconds(60))
            #expect(await connection.waitForExit().exitCode == 7)
            #expect(try lab.log(configuration).map(\.text).contains("got"))
        }
    }

    @Test("a program that uses too much memory is reported as killed for it")
    func outOfMemory() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["tail", "/dev/zero"])
            configuration.limits = CgroupLimits(memoryBytes: 16 << 20, memorySwapBytes: 16 << 20)
            let (status, _) = try await lab.run(configuration)
            #expect(status.oomKilled)
            #expect(status.exitCode == 137)
        }
    }

    @Test("the terminal is the container's own, and its size can be changed")
    func terminal() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script(
                "web", "tty; stty size; read line; echo got $line; stty size; test -c /dev/console && echo console")
            configuration.terminal = TerminalConfiguration(rows: 30, columns: 100)
            let connection = try await lab.start(configuration)
            try await connection.resize(rows: 40, columns: 120)
            let terminal = try await connection.openInput()
            try terminal.writeAll(Array("hello\n".utf8))
            let status = await connection.waitForExit()
            let text = try lab.log(configuration).map(\.text).joined(separator: "\n")
            #expect(status.exitCode == 0)
            #expect(text.contains("/dev/pts/0"))
            #expect(text.contains("got hello"))
            #expect(text.contains("40 120"))
            #expect(text.contains("console"))
        }
    }

    @Test("the input of a container can be opened, written and closed by a client")
    func input() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["cat"])
            configuration.openInput = true
            let connection = try await lab.start(configuration)
            var input: SharedDescriptor? = try await connection.openInput()
            try input?.writeAll(Array("through the pipe\n".utf8))
            input = nil
            try await connection.closeInput()
            #expect(await connection.waitForExit().exitCode == 0)
            #expect(try lab.log(configuration).map(\.text) == ["through the pipe"])
        }
    }
}
