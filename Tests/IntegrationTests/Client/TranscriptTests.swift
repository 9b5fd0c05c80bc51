import ImageStore
import Linux
import OCI
import Testing

/// Plays the transcripts against a daemon with the stock `docker` client, and with ours, which says the same.
@Suite("Transcripts", .serialized, .timeLimit(.minutes(20)))
struct TranscriptTests {
    enum Client: String, CaseIterable, Sendable { case docker, stackctl }

    @Test("a session of commands prints what Docker's users expect", arguments: Transcript.names, Client.allCases)
    func play(name: String, client: Client) async throws {
        let text = try Files.readText("\(Transcript.folder)/\(name).txt", limit: 1 << 20)
        let transcript = Transcript(text, for: client)
        let lab = try await EngineLab()
        let shell = try await TranscriptShell(lab, client)
        for check in transcript.checks {
            var complaint: String?
            // A minute for what takes its time.
            let deadline = ContinuousClock.now + .seconds(check.isRepeated ? 60 : 0)
            repeat {
                let result = try await shell.run(check.command)
                complaint = check.complaint(code: result.code, out: result.out, error: result.error)
                if complaint == nil { break }
                if check.isRepeated { try await EventLoop.shared.sleep(for: .milliseconds(250)) }
            } while ContinuousClock.now < deadline
            if let complaint { Issue.record("\(name).txt:\(check.line): \(check.command)\n\(complaint)") }
        }
        try await lab.takeDown()
    }

    @Test("there are more than a hundred checks")
    func count() throws {
        let checks = try Transcript.names.flatMap {
            Transcript(try Files.readText("\(Transcript.folder)/\($0).txt", limit: 1 << 20), for: .docker).checks
        }
        #expect(checks.count > 300)
    }
}

/// Runs commands one after another in one folder; `docker` in them is the client that is tried.
private struct TranscriptShell {
    let folder: String

    init(_ lab: EngineLab, _ client: TranscriptTests.Client) async throws {
        folder = "\(lab.root)/shell"
        for part in ["bin", "work"] { try Files.makeDirectories("\(folder)/\(part)") }
        let executable = try CurrentProcess.executablePath()
        let ours = "\(executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)])/stackctl"
        let stock = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
        let program = client == .docker ? stock : ours
        let line = "#!/bin/sh\nexec '\(program)' -H 'unix://\(lab.root)/run/stackctl.sock' \"$@\"\n"
        try await ProgramFile.write("\(folder)/bin/docker", line)
        try Files.write("\(folder)/state", [])
    }

    /// Runs a command; variables it sets are there for the next.
    func run(_ command: String) async throws -> (code: Int32, out: String, error: String) {
        let script = "set -a; . '\(folder)/state'; trap 'export -p > \"\(folder)/state\"' EXIT\n\(command)\n"
        var request = SpawnRequest(
            executable: .path("/bin/bash"), arguments: ["bash", "-c", script],
            environment: [
                "PATH=\(folder)/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=\(folder)", "NO_COLOR=1", "LC_ALL=C.UTF-8",
            ])
        request.workingDirectory = "\(folder)/work"
        let result = try await Spawn.run(request, timeout: .seconds(150))
        return (result.timedOut ? -1 : result.status.code, result.outputText, result.errorText)
    }
}
