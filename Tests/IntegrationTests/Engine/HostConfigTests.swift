import Engine
import Linux
import Testing

@Suite("What a container is given and kept from, by the stock client", .serialized, .timeLimit(.minutes(10)))
struct HostConfigTests {
    private static func withLab(_ body: (EngineLab) async throws -> Void) async throws {
        let lab = try await EngineLab()
        do {
            try await body(lab)
        } catch {
            try? await lab.takeDown()
            throw error
        }
        try await lab.takeDown()
    }

    private static let alone = ["run", "--rm", "--network", "none"]

    private func run(_ lab: EngineLab, _ options: [String], _ command: String) async throws -> EngineLab.Output {
        try await lab.docker(words: Self.alone + options + ["busybox", "sh", "-c", command])
    }

    private func refusal(_ lab: EngineLab, _ options: [String], code: Int32 = 125) async throws -> String {
        let words = Self.alone + options + ["busybox", "true"]
        return try await lab.docker(words: words, expecting: code).sentences
    }

    @Test("limits reach the kernel, are shown, survive the daemon and can be changed")
    func limits() async throws {
        try await Self.withLab { lab in
            let tree = try CgroupHierarchy.detect()
            try await lab.docker(
                "run", "-d", "--name", "limited", "--network", "none", "--cpu-quota", "25000", "--cpu-period", "50000",
                "--cpuset-cpus", "0", "--cpu-shares", "300", "-m", "64m", "--memory-reservation", "32m", "--pids-limit",
                "20", "--ulimit", "nofile=10:20", "--oom-score-adj", "500", "busybox", "sh", "-c",
                "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; sleep 1000")
            try await lab.eventually("it says its limits") {
                try await lab.docker("logs", "limited").out == "10\n20\n500\n"
            }
            let id = try await lab.docker("inspect", "-f", "{{.Id}}", "limited").line
            func kernel(_ controller: String, _ file: String) throws -> String {
                let root = try #require(tree.mounts[controller])
                return try Files.readText("\(root)/stackctl/\(id)/\(file)").filter { $0 != "\n" }
            }
            if tree.version != .v2 {
                #expect(try kernel("cpu", "cpu.cfs_quota_us") == "25000")
                #expect(try kernel("cpu", "cpu.cfs_period_us") == "50000")
                #expect(try kernel("cpuset", "cpuset.cpus") == "0")
                #expect(try kernel("memory", "memory.soft_limit_in_bytes") == "33554432")
            }
            try await lab.stop()
            try await lab.start()
            let format =
                "{{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.MemoryReservation}} {{.HostConfig.CpusetCpus}} {{range .HostConfig.Ulimits}}{{.Name}}={{.Soft}}:{{.Hard}}{{end}}"
            #expect(
                try await lab.docker("inspect", "-f", format, "limited").line
                    == "25000 50000 33554432 0 nofile=10:20")
            let conflict = try await lab.docker("update", "--cpus", "0.5", "limited", expecting: 1)
            #expect(
                conflict.sentences.contains(
                    "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set"))
            let smaller = try await lab.docker("update", "-m", "300m", "limited", expecting: 1)
            #expect(smaller.sentences.contains("update the memoryswap at the same time"))
            try await lab.docker("update", "--cpu-quota", "30000", "--pids-limit", "30", "limited")
            if tree.version != .v2 { #expect(try kernel("cpu", "cpu.cfs_quota_us") == "30000") }
            #expect(try await lab.docker("inspect", "-f", "{{.HostConfig.PidsLimit}}", "limited").line == "30")
        }
    }

    @Test("what cannot be asked for is refused in Docker's words")
    func refusals() async throws {
        try await Self.withLab { lab in
            let cases: [([String], String)] = [
                (["--user", "nosuch"], "unable to find user nosuch: no matching entries in passwd file"),
                (["--group-add", "nosuch"], "unable to find group nosuch: no matching entries in group file"),
                (["--cpus", "900"], "Range of CPUs is from 0.01 to"),
                (["--cpuset-cpus", "900"], "Requested CPUs are not available - requested 900, available: 0"),
                (["--gpus", "all"], #"could not select device driver "" with capabilities: [[gpu]]"#),
                (
                    ["--device", "vendor.example/none=x"],
                    "CDI device injection failed: unresolvable CDI devices vendor.example/none=x"
                ),
                (["--device", "/dev/nosuch"], "no such file or directory"),
                (["--runtime", "kata"], "unknown or invalid runtime name: kata"),
                (["--log-driver", "syslog"], "logger: no log driver named 'syslog' is registered"),
                (["--pid", "container:nosuch"], "failed to join PID namespace: No such container: nosuch"),
            ]
            for (options, text) in cases {
                let code: Int32 = text.contains("no such file") ? 127 : 125
                let said = try await refusal(lab, options, code: code)
                #expect(said.contains(text), "\(options)")
            }
        }
    }

    @Test("a container shares namespaces with the host and with others, also after they started again")
    func namespaces() async throws {
        try await Self.withLab { lab in
            let own = try await run(lab, [], "cat /proc/1/comm; hostname").out
            #expect(own.hasPrefix("sh\n"))
            let host = try Files.readText("/proc/sys/kernel/hostname")
            #expect(try await run(lab, ["--uts", "host"], "hostname").out == host)
            #expect(try await run(lab, ["--pid", "host"], "test -d /proc/2 && echo yes").line == "yes")
            #expect(try await run(lab, ["--ipc", "none"], "test -d /dev/shm || echo none").line == "none")
            let seen = try await run(lab, ["--cgroupns", "host"], "cat /proc/self/cgroup").out
            #expect(seen.contains("/stackctl/"))
            #expect(try await !run(lab, [], "cat /proc/self/cgroup").out.contains("/stackctl/"))

            try await lab.docker(
                "run", "-d", "--name", "donor", "--network", "none", "--ipc", "shareable", "busybox", "sh", "-c",
                "echo shared >/dev/shm/file; sleep 1000")
            try await lab.docker(
                "run", "-d", "--name", "joiner", "--network", "none", "--restart", "always", "--pid", "container:donor",
                "--ipc", "container:donor", "busybox", "sleep", "1001")
            func joined() async throws -> Bool {
                let command = "cat /proc/1/cmdline; cat /dev/shm/file"
                return try await lab.docker("exec", "joiner", "sh", "-c", command, expecting: nil).out
                    .contains("shared")
            }
            try await lab.eventually("the joiner sees the donor's memory") { try await joined() }
            try await lab.docker("restart", "-t", "0", "donor")
            try await lab.eventually("the joiner is in the new namespaces") { try await joined() }
            try await lab.docker("run", "-d", "--name", "private", "--network", "none", "busybox", "sleep", "1000")
            let refused = try await refusal(lab, ["--ipc", "container:private"])
            #expect(refused.contains("non-shareable IPC (hint: use IpcMode:shareable for the donor container)"))
            // What is left of a container without processes of its own ends with it.
            try await lab.docker(
                words: Self.alone + ["--pid", "host", "busybox", "sh", "-c", "sleep 7654321 & exit 3"], expecting: 3)
            try await lab.eventually("no process of it is left") {
                try !Files.list("/proc").contains { entry in
                    ((try? Files.readText("/proc/\(entry.name)/cmdline", limit: 4_096)) ?? "").contains("7654321")
                }
            }
        }
    }

    @Test("users, devices, kernel parameters and security options are what was asked for")
    func security() async throws {
        try await Self.withLab { lab in
            let groups = try await run(lab, ["--user", "1234:55", "--group-add", "user", "--group-add", "99"], "id -G")
            #expect(Set(groups.line.split(separator: " ").map(String.init)) == ["55", "1000", "99"])
            let device = try await run(
                lab, ["--device", "/dev/null:/dev/mine:r"], "cat /dev/mine; test -c /dev/mine && echo c")
            #expect(device.line == "c")
            let parameters = try await run(
                lab, ["--sysctl", "net.core.somaxconn=77", "--sysctl", "kernel.msgmax=9000"],
                "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax")
            #expect(parameters.out == "77\n9000\n")
            func status(_ options: [String], _ key: String) async throws -> String {
                let text = try await run(lab, options, "cat /proc/self/status").out
                let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") } ?? ""
                return String(line.split(whereSeparator: \.isWhitespace).last ?? "")
            }
            #expect(try await status([], "NoNewPrivs") == "0")
            #expect(try await status(["--security-opt", "no-new-privileges"], "NoNewPrivs") == "1")
            #expect(try await status(["--security-opt", "seccomp=unconfined"], "Seccomp") == "0")
            #expect(try await status([], "Seccomp") == "2")
            #expect(try await status(["--cap-drop", "ALL", "--cap-add", "chown"], "CapBnd").hasSuffix("0001"))
            let masked = try await run(lab, ["--security-opt", "systempaths=unconfined"], "cat /proc/mounts").out
            #expect(!masked.contains("/proc/kcore"))

            let profile = lab.root + "/profile.json"
            let text = """
                {"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
                 {"names":["open","openat"],"action":"SCMP_ACT_ERRNO","errnoRet":13,"args":[{"index":2,"value":64,"valueTwo":64,"op":"SCMP_CMP_MASKED_EQ"}]}]}
                """
            try Files.write(profile, Array(text.utf8))
            let words = Self.alone + ["--security-opt", "seccomp=\(profile)", "busybox", "dd", "if=/dev/zero", "of=/x"]
            #expect(try await lab.docker(words: words, expecting: nil).code != 0)
            let privileged = try await run(lab, ["--privileged"], "cat /proc/mounts; ls /dev").out
            #expect(privileged.contains(" /sys sysfs rw"))
            #expect(try await status(["--privileged"], "Seccomp") == "0")
        }
    }

    @Test("logs carry what options ask of the container, top takes options of ps, texts are Docker's")
    func views() async throws {
        try await Self.withLab { lab in
            try await lab.docker(
                "run", "--name", "logged", "--network", "none", "--log-opt", "labels=team", "--log-opt",
                "tag={{.Name}}", "--label", "team=a b", "busybox", "echo", "line")
            #expect(try await lab.docker("logs", "--details", "logged").line == "tag=logged,team=a+b line")
            #expect(
                try await lab.docker(
                    "run", "--name", "silent", "--log-driver", "none", "--network", "none", "busybox", "echo", "said"
                ).line == "said")
            let silent = try await lab.docker("logs", "silent", expecting: 1)
            #expect(silent.sentences.contains("configured logging driver does not support reading"))
            try await lab.docker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
            let rows = try await lab.docker("top", "web", "-o", "pid,comm").out.split(separator: "\n")
            #expect(rows.count == 2 && rows[0].hasPrefix("PID") && rows[1].hasSuffix("sleep"))
            let columns = try await lab.docker("top", "web", "-o", "comm", expecting: 1)
            #expect(columns.sentences.contains("Couldn't find PID field in ps output"))
            let renamed = try await lab.docker("rename", "web", "logged", expecting: 1)
            #expect(renamed.sentences.contains("Error when allocating new name: Conflict. The container name"))
            let killed = try await lab.docker("kill", "logged", expecting: 1)
            #expect(killed.sentences.contains("cannot kill container: logged: container"))
        }
    }
}
