import Linux
import Runtime
import Testing

@Suite("Jails", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct JailTests {
    private static func jail(
        _ script: String, _ change: (inout JailRequest) -> Void = { _ in }
    ) async throws -> JailResult {
        var request = JailRequest(
            initBinary: try RuntimeLab.initBinary(), executable: "/bin/busybox", arguments: ["sh", "-c", script])
        request.readOnlyPaths = [
            .init("/bin/busybox"), .init("/bin/busybox", at: "/bin/cat"), .init("/bin/busybox", at: "/bin/ls"),
        ]
        request.environment = ["PATH=/bin"]
        change(&request)
        return try await Jail.run(request)
    }

    @Test("a program's streams, result, report and exit code come back")
    func streams() async throws {
        let result = try await Self.jail("cat; echo out; echo err >&2; echo result >&3; echo report >&5; exit 4") {
            $0.input = Array("in ".utf8)
        }
        #expect(result.exitCode == 4)
        #expect(result.standardOutput == Array("in out\n".utf8))
        #expect(result.standardError == Array("err\n".utf8))
        #expect(result.result == Array("result\n".utf8))
        #expect(result.report == Array("report\n".utf8))
        #expect(!result.timedOut && !result.truncated)
        #expect(result.peakMemoryBytes > 0)
    }

    @Test("only the paths that were given exist, and they cannot be written")
    func paths() async throws {
        let folder = try Files.temporaryDirectory(prefix: "jail")
        defer { try? Files.removeTree(folder) }
        try Files.chmod(folder, mode: 0o755)
        try Files.write(folder + "/file", Array("given".utf8))
        let result = try await Self.jail(
            """
            cat /given/file; cat /etc/shadow /proc/version; echo x > /given/file; echo x > /new; ls /
            """
        ) { $0.readOnlyPaths.append(.init(folder, at: "/given")) }
        let output = String(decoding: result.standardOutput, as: UTF8.self)
        #expect(output.hasPrefix("given"))
        #expect(output.hasSuffix("bin\ndev\ngiven\n"))
        #expect(try Files.readText(folder + "/file") == "given")
        let errors = String(decoding: result.standardError, as: UTF8.self)
        #expect(errors.contains("/etc/shadow': No such file"))
        #expect(errors.contains("Read-only file system"))
    }

    @Test("it has no privileges, no network and nobody else's processes")
    func privileges() async throws {
        let result = try await Self.jail("cat /proc/self/status; cat /proc/net/dev; echo $$") { $0.mountProc = true }
        let output = String(decoding: result.standardOutput, as: UTF8.self)
        #expect(output.contains("CapEff:\t0000000000000000"))
        #expect(output.contains("CapBnd:\t0000000000000000"))
        #expect(output.contains("NoNewPrivs:\t1"))
        #expect(output.contains("Seccomp:\t2"))
        #expect(!output.contains("Uid:\t0"))
        #expect(!output.contains("eth0"))
        #expect(output.hasSuffix("\n1\n"))
    }

    @Test(
        "one that runs too long is killed, with all it started, also where it has not even begun", arguments: [1, 1000])
    func timeLimit(milliseconds: Int) async throws {
        let result = try await Self.jail("busybox sleep 1000 & busybox sleep 1000") {
            $0.limits.wallTime = .milliseconds(milliseconds)
        }
        #expect(result.timedOut)
        #expect(result.exitCode == 137)
    }

    @Test("memory, processes and output are limited")
    func limits() async throws {
        let memory = try await Self.jail("busybox tail /dev/zero") {
            $0.readOnlyPaths.append(.init("/dev/zero"))
            $0.limits.memoryBytes = 64 << 20
        }
        #expect(memory.exitCode != 0 && !memory.timedOut)
        let forks = try await Self.jail("for i in 1 2 3 4 5 6 7 8; do cat & done; echo end") {
            $0.limits.processes = 3
        }
        #expect(String(decoding: forks.standardError, as: UTF8.self).contains("fork"))
        let output = try await Self.jail(
            "i=0; while [ $i -lt 1000 ]; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i + 1)); done"
        ) { $0.outputLimit = 1000 }
        #expect(output.truncated)
        #expect(output.standardOutput.count == 1000)
    }

    @Test("it dies when the task is cancelled")
    func cancellation() async throws {
        let task = Task { try await Self.jail("while :; do :; done") }
        try await EventLoop.shared.sleep(for: .milliseconds(300))
        task.cancel()
        _ = await task.result
    }

    @Test("a program that cannot be started is an error that names it")
    func missing() async throws {
        await #expect(throws: RuntimeError.self) {
            _ = try await Jail.run(
                JailRequest(initBinary: try RuntimeLab.initBinary(), executable: "/nope", arguments: ["nope"]))
        }
    }
}
