import JSONText
import Linux
import Testing

@Suite("Compose verbs that stay", .serialized, .timeLimit(.minutes(15)))
struct ComposeFollowingTests {
    /// The job does not end before the server has said something.
    private static let pair = """
        services:
          job:
            image: \(ComposeLab.image)
            command: sh -c "until test -f /shared/up; do sleep 0.1; done; echo working; sleep 1; exit 5"
            stop_grace_period: 1s
            volumes: ["./shared:/shared"]
          server:
            image: \(ComposeLab.image)
            command: sh -c "echo serving; touch /shared/up; exec sleep 1000"
            init: true
            volumes: ["./shared:/shared"]

        """

    @Test("up shows logs with names, ends all with the first that ends, and answers with its code")
    func abort() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("pair", ["compose.yaml": Self.pair])
        let up = try await project.compose("up", "--abort-on-container-exit", expecting: 5)
        #expect(up.out.contains("job-1     | working\n"), "\(up.text)")
        #expect(up.out.contains("server-1  | serving\n"), "\(up.text)")
        #expect(up.out.contains("job-1 exited with code 5\n"), "\(up.text)")
        let states = try await project.stackctl(["ps", "-a", "--format", "{{.State}}"]).out
        #expect(states == "exited\nexited\n")
        let only = try await project.compose(
            "up", "--no-log-prefix", "--attach", "job", "--exit-code-from", "job", expecting: 5)
        #expect(only.out.hasPrefix("working\n") && !only.out.contains("serving"), "\(only.text)")
        try await project.compose("down")
        try await lab.lab.takeDown()
    }

    @Test("an interrupt of up stops the services, and the answer is 130")
    func interrupt() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("pair", ["compose.yaml": Self.pair.replacing("exit 5", with: "sleep 1000")])
        let up = try project.terminal("up")
        // Whoever shows logs is past making the services, and takes signals for them.
        try await up.shows("server-1  | serving")
        try await lab.lab.eventually("both run") {
            try await project.stackctl(["ps", "--format", "{{.State}}"]).out == "running\nrunning\n"
        }
        try up.child.send(2)
        #expect(try await up.exitCode() == 130)
        #expect(try await project.stackctl(["ps", "-q"]).out.isEmpty)
        try await project.compose("down", "-t", "0")
        try await lab.lab.takeDown()
    }

    @Test("wait answers with the code of what has ended, and takes the project down where asked to")
    func wait() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("pair", ["compose.yaml": Self.pair])
        try await project.compose("up", "-d")
        let waited = try await project.compose("wait", "--down-project", "job", expecting: 5)
        #expect(waited.out.contains("exited with status code 5"), "\(waited.text)")
        #expect(try await project.stackctl(["ps", "-aq"]).out.isEmpty)
        try await lab.lab.takeDown()
    }

    @Test("watch copies what changes into the containers, and takes away what is removed")
    func watch() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project(
            "watched",
            [
                "compose.yaml": """
                services:
                  web:
                    image: \(ComposeLab.image)
                    command: sleep 1000
                    init: true
                    develop:
                      watch:
                        - {path: ./src, action: sync, target: /app, initial_sync: true, ignore: [skip/]}
                        - path: ./conf
                          action: sync+exec
                          target: /conf
                          exec: {command: [sh, -c, "cp /conf/a /conf/seen"]}

                """, "src/one": "1", "src/skip/two": "2", "conf/a": "x",
            ])
        var request = lab.lab.request(lab.lab.programs + "/stackctl", ["compose", "watch"])
        request.workingDirectory = project.folder
        let child = try Spawn.start(request)
        func eventually(_ command: String, _ expected: String) async throws {
            try await lab.lab.eventually("\(command) says \(expected)") {
                try await project.compose("exec", "-T", "web", "sh", "-c", command, expecting: nil).out == expected
            }
        }
        try await eventually("cat /app/one", "1")
        try await eventually("ls /app", "one\n")
        try Files.makeDirectories("\(project.folder)/src/new/deep")
        try await EventLoop.shared.sleep(for: .milliseconds(300))
        try Files.write("\(project.folder)/src/new/deep/file", Array("n".utf8))
        try await eventually("cat /app/new/deep/file", "n")
        try Files.unlink("\(project.folder)/src/one")
        try await eventually("ls /app", "new\n")
        try Files.write("\(project.folder)/conf/a", Array("y".utf8))
        try await eventually("cat /conf/seen", "y")
        try child.send(2)
        #expect(try await child.exitStatus().code == 130)
        try await project.compose("down", "-t", "0")
        try await lab.lab.takeDown()
    }
}
