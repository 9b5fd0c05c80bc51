import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("Executing in a running container", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct ExecTests {
    @Test("the process is in the container's namespaces and cgroup, with its own identity")
    func execute() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let result = try await lab.exec(
                """
                hostname; id -u 2>/dev/null; pwd; cat /proc/self/cgroup; grep 'open files' /proc/self/limits
                grep -E 'CapEff|NoNew|Seccomp:' /proc/self/status; exit 6
                """,
                in: connection, configuration
            ) {
                $0.process.user = "app"
                $0.process.workingDirectory = "/home"
            }
            #expect(result.code == 6)
            #expect(result.output.hasPrefix("web\n1000\n/home\n"))
            #expect(result.output.contains("CapEff:\t0000000000000000"))
            #expect(result.output.contains("NoNewPrivs:\t1"))
            #expect(result.output.contains("Seccomp:\t2"))
            let limit = HostFacts.current().openFiles
            let words = result.output.split(separator: " ", omittingEmptySubsequences: true)
            #expect(words.filter { $0 == "\(limit)" }.count == 2, "\(result.output)")
            #expect(!result.output.contains(lab.cgroup))
            let seen = try await lab.exec("ps", in: connection, configuration)
            #expect(seen.output.contains("sleep 100"))
        }
    }

    @Test("one who gives up waiting for the exit code takes it from nobody")
    func abandonedWait() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let exec = ExecConfiguration(
                process: ProcessConfiguration(
                    arguments: ["sh", "-c", "read go; exit 9"], environment: ["PATH=/bin"]),
                containerName: "web", cgroupPath: configuration.cgroupPath)
            let (pipe, input) = (try Pipe().separate(), try Pipe().separate())
            let process = try await lab.runtime.exec(
                exec, in: connection,
                streams: .descriptors(
                    input: input.reading.raw, output: pipe.writing.raw, error: pipe.writing.raw))
            let impatient = Task { try await process.exitCode() }
            try await EventLoop.shared.sleep(for: .milliseconds(50))
            impatient.cancel()
            await #expect(throws: (any Error).self) { _ = try await impatient.value }
            try input.writing.writeAll(Array("go\n".utf8))
            #expect(try await process.exitCode() == 9)
        }
    }

    @Test("a working directory that is missing is refused by name, and not made")
    func missingDirectory() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            do {
                _ = try await lab.exec("true", in: connection, configuration) { $0.process.workingDirectory = "/nope" }
                Issue.record("it started")
            } catch let error as RuntimeError {
                #expect(error.description.contains("chdir to cwd (\"/nope\")"))
                #expect(error.description.contains("ENOENT"))
            }
            #expect(!Files.exists(configuration.upperDirectory + "/nope"))
        }
    }

    @Test("identity follows the account files, as Docker's does")
    func identity() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            for (user, words) in [
                ("", "0 /root"), ("app", "1000 44 /home/app"), ("1000:7", "7 /home/app"), ("77", "0 /"),
            ] {
                let result = try await lab.exec("echo $(id -G) $HOME", in: connection, configuration) {
                    $0.process.user = user
                }
                #expect(result.output == words + "\n", "user '\(user)'")
            }
        }
    }

    @Test("a terminal is the container's")
    func terminal() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            var exec = ExecConfiguration(
                process: ProcessConfiguration(
                    arguments: ["sh", "-c", "tty; stty size; read x; echo got $x"], environment: ["PATH=/bin"]),
                containerName: "web", cgroupPath: configuration.cgroupPath)
            exec.terminal = TerminalConfiguration(rows: 11, columns: 22)
            let process = try await lab.runtime.exec(exec, in: connection, streams: .terminal)
            let terminal = try #require(process.terminal)
            try terminal.writeAll(Array("hi\n".utf8))
            #expect(try await process.exitCode() == 0)
            // The kernel hands on what was written in pieces of its own.
            try terminal.setNonBlocking(true)
            var bytes: [UInt8] = []
            while let piece = try? terminal.read(upTo: 4096), !piece.isEmpty { bytes += piece }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("/dev/pts/0"))
            #expect(text.contains("11 22"))
            #expect(text.contains("got hi"))
        }
    }

    @Test("what cannot be executed is said, with Docker's code")
    func missing() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let exec = ExecConfiguration(
                process: ProcessConfiguration(arguments: ["nope"]), containerName: "web",
                cgroupPath: configuration.cgroupPath)
            do {
                _ = try await lab.runtime.exec(
                    exec, in: connection, streams: .descriptors(input: nil, output: 1, error: 2))
                Issue.record("it started")
            } catch let error as RuntimeError {
                #expect(error.description.contains("executable file not found in $PATH"))
                #expect(error.exitCode == 127)
            }
        }
    }

    @Test("a signal ends it, and the container's end ends it")
    func signals() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let exec = ExecConfiguration(
                process: ProcessConfiguration(arguments: ["sleep", "50"], environment: ["PATH=/bin"]),
                containerName: "web", cgroupPath: configuration.cgroupPath)
            let streams = ExecStreams.descriptors(input: nil, output: 1, error: 2)
            let first = try await lab.runtime.exec(exec, in: connection, streams: streams)
            try await first.kill(signal: 15)
            #expect(try await first.exitCode() == 143)
            let second = try await lab.runtime.exec(exec, in: connection, streams: streams)
            try await connection.stop(timeout: .zero)
            #expect(try await second.exitCode() == 137)
            await #expect(throws: RuntimeError.notRunning(name: "web")) {
                _ = await connection.waitForExit()
                _ = try await lab.runtime.exec(exec, in: connection, streams: streams)
            }
        }
    }
}
