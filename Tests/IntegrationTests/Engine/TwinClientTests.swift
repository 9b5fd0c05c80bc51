import Linux
import Testing

/// Both clients are asked the same of one daemon.
@Suite("stackctl prints what docker prints", .serialized, .timeLimit(.minutes(30)))
struct TwinClientTests {
    private let attempts = 3
    /// Ages, which grow while they are asked for.
    private let age = #/(\d+|About a|Less than a) (second|minute)s?/#

    private func expectSame(_ lab: EngineLab, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let line = words.joined(separator: " ")
        func ageless(_ text: String) -> String { text.replacing(age, with: "AGE").replacing(#/ +/#, with: " ") }
        for attempt in 1...attempts {
            let docker = try await lab.docker(words: words, expecting: nil)
            let ours = try await lab.stackctl(words: words, expecting: nil)
            let (own, wanted) = (ageless(ours.out), ageless(docker.out))
            if own == wanted, ours.code == docker.code { return }
            guard attempt == attempts else { continue }
            #expect(own == wanted, "\(line)", sourceLocation: sourceLocation)
            #expect(ours.code == docker.code, "\(line): \(ours.error)", sourceLocation: sourceLocation)
        }
    }

    private func expectSame(_ lab: EngineLab, lines: [String]) async throws {
        for line in lines {
            // A blank inside of a word is written as a no-break space.
            let words = line.split(separator: " ").map { String($0).replacing("\u{A0}", with: " ") }
            try await expectSame(lab, words)
        }
    }

    @Test("lists, formats and single objects")
    func lists() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl(
            "run", "-d", "--name", "web", "-p", "28201:80", "-p", "28202-28204:28202-28204/udp", "-v", "twin:/v", "-l",
            "a=b", "-l", "c=d", "busybox", "sleep", "1000")
        try await lab.stackctl("exec", "web", "touch", "/tmp/new")
        try await lab.stackctl("create", "--name", "idle", "busybox", "sh", "-c", "echo a long command of many words")
        try await expectSame(
            lab,
            lines: [
                "ps -a", "ps -a --no-trunc", "ps -aq", "ps -n 1", "ps -l", "ps -a -f status=created", "ps -as",
                "ps -f label=a=b --format {{.Label\u{A0}\"a\"}}", "ps -f bogus=1",
                "images", "images -q", "images --digests", "images --no-trunc", "history busybox", "network ls",
                "network ls -q", "network ls --no-trunc", "network ls --format {{json\u{A0}.}}",
                "network ls -f driver=bridge", "volume ls", "volume ls -q", "port web", "port web 80",
                "port web 28203/udp", "port web 1", "top web", "top web -o pid,comm", "diff web", "logs web",
                "inspect -f {{.State.Status}}\u{A0}{{json\u{A0}.Config.Labels}} web", "inspect web", "inspect nosuch",
                "inspect --type volume twin", "network inspect bridge", "volume inspect twin", "system df",
                "system df --format {{json\u{A0}.}}", "version -f {{.Server.APIVersion}}",
                "info -f {{.Driver}}\u{A0}{{.NCPU}}\u{A0}{{.ServerVersion}}",
                "stats --no-stream --format {{.Name}}\u{A0}{{.PIDs}}", "context ls --format {{.Name}}", "context show",
            ])
        try await lab.takeDown()
    }

    @Test("exit codes of what goes wrong")
    func failures() async throws {
        let lab = try await EngineLab()
        try await lab.stackctl("run", "-d", "--name", "web", "busybox", "sleep", "1000")
        try await expectSame(
            lab,
            lines: [
                "kill nosuch", "stop nosuch", "start nosuch", "wait nosuch", "rm nosuch", "rm -f nosuch", "rm web",
                "pause nosuch", "exec nosuch ls", "exec web nosuch", "exec web false", "logs nosuch",
                "cp nosuch:/x /tmp", "cp web:/nosuch /tmp", "cp /nosuch web:/", "cp a b", "run --rm busybox nosuch",
                "run --rm busybox false", "run --name web busybox", "create --name web busybox",
                "network create bridge", "network rm nosuch", "network connect nosuch web", "volume rm nosuch",
                "rmi nosuch", "tag nosuch x", "save nosuch", "update web", "rename web web", "unpause web",
                "attach nosuch", "top nosuch", "port nosuch", "diff nosuch", "commit nosuch", "export nosuch",
            ])
        try await lab.takeDown()
    }
}
