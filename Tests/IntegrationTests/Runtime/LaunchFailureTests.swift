import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("Starts that fail", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct LaunchFailureTests {
    private static func failure(
        _ lab: RuntimeLab, _ configuration: ContainerConfiguration
    ) async throws -> RuntimeError? {
        do {
            let connection = try await lab.start(configuration)
            Issue.record("it started")
            connection.close()
            return nil
        } catch let error as RuntimeError {
            let group = try lab.runtime.cgroup(path: configuration.cgroupPath)
            #expect(!group.exists)
            let left = (try? Files.list(configuration.directory).map(\.name)) ?? []
            #expect(left.isEmpty, "left: \(left)")
            return error
        }
    }

    @Test(
        "a missing program is named, as Docker's clients expect",
        arguments: [
            (
                ["nope"],
                "unable to start the process in container web: exec: \"nope\": executable file not found in $PATH: no such file or directory (ENOENT)",
                127
            ),
            (
                ["/bin/nope"],
                "unable to start the process in container web: exec: \"/bin/nope\": stat /bin/nope: no such file or directory (ENOENT)",
                127
            ),
            (
                ["/etc/passwd"],
                "unable to start the process in container web: exec: \"/etc/passwd\": permission denied (EACCES)", 126
            ),
            (["/etc"], "unable to start the process in container web: exec: \"/etc\": is a directory (EISDIR)", 126),
            (
                ["/script"],
                "unable to start the process in container web: exec: \"/script\": no such file or directory (ENOENT)",
                127
            ),
            (
                ["/text"], "unable to start the process in container web: exec: \"/text\": exec format error (ENOEXEC)",
                126
            ),
        ] as [([String], String, Int32)])
    func missingProgram(command: [String], text: String, code: Int32) async throws {
        try await RuntimeLab.with { lab in
            try lab.write("/script", "#!/no/interpreter\n", mode: 0o755)
            try lab.write("/text", "plain text\n", mode: 0o755)
            let error = try await Self.failure(lab, lab.container("web", command))
            #expect(error?.description == text)
            #expect(error?.exitCode == code)
        }
    }

    @Test("a user the image does not have is named")
    func missingUser() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["true"])
            configuration.process.user = "nobody-here"
            let error = try await Self.failure(lab, configuration)
            #expect(error?.description.contains("unable to find user nobody-here") == true)
            #expect(error?.exitCode == 125)
        }
    }

    @Test("a bind source that is missing is named")
    func missingSource() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["true"])
            configuration.mounts = [.bind("/no/such/source", at: "/data")]
            let error = try await Self.failure(lab, configuration)
            #expect(error?.description.contains("take /no/such/source") == true)
            #expect(error?.description.contains("ENOENT") == true)
        }
    }

    @Test("a second start of a running container is refused and harms nothing")
    func alreadyRunning() async throws {
        try await RuntimeLab.with { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            await #expect(throws: RuntimeError.alreadyRunning(name: "web")) { _ = try await lab.start(configuration) }
            let still = try await lab.exec("echo alive", in: connection, configuration)
            #expect(still.output == "alive\n")
        }
    }

    @Test("many layers fit one overlay")
    func manyLayers() async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["cat", "/number"])
            var layers: [String] = []
            for number in 0..<120 {
                let layer = "\(lab.folder)/layer-with-a-rather-long-name-so-that-paths-would-not-fit-\(number)"
                try Files.makeDirectories(layer)
                try Files.write(layer + "/number", Array("\(number)\n".utf8))
                layers.append(layer)
            }
            configuration.lowerDirectories = layers + [lab.image]
            let (_, log) = try await lab.run(configuration)
            #expect(log.map(\.text) == ["0"])
        }
    }
}
