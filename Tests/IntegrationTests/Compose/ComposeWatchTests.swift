import JSONText
import Linux
import Testing

@Suite("Compose watch", .serialized, .timeLimit(.minutes(15)))
struct ComposeWatchTests {
    private static let file = """
        services:
          bare:
            build: {dockerfile_inline: "FROM \(ComposeLab.image)\\nRUN rm /bin/rm\\n"}
            command: sleep 1000
            init: true
            stop_grace_period: 0s
            develop: {watch: [{path: ./src, action: sync, target: /app, initial_sync: true}]}
          built:
            build: ./image
            command: sh -c "cat /data; exec sleep 1000"
            init: true
            stop_grace_period: 0s
            develop: {watch: [{path: ./image, action: rebuild, ignore: [notes/]}]}
          server:
            image: \(ComposeLab.image)
            command: sh -c "echo begun; exec sleep 1000"
            init: true
            scale: 2
            stop_grace_period: 0s
            develop:
              watch:
                - {path: ./conf, action: sync+restart, target: /conf, include: ["*.conf"]}
                - {path: ./flag, action: restart}

        """

    private static let files = [
        "compose.yaml": file, "src/one": "1", "src/deep/two": "2",
        "image/Dockerfile": "FROM \(ComposeLab.image)\nCOPY data /data\n",
        "image/data": "before\n", "image/notes/n": "n", "conf/a.conf": "a", "flag": "",
    ]

    /// Writes a file of a project.
    private static func write(_ path: String, _ text: String, _ project: ComposeFolder) throws {
        try Files.write("\(project.folder)/\(path)", Array(text.utf8))
    }

    private static func inside(
        _ service: String, _ index: String, _ script: String, _ project: ComposeFolder
    ) async throws -> String {
        try await project.compose("exec", "-T", "--index", index, service, "sh", "-c", script, expecting: nil).out
    }

    /// When the containers of a service were started, also of those that are being restarted.
    private static func starts(_ service: String, _ project: ComposeFolder) async throws -> [String] {
        let ids = try await project.compose("ps", "-a", "-q", service).out.split(separator: "\n").map(String.init)
        return try await project.stackctl(["inspect", "-f", "{{.State.StartedAt}}"] + ids).out.split(separator: "\n")
            .map(String.init)
    }

    @Test("up --watch copies, removes in images without rm, restarts and builds anew; ctrl-c ends all without a trace")
    func upWatch() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("eyes", Self.files)
        let up = try project.terminal("up", "--watch")
        try await up.shows("Watch enabled")
        #expect(try await Self.inside("bare", "1", "cat /app/one /app/deep/two", project) == "12")
        try Files.unlink("\(project.folder)/src/one")
        try Files.removeTree("\(project.folder)/src/deep")
        try Self.write("src/three", "3", project)
        try await lab.lab.eventually("what is gone is gone in the container") {
            try await Self.inside("bare", "1", "cd /app && echo *", project) == "three\n"
        }
        try await restarts(lab, project)
        try Self.write("image/notes/n", "ignored", project)
        try Self.write("image/data", "after\n", project)
        try await up.shows("Rebuilding service(s) \"built\"")
        try await lab.lab.eventually("the image is built anew") {
            try await Self.inside("built", "1", "cat /data", project) == "after\n"
        }
        try await up.type("\u{3}")
        #expect(try await up.exitCode() == 130)
        #expect(try await project.stackctl(["ps", "-q"]).out.isEmpty)
        try await project.compose("down", "--rmi", "local")
        try await lab.lab.takeDown()
    }

    private func restarts(_ lab: ComposeLab, _ project: ComposeFolder) async throws {
        let first = try await Self.starts("server", project)
        try Self.write("conf/other", "not included", project)
        try Self.write("conf/a.conf", "b", project)
        try await lab.lab.eventually("both were restarted with the new file") {
            let now = try await Self.starts("server", project)
            guard now.count == 2, zip(first, now).allSatisfy({ $0 != $1 }) else { return false }
            return try await Self.inside("server", "2", "cat /conf/*", project) == "b"
        }
        let second = try await Self.starts("server", project)
        try Self.write("flag", "up", project)
        try await lab.lab.eventually("both were restarted") {
            let now = try await Self.starts("server", project)
            return now.count == 2 && zip(second, now).allSatisfy { $0 != $1 }
        }
    }

    @Test("a build that fails is told, and watching goes on; services that do not run are told, too")
    func failures() async throws {
        let lab = try await ComposeLab()
        let project = try lab.project("goes-on", Self.files)
        try await project.compose("up", "-d", "bare", "built")
        let watch = try project.terminal("watch", "--no-up", "bare", "built")
        try await watch.shows("Watch enabled")
        try Self.write("image/Dockerfile", "FROM \(ComposeLab.image)\nRUN echo broken >&2; exit 3\n", project)
        try await watch.shows("RUN echo broken")
        try await watch.shows("Not everything was done")
        try Self.write("image/Dockerfile", "FROM \(ComposeLab.image)\nCOPY data /data\nENV MENDED=1\n", project)
        try await lab.lab.eventually("it is mended") {
            try await Self.inside("built", "1", "echo $MENDED", project) == "1\n"
        }
        try await project.compose("stop", "bare")
        try Self.write("src/one", "unseen", project)
        try await watch.shows("service \"bare\" is not running")
        try await project.compose("start", "bare")
        try Self.write("src/four", "4", project)
        try await lab.lab.eventually("what was missed is copied, too") {
            try await Self.inside("bare", "1", "cat /app/one /app/four", project) == "unseen4"
        }
        try await watch.type("\u{3}")
        #expect(try await watch.exitCode() == 130)
        try await project.compose("down", "--rmi", "local")
        try await lab.lab.takeDown()
    }
}
