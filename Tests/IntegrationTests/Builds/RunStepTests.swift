import Builder
import Dockerfile
import Linux
import OCI
import Testing

@Suite("Steps that run a process", .serialized, .timeLimit(.minutes(15)))
struct RunStepTests {
    @Test("a process runs in the image, and what it writes becomes a layer with nothing else in it")
    func layers() async throws {
        let lab = try await RunLab()
        let first = try await lab.run(lab.step("echo out; echo err >&2; mkdir /made; echo hello > /made/file"))
        #expect(first.log.out == "out\n")
        #expect(first.log.error == "err\n")
        // No place that is mounted on is in it: not /etc/hosts, /proc, /dev.
        #expect(try await lab.files(of: first.layer) == ["made/", "made/file"])
        let layer = try #require(first.layer)
        let second = try await lab.run(lab.step("cat /made/file; stat -c %Y /made; rm -r /made", on: [layer]))
        #expect(second.log.out == "hello\n\(RunLab.epoch.seconds)\n")
        #expect(try await lab.files(of: second.layer) == ["made"])
        let again = try await lab.run(lab.step("mkdir /made; echo hello > /made/file"))
        #expect(again.layer == layer)
        #expect(try await lab.run(lab.step("true")).layer == nil)
        let missing = try await lab.failure(of: lab.step(arguments: ["nothing-such"]))
        #expect(missing.failure.kind == .process(exitCode: 127))
        #expect(missing.text.contains("executable file not found in $PATH"))
        let failed = try await lab.failure(of: lab.step("exit 3"))
        #expect(failed.failure.kind == .process(exitCode: 3))
        #expect(
            failed.text.contains("process \"/bin/sh -c exit 3\" did not complete successfully: exit code: 3"))
        try await lab.takeDown()
    }
}
