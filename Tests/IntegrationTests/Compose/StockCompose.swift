import Linux
import Testing

/// Debian's docker-compose 1.29 in a folder of a lab, against the lab's daemon.
struct StockCompose: Sendable {
    static let program = "/usr/bin/docker-compose"
    static var isInstalled: Bool { Files.exists(program) }

    let lab: EngineLab
    /// The project's folder, whose name is the project's.
    let folder: String

    init(_ lab: EngineLab, _ project: String, _ files: [String: String]) throws {
        self.lab = lab
        folder = "\(lab.root)/\(project)"
        try Files.makeDirectories(folder)
        for (name, text) in files { try write(name, text) }
    }

    func write(_ name: String, _ text: String) throws {
        let path = "\(folder)/\(name)"
        if let slash = path.lastIndex(of: "/") { try Files.makeDirectories(String(path[..<slash])) }
        try Files.write(path, Array(text.utf8))
    }

    /// Runs a verb.
    @discardableResult
    func callAsFunction(
        _ arguments: String..., environment more: [String] = [], expecting code: Int32 = 0,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> EngineLab.Output {
        let request = SpawnRequest(
            executable: .path(Self.program), arguments: ["docker-compose", "--ansi", "never"] + arguments,
            environment: [
                "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(lab.root)",
                "DOCKER_HOST=unix://\(lab.root)/run/stackctl.sock",
                "PYTHONDONTWRITEBYTECODE=1", "COLUMNS=200", "COMPOSE_HTTP_TIMEOUT=150",
            ] + more, workingDirectory: folder)
        let result = try await Spawn.run(request, timeout: .seconds(150))
        let output = EngineLab.Output(code: result.status.code, out: result.outputText, error: result.errorText)
        let line = "docker-compose \(arguments.joined(separator: " "))"
        #expect(!result.timedOut, "\(line) did not end", sourceLocation: place)
        #expect(output.code == code, "\(line): \(output.out)\(output.error)", sourceLocation: place)
        return output
    }
}
