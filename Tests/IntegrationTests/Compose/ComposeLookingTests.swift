import JSONText
import Linux
import Testing

@Suite("Verbs of stackctl compose that look", .serialized, .timeLimit(.minutes(15)))
struct ComposeLookingTests {
    /// Makes a container of a project as other tools make it.
    private static func run(
        _ lab: EngineLab, _ service: String, _ number: Int, _ more: String..., command: [String]
    ) async throws {
        let prefix = "com.docker.compose."
        let labels = [
            "project=shop", "service=\(service)", "container-number=\(number)", "oneoff=False", "config-hash=x",
            "project.config_files=/srv/compose.yaml", "project.working_dir=/srv",
        ].flatMap { ["--label", prefix + $0] }
        try await lab.docker(
            words: ["run", "-d", "--name", "shop-\(service)-\(number)"] + labels + more + ["busybox"] + command)
    }

    @Test("show containers of a project whoever made them, in Docker Compose's columns and members")
    func lists() async throws {
        let lab = try await EngineLab()
        try await Self.run(
            lab, "web", 1, "-p", "127.0.0.1::80", "--health-cmd", "true", "--health-interval", "1s",
            command: ["httpd", "-f", "-p", "80", "-h", "/www"])
        for number in 1...2 {
            try await Self.run(
                lab, "worker", number, "-v", "shop_data:/data",
                command: ["sh", "-c", "echo worker \(number) here; echo err >&2; exec sleep 1000"])
        }
        try await Self.run(lab, "job", 1, command: ["sh", "-c", "echo job done; exit 3"])
        try await lab.eventually("the job is over") {
            try await lab.docker("inspect", "shop-job-1", "-f", "{{.State.Status}}").line == "exited"
        }
        try await Self.processes(lab)
        try await Self.logs(lab)
        try await Self.files(lab)
        try await lab.takeDown()
    }

    @discardableResult
    private static func compose(
        _ lab: EngineLab, _ arguments: String..., input: String = "", expecting code: Int32 = 0
    ) async throws -> EngineLab.Output {
        try await lab.stackctl(words: ["compose", "-p", "shop"] + arguments, input: input, expecting: code)
    }

    private static func processes(_ lab: EngineLab) async throws {
        let table = try await compose(lab, "ps").out.split(separator: "\n")
        #expect(
            table.first?.split(separator: " ").map(String.init) == [
                "NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS",
            ])
        #expect(table.count == 4)
        let line = try await compose(lab, "ps", "-a", "--format", "json", "job").line
        let job = try JSONValue.parse(line)
        #expect(job["Name"] == "shop-job-1" && job["Service"] == "job" && job["Project"] == "shop")
        #expect(job["State"] == "exited" && job["ExitCode"] == 3 && job["Health"] == "" && job["Publishers"] == [])
        let web = try JSONValue.parse(try await compose(lab, "ps", "--format", "json", "web").line)
        #expect(web["Publishers"]?.arrayValue?.first?["TargetPort"] == 80)
        #expect(web["Publishers"]?.arrayValue?.first?["URL"] == "127.0.0.1")
        #expect(try await compose(lab, "ps", "--status", "exited", "--services").out == "job\n")
        #expect(try await compose(lab, "ps", "-q", "worker").out.split(separator: "\n").map(\.utf8.count) == [64, 64])
        #expect(try await compose(lab, "ps", "wrker", expecting: 1).sentences.contains("did you mean `worker`?"))
        #expect(try await compose(lab, "port", "web", "80").out.hasPrefix("127.0.0.1:"))
        #expect(try await compose(lab, "port", "web", "81", expecting: 1).sentences.contains("it has 80/tcp"))
        let top = try await compose(lab, "top", "worker").out.split(separator: "\n")
        #expect(top.count == 3 && top.first?.hasSuffix("CMD") == true && top.last?.contains("sleep 1000") == true)
        let images = try JSONValue.parse(try await compose(lab, "images", "--format", "json", "web").line)
        #expect(images.arrayValue?.first?["Repository"] == "busybox")
        #expect(images.arrayValue?.first?["ContainerName"] == "shop-web-1")
        let projects = try JSONValue.parse(try await compose(lab, "ls", "-a", "--format", "json").line)
        #expect(
            projects == [
                [
                    "Name": "shop", "Status": "exited(1), running(3)", "ConfigFiles": "/srv/compose.yaml",
                ]
            ])
        #expect(try await compose(lab, "ls", "-q", "--filter", "name=^sh").out == "shop\n")
        #expect(try await compose(lab, "ls", "-q", "--filter", "name=^op").out == "")
        #expect(try await compose(lab, "stats", "--no-stream", "worker").out.contains("shop-worker-2"))
    }

    private static func logs(_ lab: EngineLab) async throws {
        #expect(try await compose(lab, "logs", "job").out == "job-1  | job done\n")
        try await lab.eventually("both workers have said something") {
            let said = try await compose(lab, "logs", "worker")
            return said.out.split(separator: "\n").count == 2 && said.error.split(separator: "\n").count == 2
        }
        #expect(try await compose(lab, "logs", "--no-log-prefix", "--index", "2", "worker").out == "worker 2 here\n")
        let both = try await compose(lab, "logs", "worker")
        #expect(both.out.contains("worker-1  | worker 1 here\n") && both.out.contains("worker-2  | worker 2 here\n"))
        #expect(try await compose(lab, "logs", "--index", "2", expecting: 1).sentences.contains("--index requires"))
        // What follows ends when nothing runs any more.
        async let followed = compose(lab, "logs", "-f", "worker")
        try await EventLoop.shared.sleep(for: .milliseconds(300))
        for number in 1...2 { try await lab.docker("kill", "shop-worker-\(number)") }
        #expect(try await followed.out.contains("worker-1  | worker 1 here\n"))
        var died: JSONValue?
        try await lab.eventually("their end is told") {
            // Times are whole seconds: the end of this one and the next.
            let until = String(Clock.now().seconds + 2)
            let events = try await compose(lab, "events", "--json", "--since", "1h", "--until", until, "worker").out
            died = try events.split(separator: "\n").map { try JSONValue.parse(String($0)) }.first {
                $0["action"] == "die"
            }
            return died != nil
        }
        #expect(died?["service"] == "worker" && died?["type"] == "container")
        #expect(died?["attributes"]?["exitCode"] == "137")
        #expect(died?["attributes"]?["com.docker.compose.project"] == nil)
    }

    private static func files(_ lab: EngineLab) async throws {
        let path = lab.root + "/note"
        try Files.write(path, Array("noted\n".utf8))
        try await compose(lab, "cp", path, "worker:/tmp/note")
        for number in 1...2 {
            let back = lab.root + "/back"
            try await compose(lab, "cp", "--index", "\(number)", "worker:/tmp/note", back)
            #expect(try Files.readText(back) == "noted\n")
            try Files.unlink(back)
        }
        #expect(try await compose(lab, "cp", "a:/x", "b:/y", expecting: 1).sentences.contains("between services"))
        #expect(try await compose(lab, "cp", "-", "worker:/tmp", expecting: 1).sentences.contains("choose one"))
        try await compose(lab, "export", "-o", lab.root + "/web.tar", "web")
        let listed = try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-tf", lab.root + "/web.tar"]))
        #expect(listed.outputText.contains("www/index.html"))
        #expect(try await compose(lab, "version", "--short").line.contains("."))
    }
}
