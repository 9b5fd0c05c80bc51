import Engine
import Linux
import Testing

/// The virtual environment with the clients, which `scripts/setup-debian.sh --test` makes.
private enum PythonClients {
    static let python = (Environment.get("STACKCTL_TEST_VENV") ?? "/var/cache/stackctl-tests/venv") + "/bin/python"
    static var isInstalled: Bool { Files.exists(python) }

    /// The directory of this package's tests.
    static var scripts: String {
        let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(folder)/Clients"
    }
}

@Suite("Clients in Python", .serialized, .timeLimit(.minutes(15)), .enabled(if: PythonClients.isInstalled))
struct PythonClientTests {
    @Test(
        "docker-py and testcontainers do what users do with them",
        arguments: ["docker_py.py", "docker_py_build.py", "testcontainers_py.py"])
    func script(_ name: String) async throws {
        let lab = try await EngineLab()
        let request = SpawnRequest(
            executable: .path(PythonClients.python),
            arguments: [PythonClients.python, "\(PythonClients.scripts)/\(name)"],
            environment: [
                "PATH=/usr/bin:/bin", "HOME=\(lab.root)", "DOCKER_HOST=unix://\(lab.root)/run/stackctl.sock",
                "TESTCONTAINERS_RYUK_DISABLED=true", "PYTHONDONTWRITEBYTECODE=1",
            ])
        let result = try await Spawn.run(request, timeout: .seconds(600))
        #expect(result.status.code == 0, "\(name): \(result.outputText)\(result.errorText)")
        #expect(result.outputText.hasSuffix(" checks\n"))
        try await lab.takeDown()
    }
}
