import Linux
import Testing

/// `Corpus/NAME/listing` is what Debian's docker, or we where it cannot, made of `Corpus/NAME`; see its README.
@Suite("Builds of the corpus", .timeLimit(.minutes(20)))
struct CorpusTests {
    private static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast().joined(separator: "/") + "/Corpus"
    }()

    @Test("have the files, the configuration and the history that are written down")
    func corpus() async throws {
        let lab = try await EngineLab()
        let executable = try CurrentProcess.executablePath()
        let products = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)]
        let request = SpawnRequest(
            executable: .path("/usr/bin/python3"),
            arguments: [
                "python3", "\(Self.folder)/corpus.py", "check", "--host", "unix://\(lab.root)/run/stackctl.sock",
                "--stackctl", "\(products)/stackctl",
            ],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(lab.root)", "NO_COLOR=1"])
        let result = try await Spawn.run(request, timeout: .seconds(900))
        let lines = result.outputText.split(separator: "\n").map(String.init)
        #expect(lines.first.flatMap { Int($0.prefix { $0 != " " }) } ?? 0 >= 44, "\(result.errorText)")
        for line in lines.dropFirst() { Issue.record("\(line)") }
        #expect(result.status.code == 0, "\(result.errorText)")
        try await lab.takeDown()
    }
}
