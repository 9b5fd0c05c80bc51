import Diagnostics
import Linux
import Synchronization
import Testing

@testable import stackctl

@Suite("what a user reads when something is wrong")
struct DiagnosticTests {
    /// What one command line printed and answered.
    private struct Answer {
        var output = ""
        var error = ""
        var code: Int32 = -1
    }

    private func run(_ words: [String], environment: [String: String] = [:]) async -> Answer {
        let texts = Mutex((output: "", error: ""))
        let output = Output(
            style: Output.Style(), errorStyle: Output.Style(),
            out: { bytes in texts.withLock { $0.output += String(decoding: bytes, as: UTF8.self) } },
            error: { bytes in texts.withLock { $0.error += String(decoding: bytes, as: UTF8.self) } })
        let code = await Stackctl.run(words, output: output, environment: environment)
        return texts.withLock { Answer(output: $0.output, error: $0.error, code: code.code) }
    }

    @Test(
        "each mistake is the text in Golden/diagnostics, on standard error, and answers 1",
        arguments: [
            ("unknown-command", ["aply"]),
            ("unknown-option", ["plan", "--detailed-exit-code"]),
            ("unknown-option-far", ["plan", "--zzz"]),
            ("missing-value", ["plan", "--out"]),
            ("missing-operand", ["logs"]),
            ("extra-operand", ["plan", "a", "b"]),
            ("missing-subcommand", ["network"]),
            ("missing-folder", ["validate", "no-such/folder"]),
            ("host-not-unix", ["ps", "--host", "tcp://127.0.0.1:2375"]),
            ("no-daemon-at-socket", ["ps", "--host", "unix:///nonexistent/stackctl.sock"]),
            ("wrong-time", ["logs", "web", "--since", "yesterday"]),
            ("wrong-tail", ["logs", "web", "--tail", "few"]),
            ("unknown-shell", ["completion", "bsh"]),
        ])
    func golden(name: String, words: [String]) async throws {
        let answer = await run(words)
        #expect(answer.code == 1)
        #expect(answer.output.isEmpty)
        try Golden.expect(answer.error, "diagnostics/\(name).txt")
    }

    @Test(
        "what the daemon does not find is looked for in the list of its kind",
        arguments: [
            ("/containers/web/start", "No such container: web", "`stackctl ps -a` lists what there is"),
            ("/containers/create", "No such image: web:1", "`stackctl images` lists what there is"),
            ("/containers/create", "network front not found", "`stackctl network ls` lists what there is"),
            ("/containers/web/archive", "Could not find the file /x in container web", nil),
            ("/images/web/json", "No such image: web", "`stackctl images` lists what there is"),
        ])
    func missing(target: String, message: String, hint: String?) {
        let failure = DaemonClient.failure(status: 404, body: Array(#"{"message": "\#(message)"}"#.utf8), of: target)
        #expect(failure.diagnostics.map(\.summary) == [message] && failure.diagnostics.first?.hint == hint)
    }

    @Test("help goes to standard output and answers 0")
    func help() async {
        let answer = await run(["plan", "--help"])
        #expect(answer.code == 0)
        #expect(answer.error.isEmpty)
        #expect(answer.output.hasPrefix("Show what apply would change on the host.\n\nUsage: stackctl plan"))
    }

    @Test("no command at all shows the help and answers 1")
    func nothing() async {
        let answer = await run([])
        #expect(answer.code == 1)
        #expect(answer.output.contains("Usage: stackctl COMMAND"))
    }

    @Test("the version is one line")
    func version() async {
        #expect(await run(["--version"]).output == "stackctl \(Version.number)\n")
    }

    @Test("a saved plan that is no JSON is refused before a daemon is asked")
    func wrongPlan() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-test-")
        defer { try? Files.removeTree(folder) }
        try Files.write(folder + "/x.plan", Array("not a plan".utf8), mode: 0o600)
        let answer = await run(["apply", folder + "/x.plan", "--host", "unix:///nonexistent/s.sock"])
        #expect(answer.code == 1)
        #expect(answer.error.contains("is not a saved plan"))
    }

    @Test("validate --json says what is wrong as JSON too")
    func validateJSON() async {
        let answer = await run(["validate", "--json", "no-such/folder"])
        #expect(answer.code == 1)
        #expect(answer.output.contains("\"valid\": false"))
        #expect(answer.output.contains("\"SC0140\""))
    }
}
