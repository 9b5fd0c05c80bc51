import JSONText
import Linux
import Testing

/// `stackctl`'s own verbs for containers, against a daemon.
@Suite("stackctl's container verbs", .serialized, .timeLimit(.minutes(10)))
struct ContainerVerbTests {
    @Test("run gives output, input, exit codes and identifiers as docker run does")
    func run() async throws {
        let lab = try await EngineLab()
        let hello = try await lab.stackctl("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
        #expect(hello.out == "out\n")
        #expect(hello.error == "err\n")
        try await lab.stackctl("run", "--rm", "busybox", "sh", "-c", "exit 7", expecting: 7)
        #expect(try await lab.stackctl("run", "--rm", "-i", "busybox", "cat", input: "data\n").out == "data\n")
        let missing = try await lab.stackctl("run", "--rm", "busybox", "nosuch", expecting: 127)
        #expect(missing.error.hasPrefix("stackctl: Error response from daemon: "))
        #expect(missing.error.hasSuffix("\nRun 'stackctl run --help' for more information\n"))
        try await lab.stackctl("run", "--rm", "busybox", "/etc", expecting: 126)
        let wrong = try await lab.stackctl("run", "-m", "abc", "busybox", expecting: 125)
        #expect(wrong.error.contains("invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'"))
        try await lab.stackctl("run", "--nosuch", "busybox", expecting: 125)
        let never = try await lab.stackctl("run", "--pull", "never", "nosuch:1", expecting: 125)
        #expect(never.error.lowercased().contains("no such image"))
        let file = lab.root + "/id"
        let made = try await lab.stackctl(
            "run", "-d", "--name", "web", "--cidfile", file, "-e", "A=1", "-e", "TAKEN", "-l", "a=b", "-w", "/tmp",
            "-m",
            "64m", "busybox", "sleep", "1000", environment: ["TAKEN=over"])
        #expect(made.line.count == 64)
        #expect(try Files.readText(file) == made.line)
        let again = try await lab.stackctl("run", "--cidfile", file, "busybox", expecting: 125)
        #expect(again.error.contains("container ID file found"))
        let environment = try await lab.stackctl("exec", "web", "env").out
        #expect(environment.contains("A=1\n") && environment.contains("TAKEN=over\n"))
        #expect(try await lab.stackctl("exec", "web", "pwd").out == "/tmp\n")
        #expect(
            try await lab.stackctl("inspect", "-f", "{{.HostConfig.Memory}} {{.Name}}", "web").out
                == "67108864 /web\n")
        let taken = try await lab.stackctl("run", "--name", "web", "busybox", expecting: 125)
        #expect(taken.error.contains("The container name \"/web\" is already in use"))
        try await lab.stackctl("rm", "-f", "web")
        #expect(try await lab.stackctl("rm", "-f", "web").error.contains("No such container"))
        try await lab.stackctl("rm", "web", expecting: 1)
        try await lab.takeDown()
    }

    @Test("lists have Docker's columns, filters and formats")
    func lists() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl("run", "-d", "--name", "one", "-l", "tier=web", "busybox", "sleep", "1000")
        try await lab.stackctl("create", "--name", "two", "busybox", "true")
        let table = try await lab.stackctl("ps")
        #expect(
            table.line.split(separator: " ").map(String.init)
                == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"])
        #expect(table.out.contains("\"sleep 1000\""))
        #expect(try await lab.stackctl("ps", "-aq").out.split(separator: "\n").count == 2)
        #expect(try await lab.stackctl("ps", "-l", "--format", "{{.Names}}").out == "two\n")
        #expect(try await lab.stackctl("ps", "-n", "2", "--format", "{{.Names}}").out == "two\none\n")
        #expect(
            try await lab.stackctl("ps", "-a", "-f", "name=one", "--format", "{{.Label \"tier\"}} {{.State}}").out
                == "web running\n")
        let row = try JSONValue.parse(try await lab.stackctl("ps", "--format", "json").out)
        #expect(row["Names"] == "one")
        #expect(row["Labels"] == "tier=web")
        let stats = try await lab.stackctl("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}")
        #expect(stats.out == "one 1\n")
        #expect(try await lab.stackctl("top", "one").out.contains("sleep 1000"))
        #expect(try await lab.stackctl("network", "ls", "--format", "{{.Name}}").out.contains("bridge\n"))
        #expect(try await lab.stackctl("version", "-f", "{{.Client.Os}}").out == "linux\n")
        #expect(try await lab.stackctl("info", "-f", "{{.ContainersRunning}}").out == "1\n")
        #expect(
            try await lab.stackctl("system", "df", "--format", "{{.Type}} {{.TotalCount}}").out.contains("Images 1\n"))
        let since = try await lab.stackctl(
            "events", "--since", "1h", "--until", "\(Clock.now().seconds + 1)", "--format", "{{.Type}} {{.Action}}",
            "-f", "container=one")
        #expect(since.out.contains("container start\n"))
        try await lab.takeDown()
    }

    @Test("a container's life is changed and watched")
    func life() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl(
            "run", "-d", "--name", "web", "busybox", "sh", "-c",
            "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done")
        // The first process of a namespace does not hear signals that it has no trap for.
        try await lab.eventually("its trap is set") { try await lab.stackctl("logs", "web").out == "ready\n" }
        #expect(try await lab.stackctl("pause", "web").out == "web\n")
        #expect(try await lab.stackctl("ps", "--format", "{{.Status}}").out.contains("(Paused)"))
        try await lab.stackctl("unpause", "web")
        try await lab.stackctl("update", "-m", "64m", "--restart", "no", "web")
        try await lab.stackctl("update", "web", expecting: 1)
        try await lab.stackctl("rename", "web", "site")
        try await lab.stackctl("stop", "-t", "100", "site")
        #expect(try await lab.stackctl("wait", "site").out == "3\n")
        try await lab.stackctl("start", "site")
        try await lab.stackctl("kill", "-s", "KILL", "site")
        #expect(try await lab.stackctl("wait", "site").out == "137\n")
        try await lab.stackctl("create", "--name", "echo", "-i", "busybox", "cat")
        #expect(try await lab.stackctl("start", "-a", "-i", "echo", input: "through\n").out == "through\n")
        let stopped = try await lab.stackctl("attach", "echo", expecting: 1)
        #expect(stopped.error.contains("cannot attach to a stopped container"))
        try await lab.takeDown()
    }

    @Test("networks are made with every option, joined and left")
    func networks() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl(
            "network", "create", "--subnet", "10.233.7.0/24", "--gateway", "10.233.7.9", "--label", "a=b", "shop")
        #expect(
            try await lab.stackctl(
                "network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}", "shop"
            )
            .out == "10.233.7.0/24 10.233.7.9\n")
        let wrong = try await lab.stackctl(
            "network", "create", "--subnet", "10.233.7.0/24", "--gateway", "10.99.0.1", "x", expecting: 1)
        #expect(wrong.error.contains("no matching subnet for gateway 10.99.0.1"))
        try await lab.stackctl("run", "-d", "--name", "one", "busybox", "sleep", "1000")
        try await lab.stackctl("network", "connect", "--ip", "10.233.7.50", "--alias", "first", "shop", "one")
        #expect(try await lab.stackctl("exec", "one", "ip", "addr").out.contains("10.233.7.50/24"))
        try await lab.stackctl("network", "disconnect", "shop", "one")
        #expect(!(try await lab.stackctl("exec", "one", "ip", "addr").out.contains("10.233.7.50/24")))
        #expect(try await lab.stackctl("network", "rm", "shop").out == "shop\n")
        try await lab.stackctl("network", "rm", "-f", "shop")
        try await lab.takeDown()
    }

    @Test("files are copied in and out by the rules of docker cp")
    func copying() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl("run", "-d", "--name", "box", "busybox", "sleep", "1000")
        let here = lab.root + "/here"
        try Files.makeDirectories(here + "/folder/inner")
        try Files.write(here + "/folder/inner/file", Array("inside\n".utf8))
        try Files.write(here + "/plain", Array("plain\n".utf8))
        try await lab.stackctl("cp", here + "/plain", "box:/tmp")
        try await lab.stackctl("cp", here + "/plain", "box:/tmp/other")
        try await lab.stackctl("cp", here + "/folder", "box:/tmp")
        try await lab.stackctl("cp", here + "/folder/.", "box:/tmp")
        try await lab.stackctl("cp", here + "/folder", "box:/tmp/new")
        for path in ["plain", "other", "folder/inner/file", "inner/file", "new/inner/file"] {
            #expect(try await lab.stackctl("exec", "box", "cat", "/tmp/\(path)").code == 0, "\(path)")
        }
        try await lab.stackctl("cp", "box:/tmp/folder", here + "/back")
        try await lab.stackctl("cp", "box:/tmp/folder/.", here)
        try await lab.stackctl("cp", "box:/tmp/plain", here + "/renamed")
        for path in ["back/inner/file", "inner/file", "renamed"] { #expect(Files.exists("\(here)/\(path)"), "\(path)") }
        let tar = try await lab.stackctl("cp", "box:/tmp/plain", "-")
        #expect(tar.out.contains("plain\n"))
        let missing = try await lab.stackctl("cp", "box:/nosuch", here, expecting: 1)
        #expect(missing.error.contains("Could not find the file /nosuch"))
        try await lab.stackctl("cp", here + "/folder", "box:/tmp/plain", expecting: 1)
        try await lab.stackctl("cp", here + "/plain", here + "/b", expecting: 1)
        // A link that leads out is made as it is, and nothing is written through it.
        try await lab.stackctl("exec", "box", "sh", "-c", "mkdir /tmp/evil; ln -s /etc /tmp/evil/a")
        try await lab.stackctl("cp", "box:/tmp/evil", here)
        #expect(try Files.readLink(here + "/evil/a") == "/etc")
        #expect(try await lab.stackctl("diff", "box").out.contains("A /tmp/plain\n"))
        try await lab.takeDown()
    }

    @Test("contexts, DOCKER_HOST and ssh lead to the daemon")
    func connections() async throws {
        let lab = try await EngineLab()
        let socket = "unix://\(lab.root)/run/stackctl.sock"
        let elsewhere = try await client(lab, ["version", "-f", "{{.Server.ApiVersion}}"], ["DOCKER_HOST=\(socket)"])
        #expect(elsewhere.code == 0 && elsewhere.out.hasPrefix("1."))
        #expect(try await client(lab, ["context", "create", "lab", "--docker", "host=\(socket)"]).code == 0)
        #expect(try await client(lab, ["--context", "lab", "ps", "-q"]).code == 0)
        #expect(try await client(lab, ["context", "use", "lab"]).out == "lab\n")
        #expect(try await client(lab, ["context", "show"]).out == "lab\n")
        #expect(try await client(lab, ["ps", "-q"]).code == 0)
        #expect(
            try await client(lab, ["context", "ls", "--format", "{{.Name}} {{.Current}}"]).out.contains("lab true\n"))
        #expect(try await client(lab, ["context", "export", "lab", lab.root + "/lab.tar"]).code == 0)
        #expect(try await client(lab, ["context", "import", "copy", lab.root + "/lab.tar"]).code == 0)
        #expect(
            try await client(lab, ["context", "inspect", "-f", "{{.Endpoints.docker.Host}}", "copy"]).out == socket
                + "\n")
        #expect(try await client(lab, ["context", "rm", "lab"]).code == 1)
        #expect(try await client(lab, ["context", "rm", "-f", "lab", "copy"]).code == 0)
        #expect(try await client(lab, ["-c", "lab", "ps"]).error.contains("context \"lab\" does not exist"))
        // A program called ssh that runs the command here.
        let folder = lab.root + "/bin"
        try Files.makeDirectories(folder)
        let executable = try CurrentProcess.executablePath()
        let program = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)] + "/stackctl"
        try Files.symlink(String(program), at: folder + "/stackctl")
        try await ProgramFile.write(folder + "/ssh", "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n")
        let path = ["PATH=\(folder):/usr/bin:/bin"]
        let host = "ssh://me@there\(lab.root)/run/stackctl.sock"
        let remote = try await client(lab, ["-H", host, "run", "--rm", "-i", "busybox", "cat"], path, input: "far\n")
        #expect(remote.out == "far\n", "\(remote.error)")
        let refused = try await client(lab, ["-H", "tcp://192.0.2.1:2375", "ps"])
        #expect(refused.error.contains("without TLS"))
        try await lab.takeDown()
    }

    /// Runs our client with nothing said of where the daemon is.
    private func client(
        _ lab: EngineLab, _ words: [String], _ more: [String] = [], input: String = ""
    ) async throws -> EngineLab.Output {
        let executable = try CurrentProcess.executablePath()
        let folder = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)]
        let request = SpawnRequest(
            executable: .path("\(folder)/stackctl"), arguments: ["stackctl"] + words,
            environment: (more.contains { $0.hasPrefix("PATH=") } ? [] : ["PATH=/usr/bin:/bin"])
                + ["HOME=\(lab.root)", "NO_COLOR=1"] + more)
        let result = try await Spawn.run(request, input: Array(input.utf8), timeout: .seconds(150))
        return EngineLab.Output(code: result.status.code, out: result.outputText, error: result.errorText)
    }
}
