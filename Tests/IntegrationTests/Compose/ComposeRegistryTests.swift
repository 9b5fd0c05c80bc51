import JSONText
import Linux
import Testing

@Suite("Compose verbs and a registry", .serialized, .timeLimit(.minutes(15)))
struct ComposeRegistryTests {
    private static let registry = "127.0.0.1:5000"
    private static let file = """
        services:
          app:
            image: \(registry)/team/app:1
            build: {dockerfile_inline: "FROM \(registry)/team/base:1\\nRUN echo built > /built\\n"}
            command: sh -c "cat /built /version; exec sleep 1000"
            init: true
            stop_grace_period: 0s
            depends_on: [base]
          base:
            image: \(registry)/team/base:1
            command: sleep 1000
            init: true
            stop_grace_period: 0s
          own: {build: {dockerfile_inline: "FROM \(ComposeLab.image)\n"}, profiles: [own]}
          gone: {image: "\(registry)/team/gone:9", profiles: [gone]}

        """

    /// Our registry inside the lab's network, which wants a password.
    private func startRegistry(_ lab: ProgramLab) async throws -> ChildProcess {
        let users = lab.folder + "/htpasswd"
        try Files.write(users, Array("\(ServerLab.user):\(ServerLab.passwordHash)\n".utf8))
        let child = try Spawn.start(
            lab.request(
                lab.programs + "/stackctl",
                [
                    "registry", "serve", "--listen", Self.registry, "--root", lab.folder + "/registry", "--htpasswd",
                    users,
                ]))
        let probe = lab.request("/usr/bin/curl", ["-s", "-o", "/dev/null", "http://\(Self.registry)/v2/"])
        try await lab.eventually("the registry answers") { try await lab.run(probe).code == 0 }
        return child
    }

    /// Makes another version of the base image, and pushes it.
    private func publish(_ version: String, _ project: ComposeFolder) async throws {
        let text = "FROM \(ComposeLab.image)\nRUN echo \(version) > /version\n"
        let tag = "\(Self.registry)/team/base:1"
        try Files.makeDirectories("\(project.folder)/base")
        try Files.write("\(project.folder)/base/Dockerfile", Array(text.utf8))
        try await project.stackctl(["build", "-q", "-t", tag, "base"])
        try await project.stackctl(["push", "-q", tag])
        try await project.stackctl(["rmi", "-f", tag])
    }

    private func login(_ project: ComposeFolder) async throws {
        try await project.stackctl(
            ["login", "-u", ServerLab.user, "--password-stdin", Self.registry], input: ServerLab.password)
    }

    @Test("images are built, pushed and pulled with the user's login, as the policy and the options say")
    func policies() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("shop", ["compose.yaml": Self.file])
        let registry = try await startRegistry(lab.lab)
        try await login(project)
        try await publish("one", project)
        try await project.compose("up", "-d", "--pull", "missing", "base")
        try await project.compose("build", "--push", "app")
        try await project.compose("push", "app")
        let own = try await project.compose("build", "--push", "own")
        #expect(own.sentences.contains("own has no image:, so it is not pushed"), "\(own.text)")
        try await project.stackctl(["rmi", "-f", "\(Self.registry)/team/app:1"])
        try await project.compose("pull", "--include-deps", "app")
        try await project.compose("up", "-d", "--no-build", "--pull", "never")
        try await project.waits(for: "built\none\n", from: "app")
        let before = try await project.compose("ps", "-q", "base").out
        try await publish("two", project)
        try await project.compose("pull", "-q", "--policy", "missing", "base")
        try await project.compose("up", "-d", "--no-build", "--pull", "always", "base")
        #expect(try await project.compose("ps", "-q", "base").out != before)
        #expect(try await project.compose("exec", "-T", "base", "cat", "/version").out == "two\n")
        try await project.compose("down")
        try await project.stackctl(["rmi", "-f", "\(Self.registry)/team/base:1"])
        let run = try await project.compose("run", "--rm", "-T", "base", "cat", "/version")
        #expect(run.out == "two\n", "what is missing is pulled: \(run.text)")
        try await project.compose("down")
        try registry.send(9)
        _ = try await registry.exitStatus()
        try await lab.lab.takeDown()
    }

    @Test("what a registry does not have, does not give, or is not there for is told in one sentence")
    func failures() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("lost", ["compose.yaml": Self.file])
        let down = try await project.compose("pull", "base", expecting: 1)
        #expect(down.sentences.contains("no connection"), "\(down.text)")
        let unbuilt = try await project.compose("push", "app", expecting: 1)
        #expect(unbuilt.sentences.contains("stackctl compose build app"), "\(unbuilt.text)")
        let registry = try await startRegistry(lab.lab)
        let stranger = try await project.compose("pull", "base", expecting: 1)
        #expect(stranger.sentences.contains("authentication is required"), "\(stranger.text)")
        #expect(stranger.sentences.contains("stackctl login"), "\(stranger.text)")
        try await login(project)
        let missing = try await project.compose("pull", "base", "gone", expecting: 1)
        #expect(missing.sentences.contains("has no such manifest or tag"), "\(missing.text)")
        let forgiven = try await project.compose("pull", "--ignore-pull-failures", "gone")
        #expect(forgiven.sentences.contains("warning: pulling \(Self.registry)/team/gone:9 failed"), "\(forgiven.text)")
        let never = try await project.compose("up", "-d", "--pull", "never", "base", expecting: 1)
        #expect(never.sentences.contains("there is no image \(Self.registry)/team/base:1"), "\(never.text)")
        let up = try await project.compose("up", "-d", "gone", expecting: 1)
        #expect(up.sentences.contains("has no such manifest or tag"), "\(up.text)")
        #expect(try await project.stackctl(["ps", "-aq"]).out.isEmpty)
        try registry.send(9)
        _ = try await registry.exitStatus()
        try await lab.lab.takeDown()
    }
}
