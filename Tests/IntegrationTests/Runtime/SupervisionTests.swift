import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("Supervisors", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct SupervisionTests {
    @Test("a supervisor goes on without the daemon, and the next one has the container back")
    func reconnect() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.script(
                "web", "trap 'echo ended; exit 5' USR1; echo begun; while :; do sleep 0.05; done")
            let first = try await lab.start(configuration)
            let pid = first.pid
            first.close()
            let next = try ContainerRuntime(initBinary: RuntimeLab.initBinary())
            let connection = try #require(try await next.connect(directory: configuration.directory, name: "web"))
            #expect(connection.pid == pid)
            #expect(connection.status.state == .running)
            try await lab.waitForLog(configuration, records: 1)
            try await connection.kill(signal: 10)
            var states: [SupervisorState] = []
            for await status in connection.events() { states.append(status.state) }
            #expect(states.last == .exited)
            #expect(connection.status.exitCode == 5)
            #expect(try lab.log(configuration).map(\.text) == ["begun", "ended"])
        }
    }

    @Test("an exit that nobody saw is in the status file, and nothing else is left")
    func unseenExit() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.script("web", "sleep 0.3; exit 9")
            let connection = try await lab.start(configuration)
            connection.close()
            try await lab.eventually("the supervisor has let go of the container") {
                try !lab.runtime.isSupervised(directory: configuration.directory)
            }
            #expect(!Files.exists("\(configuration.directory)/control.sock"))
            let status = try #require(try lab.runtime.status(directory: configuration.directory))
            #expect(status.exitCode == 9)
            #expect(status.state == .exited)
            #expect(try await lab.runtime.connect(directory: configuration.directory) == nil)
            #expect(try !lab.runtime.cgroup(path: configuration.cgroupPath).exists)
        }
    }

    @Test("a supervisor that is killed takes the container with it, and it is seen as killed")
    func killedSupervisor() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let process = try ProcessHandle.open(connection.pid)
            try Signals.kill(connection.supervisorPID, 9)
            let status = await connection.waitForExit()
            #expect(status.exitCode == 137)
            try await process.waitForExit()
            #expect(try lab.runtime.status(directory: configuration.directory)?.state == .exited)
        }
    }

    @Test("a failing process is started again with growing pauses, at most as often as allowed")
    func restartOnFailure() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script("web", "echo try; exit 4")
            configuration.restart = .onFailure(maximumRetries: 2)
            let begun = Clock.monotonic()
            let (status, log) = try await lab.run(configuration)
            let took = Clock.monotonic() - begun
            #expect(log.map(\.text) == ["try", "try", "try"])
            #expect(status.restartCount == 2)
            #expect(status.exitCode == 4)
            #expect(took > 300_000_000)
        }
    }

    @Test("a stop by hand ends even a container that always restarts, also while it waits")
    func stopAlways() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script("web", "exit 0")
            configuration.restart = .always
            let connection = try await lab.start(configuration)
            while connection.status.restartCount < 2 { try await EventLoop.shared.sleep(for: .milliseconds(20)) }
            try await connection.stop()
            let status = await connection.waitForExit()
            #expect(status.state == .exited)
            #expect(status.stopRequested)
        }
    }

    @Test("a process that ignores the stop signal is killed after the timeout")
    func stopTimeout() async throws {
        try await RuntimeLab.with { lab in
            let stubborn = lab.script("web", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
            let connection = try await lab.start(stubborn)
            try await lab.waitForLog(stubborn, records: 1)
            let begun = Clock.monotonic()
            try await connection.stop(timeout: .milliseconds(400))
            let status = await connection.waitForExit()
            let took = Clock.monotonic() - begun
            #expect(status.exitCode == 137)
            #expect(took > 390_000_000)
        }
    }

    @Test("a polite process ends at its stop signal")
    func politeStop() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script("web", "trap 'echo bye; exit 0' USR1; echo up; while :; do sleep 0.05; done")
            configuration.stopSignal = 10
            configuration.stopTimeout = .seconds(60)
            let connection = try await lab.start(configuration)
            try await lab.waitForLog(configuration, records: 1)
            try await connection.stop()
            #expect(await connection.waitForExit().exitCode == 0)
            #expect(try lab.log(configuration).map(\.text) == ["up", "bye"])
        }
    }

    @Test("a restart by hand keeps the supervisor and the network, and counts as no failure")
    func restart() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.script("web", "echo up; readlink /proc/self/ns/net; while :; do sleep 0.05; done")
            let connection = try await lab.start(configuration)
            let pid = connection.pid
            let supervisor = connection.supervisorPID
            try await lab.waitForLog(configuration, records: 2)
            try await connection.restart(timeout: .zero)
            try await lab.waitForLog(configuration, records: 4)
            // The program may be ahead of what its supervisor says of it.
            for await status in connection.events() where status.pid != pid && status.pid != 0 { break }
            #expect(connection.pid != pid)
            #expect(connection.supervisorPID == supervisor)
            #expect(connection.status.restartCount == 0)
            let texts = try lab.log(configuration).map(\.text)
            try #require(texts.count == 4)
            #expect(texts[1] == texts[3])
        }
    }

    @Test("a policy changed while the process runs is the one that counts")
    func changedPolicy() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script("web", "trap 'exit 1' USR1; echo up; while :; do sleep 0.05; done")
            configuration.restart = .always
            let connection = try await lab.start(configuration)
            try await lab.waitForLog(configuration, records: 1)
            try await connection.setRestartPolicy(.never)
            try await connection.kill(signal: 10)
            let status = await connection.waitForExit()
            #expect(status.restartCount == 0)
        }
    }

    @Test("the log keeps every byte of much output, over rotation")
    func losslessLog() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.script("web", "seq 1 300000; head -c 100000 /dev/zero | tr '\\0' x")
            configuration.log.maximumBytes = 2 << 20
            configuration.log.maximumFiles = 20
            let (status, last) = try await lab.run(configuration)
            #expect(status.exitCode == 0)
            var records = last
            let path = try #require(configuration.log.path)
            for number in 1..<20 where Files.exists("\(path).\(number)") {
                records = try LogRecord.parse(Files.readAll("\(path).\(number)", limit: 64 << 20)) + records
            }
            #expect(Files.exists("\(path).1"))
            #expect(records.allSatisfy { $0.text.utf8.count <= 16_384 })
            let text = records.map { $0.text + ($0.isFull ? "\n" : "") }.joined()
            let expected = (1...300_000).map { "\($0)\n" }.joined() + String(repeating: "x", count: 100_000)
            #expect(text == expected)
        }
    }

    /// What a question is refused with, asked until there is an answer: one who has little patience may get none at first.
    private static func answer(_ question: () async throws -> Void) async -> RuntimeError? {
        while true {
            do {
                try await question()
                return nil
            } catch let error as RuntimeError {
                guard case .silent = error else { return error }
            } catch {
                Issue.record(error)
                return nil
            }
        }
    }

    @Test("a stopped supervisor is waited for a while, and then named; once it goes on it answers again")
    func stoppedSupervisor() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let first = try await lab.start(configuration)
            let connection = try #require(
                try await lab.runtime.connect(
                    directory: configuration.directory, name: "web", patience: .milliseconds(200)))
            try Signals.kill(connection.supervisorPID, 19)
            let error = await #expect(throws: RuntimeError.self) { try await connection.kill(signal: 0) }
            #expect(error?.description.contains("the supervisor of web, process \(connection.supervisorPID)") == true)
            await #expect(throws: RuntimeError.self) { _ = try await connection.openInput() }
            try Signals.kill(connection.supervisorPID, 18)
            // The late answers are for nobody: those that follow find their own questions.
            #expect(await Self.answer { try await connection.kill(signal: 0) } == nil)
            let resized = await Self.answer { try await connection.resize(rows: 1, columns: 1) }
            guard case .system? = resized else {
                Issue.record("there is no terminal: \(String(describing: resized))")
                return
            }
            try await first.kill(signal: 9)
            #expect(await first.waitForExit().exitCode == 137)
        }
    }

    @Test("with a full disk the exit status reaches who asks, and the file as soon as there is room")
    func fullDisk() async throws {
        try await RuntimeLab.with { lab in
            let disk = lab.folder + "/disk"
            try Files.makeDirectory(disk)
            try Mounts.mount(source: "tmpfs", target: disk, type: "tmpfs", data: "size=1m")
            defer { _ = try? Mounts.unmountIfMounted(disk, [.detach]) }
            var configuration = lab.script(
                "web", "trap 'echo out; exit 7' USR1; echo up; while :; do sleep 0.05; done")
            configuration.directory = disk + "/web"
            configuration.log = LogConfiguration(path: disk + "/web/log")
            let connection = try await lab.start(configuration)
            // The first process of a namespace does not hear signals that it has no trap for.
            try await lab.waitForLog(configuration, records: 1)
            let filler = try Files.open(disk + "/filler", [.writeOnly, .create])
            let page = [UInt8](repeating: 1, count: 4_096)
            while (try? filler.writeAll(page)) != nil {}
            try await connection.kill(signal: 10)
            let status = await connection.waitForExit()
            #expect(status.exitCode == 7)
            let next = try #require(
                try await lab.runtime.connect(directory: configuration.directory, name: "web"))
            #expect(next.status.exitCode == 7)
            #expect(next.status.isFinal)
            try Files.unlink(disk + "/filler")
            try filler.close()
            for _ in 0..<3_000 where try lab.runtime.isSupervised(directory: configuration.directory) {
                try await EventLoop.shared.sleep(for: .milliseconds(20))
            }
            #expect(try lab.runtime.status(directory: configuration.directory)?.exitCode == 7)
            try await lab.runtime.delete(
                directory: configuration.directory, cgroupPath: configuration.cgroupPath)
        }
    }

    @Test("the group above the containers goes with the last one that nobody watches, and by hand otherwise")
    func idleGroup() async throws {
        try await RuntimeLab.with { lab in
            let parent = try lab.runtime.cgroup(path: lab.cgroup)
            // One that ends before it is watched would take the group along.
            let watched = try await lab.start(lab.container("watched", ["sleep", "100"]))
            try await watched.kill(signal: 9)
            _ = await watched.waitForExit()
            #expect(parent.exists)
            await lab.runtime.removeIdleCgroup(lab.cgroup)
            #expect(parent.directories.allSatisfy { !Files.exists($0) })
            let other = try await lab.start(lab.container("other", ["sleep", "100"]))
            await lab.runtime.removeIdleCgroup(lab.cgroup)
            #expect(parent.exists)
            let supervisor = try ProcessHandle.open(other.supervisorPID)
            let process = try ProcessHandle.open(other.pid)
            let rest = other.events()
            other.close()
            // They end when the line is closed, which whoever reads it may put off.
            for await _ in rest {}
            withExtendedLifetime(other) {}
            try process.send(9)
            try await supervisor.waitForExit()
            #expect(parent.directories.allSatisfy { !Files.exists($0) })
        }
    }

    @Test("a supervisor needs less than a megabyte")
    func memory() async throws {
        try await RuntimeLab.with { lab in
            // The program itself is shared by all supervisors, once there are two.
            let other = try await lab.start(lab.container("other", ["sleep", "100"]))
            defer { other.close() }
            let configuration = lab.script("web", "seq 1 100000; sleep 100")
            let connection = try await lab.start(configuration)
            let path = try #require(configuration.log.path)
            try await lab.eventually("all is in the log") {
                try Files.exists(path) && Files.readText(path, limit: 16 << 20).hasSuffix(" 100000\n")
            }
            let text = try Files.readText("/proc/\(connection.supervisorPID)/smaps_rollup")
            let sizes = text.split(separator: "\n").filter { $0.hasPrefix("Private_") }.compactMap {
                Int($0.split(separator: " ").dropFirst().first ?? "")
            }
            #expect(sizes.reduce(0, +) < 1024, "\(sizes)")
        }
    }
}
