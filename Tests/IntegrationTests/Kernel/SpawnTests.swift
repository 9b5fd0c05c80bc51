import Linux
import Synchronization
import Testing

@Suite("Programs started by the kernel", .timeLimit(.minutes(5)))
struct SpawnTests {
    private func shell(_ script: String) -> SpawnRequest {
        SpawnRequest(executable: .path("/bin/sh"), arguments: ["sh", "-c", script], environment: ["A=1"])
    }

    @Test("output, error output, input and exit code come back")
    func outputs() async throws {
        let result = try await Spawn.run(shell("cat; echo err >&2; echo $A; exit 7"), input: Array("in\n".utf8))
        #expect(result.status == .exited(7))
        #expect(result.outputText == "in\n1\n")
        #expect(result.errorText == "err\n")
        #expect(!result.timedOut && !result.truncated)
    }

    @Test("a program that is not there fails at once with its path")
    func missing() async throws {
        let error = await #expect(throws: SystemError.self) { try await Spawn.run(SpawnRequest("/no/such/program")) }
        #expect(error?.errno == .ENOENT)
        #expect(error?.subject == "/no/such/program")
    }

    @Test("a program that takes too long is killed with its children")
    func timeout() async throws {
        let result = try await Spawn.run(shell("sleep 610 & echo $!; sleep 610"), timeout: .seconds(10))
        #expect(result.timedOut)
        #expect(result.status == .signaled(9, coreDumped: false))
        let child = try #require(Int32(result.outputText.filter { $0.isNumber }))
        func lives() -> Bool { ((try? Files.readText("/proc/\(child)/cmdline")) ?? "").contains("610") }
        for _ in 0..<3_000 where lives() { try await EventLoop.shared.sleep(for: .milliseconds(20)) }
        #expect(!lives())
    }

    @Test("a cancelled run kills the program")
    func cancellation() async throws {
        let task = Task { try await Spawn.run(shell("exec sleep 62")) }
        try await EventLoop.shared.sleep(for: .milliseconds(100))
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test("output beyond the limit is read and dropped, so the program ends")
    func limit() async throws {
        let result = try await Spawn.run(shell("head -c 3000000 /dev/zero"), outputLimit: 1_000)
        #expect(result.truncated)
        #expect(result.standardOutput.count == 1_000)
        #expect(result.status.isSuccess)
    }

    @Test("a grandchild that keeps the output open does not keep us waiting")
    func grandchild() async throws {
        let result = try await Spawn.run(shell("sleep 630 & echo done $!"), timeout: .seconds(150))
        let words = result.outputText.split(separator: " ").map { $0.filter { !$0.isWhitespace } }
        #expect(words.first == "done" && !result.timedOut)
        // It is there still: to signal it is no error.
        let sleeper = try #require(words.last.flatMap { Int32($0) })
        try Signals.kill(sleeper, 9)
    }

    @Test("what was written before the end is all there, however late it is read")
    func lateReader() async throws {
        let isFirst = Atomic(true)
        let result = try await Spawn.run(shell("seq 12000"), timeout: .seconds(150)) { _ in
            if isFirst.exchange(false, ordering: .relaxed) { Clock.block(for: .seconds(3)) }
        }
        #expect(result.outputText.hasSuffix("\n12000\n") && !result.truncated)
    }

    @Test("lines are told as they come")
    func lines() async throws {
        let (stream, continuation) = AsyncStream<OutputLine>.makeStream()
        _ = try await Spawn.run(shell("echo a; echo b >&2; printf c")) { continuation.yield($0) }
        continuation.finish()
        var seen: Set<OutputLine> = []
        for await line in stream { seen.insert(line) }
        #expect(
            seen == [
                OutputLine(stream: .standardOutput, text: "a"), OutputLine(stream: .standardError, text: "b"),
                OutputLine(stream: .standardOutput, text: "c"),
            ])
    }

    @Test("descriptors are mapped even when their numbers cross, and no others are inherited")
    func descriptors() async throws {
        let first = try MemoryFile.sealed(name: "first", content: Array("first".utf8)).shared()
        let second = try MemoryFile.sealed(name: "second", content: Array("second".utf8)).shared()
        let names = "/proc/self/fd/\(second.raw) /proc/self/fd/\(first.raw)"
        var request = shell("cat \(names); ls /proc/self/fd | wc -l")
        request.descriptors = [first.raw: second.raw, second.raw: first.raw]
        try first.setCloseOnExec(false)
        let result = try await Spawn.run(request)
        // 0, 1, 2, the two mapped ones, and the directory that ls reads; /proc/self is ls itself.
        #expect(result.outputText == "firstsecond6\n")
        withExtendedLifetime((first, second)) {}
    }

    @Test("a sealed copy of a program runs from memory")
    func fromDescriptor() async throws {
        let source = try Files.open("/bin/echo").shared()
        let copy = try MemoryFile.sealedCopy(name: "echo", of: source.raw).shared()
        let request = SpawnRequest(executable: .descriptor(copy.raw), arguments: ["echo", "hello"])
        #expect(try await Spawn.run(request).outputText == "hello\n")
    }

    @Test("signals are at their defaults in a child, and its session and directory are as asked")
    func attributes() async throws {
        Signals.ignoreBrokenPipe()
        var request = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; cd . && pwd; ps -o sid= -p $$; echo $$")
        request.workingDirectory = "/usr"
        request.newSession = true
        let lines = try await Spawn.run(request).outputText.split(separator: "\n").map {
            $0.filter { $0 != " " && $0 != "\t" }
        }
        #expect(lines[0] == "SigBlk:0000000000000000")
        // 32 and 33 are glibc's own: posix_spawn leaves them ignored.
        #expect(lines[1] == "SigIgn:0000000180000000")
        #expect(lines[2] == "/usr")
        #expect(lines[3] == lines[4])
    }

    @Test("a status can be asked by many, and a dropped child leaves no zombie")
    func reaping() async throws {
        let child = try Spawn.start(shell("sleep 0.1; exit 4"))
        async let first = child.exitStatus()
        async let second = child.exitStatus()
        #expect(try await (first, second) == (.exited(4), .exited(4)))
        #expect(try child.currentStatus() == .exited(4))
        try child.send(15)
        let pid = try Spawn.start(shell("sleep 0.1")).pid
        for _ in 0..<3_000 where Files.exists("/proc/\(pid)") {
            try await EventLoop.shared.sleep(for: .milliseconds(20))
        }
        #expect(!Files.exists("/proc/\(pid)"))
    }

    @Test("a handle is bound to one process by its start time")
    func identity() async throws {
        let child = try Spawn.start(shell("exec sleep 630"))
        let start = try ProcessHandle.startTime(child.pid)
        let handle = try ProcessHandle.open(child.pid, startedAt: start)
        #expect(handle.isAlive)
        #expect(throws: SystemError.self) { try ProcessHandle.open(child.pid, startedAt: start + 1) }
        try handle.send(9)
        try await handle.waitForExit()
        #expect(try await child.exitStatus() == .signaled(9, coreDumped: false))
        #expect(!handle.isAlive)
        let error = #expect(throws: SystemError.self) { try handle.send(9) }
        #expect(error?.errno == .ESRCH)
    }

    @Test("a hundred programs at a time are all reaped with their own codes")
    func many() async throws {
        let codes = try await withThrowingTaskGroup(of: (Int, Int32).self) { group in
            for index in 0..<100 {
                group.addTask { (index, try await Spawn.run(shell("exit \(index)")).status.code) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(codes.count == 100)
        #expect(codes.allSatisfy { $0.key == Int($0.value) })
    }
}
