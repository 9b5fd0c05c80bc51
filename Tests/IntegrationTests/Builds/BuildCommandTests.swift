import Engine
import JSONText
import Linux
import Synchronization
import Testing

@Suite("stackctl build", .serialized, .timeLimit(.minutes(15)))
struct BuildCommandTests {
    private static func write(_ folder: String, _ files: [String: String]) throws {
        for (name, text) in files {
            let path = "\(folder)/\(name)"
            try Files.makeDirectories(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
            try Files.write(path, Array(text.utf8))
        }
    }

    @Test("secrets are there for their step and nowhere else")
    func secrets() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/secrets"
        try Self.write(
            folder,
            [
                "Dockerfile": """
                FROM busybox
                RUN --mount=type=secret,id=file test "$(cut -c 1-6 /run/secrets/file)" = sesame
                RUN --mount=type=secret,id=word,env=WORD test "$(echo $WORD | cut -c 1-6)" = sesame
                RUN test ! -e /run/secrets/file

                """, "key": "sesame-file",
            ])
        let build = ["build", "--secret", "id=file,src=\(folder)/key", "--secret", "id=word,env=MY_WORD", "-t", "s"]
        let built = try await lab.stackctl(words: build + [folder], environment: ["MY_WORD=sesame-word"])
        #expect(built.error.contains("naming to docker.io/library/s:latest"))
        #expect(!built.error.contains("sesame-"))
        let saved = try await lab.stackctl("save", "-o", "\(lab.root)/saved.tar", "s")
        #expect(saved.code == 0)
        // The secret of the context is not in the image, nor are those of the steps.
        let search = try await Spawn.run(
            SpawnRequest("/bin/grep", ["-rlE", "sesame-(word|file)", "\(lab.root)/saved.tar", "\(lab.root)/state.db"]))
        #expect(search.outputText.isEmpty, "\(search.outputText)")
        // Another secret is no reason to run the step again: it is in no key.
        let again = try await lab.stackctl(words: build + [folder], environment: ["MY_WORD=other"])
        #expect(again.error.contains("CACHED"))
        let without = try await lab.stackctl(
            "build", "--no-cache", "--secret", "id=file,src=\(folder)/nope", folder, expecting: 1)
        #expect(without.sentences.contains("secret file cannot be read"))
        try await lab.takeDown()
    }

    /// A compiler for the program that asks the agent: busybox does not speak to sockets with a path.
    private static let compiler = (Environment.get("PATH") ?? "/usr/bin").split(separator: ":")
        .flatMap { ["\($0)/cc", "\($0)/clang"] }.first { Files.exists($0) }

    /// Sends a request for the agent's identities (11), and prints the answer.
    private static let asking = """
        #include <stdio.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <sys/un.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct sockaddr_un address = {.sun_family = AF_UNIX};
            unsigned char bytes[64] = {0, 0, 0, 1, 11};
            strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
            int agent = socket(AF_UNIX, SOCK_STREAM, 0);
            if (connect(agent, (struct sockaddr *)&address, sizeof address)) return 1;
            if (write(agent, bytes, 5) != 5) return 2;
            int got = read(agent, bytes, sizeof bytes);
            for (int i = 0; i < got; i++) printf("%02x ", bytes[i]);
            return got > 0 ? 0 : 3;
        }
        """

    @Test("steps reach the caller's ssh agent, and only those that ask for it", .enabled(if: compiler != nil))
    func agent() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/agent"
        try Self.write(
            folder,
            [
                "ask.c": Self.asking, ".dockerignore": "*.c\n",
                "Dockerfile": """
                FROM busybox
                COPY ask /ask
                RUN --mount=type=ssh /ask $SSH_AUTH_SOCK > /hex && /ask $SSH_AUTH_SOCK >> /hex
                RUN test -z "$SSH_AUTH_SOCK"

                """,
            ])
        let compiled = try await Spawn.run(
            SpawnRequest(try #require(Self.compiler), ["-static", "-o", "\(folder)/ask", "\(folder)/ask.c"]))
        try #require(compiled.status.code == 0, "\(compiled.errorText)")
        let socket = "\(lab.root)/agent.sock"
        let agent = try await FakeAgent(socket)
        defer { agent.stop() }
        let built = try await lab.stackctl(
            "build", "-q", "--ssh", "default", "-t", "keys", folder, environment: ["SSH_AUTH_SOCK=\(socket)"],
            expecting: nil)
        #expect(built.code == 0, "\(built.error)")
        let answer = try await lab.stackctl("run", "--rm", "keys", "cat", "/hex")
        #expect(answer.line == "00 00 00 05 0c 00 00 00 00 00 00 00 05 0c 00 00 00 00 ", "\(answer.out)")
        #expect(agent.asked == 2)
        let none = try await lab.stackctl("build", "--ssh", "default", folder, expecting: 1)
        #expect(none.sentences.contains("make sure SSH_AUTH_SOCK is set"))
        let key = try await lab.stackctl("build", "--ssh", "default=\(folder)/Dockerfile", folder, expecting: 1)
        #expect(key.sentences.contains("keys are not read from files"))
        try await lab.takeDown()
    }

    @Test("a Dockerfile that is far too long is refused in words")
    func longDockerfile() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/long"
        try Self.write(folder, ["Dockerfile": "FROM busybox\n#" + String(repeating: "x", count: 17 << 20)])
        let refused = try await lab.stackctl("build", folder, expecting: 1)
        #expect(refused.sentences.contains("it has more than 16 MiB"), "\(refused.error)")
        try await lab.takeDown()
    }

    @Test("results come as directories, tars and archives, and nothing is kept of them")
    func outputs() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/outputs"
        try Self.write(folder, ["Dockerfile": "FROM scratch\nCOPY a b /dir/\n", "a": "a\n", "b": "b\n"])
        try await lab.stackctl("build", "-o", "\(folder)/out", folder)
        #expect(try Files.readText("\(folder)/out/dir/a") == "a\n")
        try await lab.stackctl("build", "-o", "type=tar,dest=\(folder)/out.tar", folder)
        let listed = try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-tf", "\(folder)/out.tar"]))
        #expect(listed.outputText.contains("dir/b"))
        try await lab.stackctl(
            "build", "-o", "type=oci,dest=\(folder)/oci.tar", "-o", "type=docker,dest=\(folder)/docker.tar", "-t",
            "x:1",
            "--metadata-file", "\(folder)/meta", "--iidfile", "\(folder)/id", folder)
        let metadata = try JSONValue.parse(try Files.readText("\(folder)/meta"))
        #expect(metadata["containerimage.config.digest"]?.stringValue == (try Files.readText("\(folder)/id")))
        #expect(metadata["image.name"] == "x:1")
        #expect(try await lab.docker("images", "-q", "x").out.isEmpty)
        #expect(try await lab.docker("load", "-i", "\(folder)/docker.tar").out.contains("Loaded image: x:1"))
        #expect(try await lab.docker("images", "-q", "--no-trunc", "x").line == Files.readText("\(folder)/id"))
        let both = try await lab.stackctl("build", "-o", "-", "-o", "type=oci", folder, expecting: 1)
        #expect(both.sentences.contains("only one output can go to standard output"))
        try await lab.takeDown()
    }

    @Test("other contexts have their names, and rules of their own Dockerfile go before those of the context")
    func contexts() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/contexts"
        try Self.write(
            folder,
            [
                "main/Dockerfile": "FROM base\nCOPY . /main\nCOPY --from=more . /more\nRUN ls /main /more > /list\n",
                "main/Dockerfile.dockerignore": "drop\nDockerfile*\n", "main/.dockerignore": "keep\n", "main/keep": "",
                "main/drop": "", "more/file": "", "more/.dockerignore": "*\n!file\n", "more/other": "",
            ])
        let build = [
            "build", "-q", "-t", "c", "--build-context", "more=\(folder)/more", "--build-context",
            "base=docker-image://busybox", "\(folder)/main",
        ]
        try await lab.stackctl(words: build)
        let list = try await lab.stackctl("run", "--rm", "c", "cat", "/list")
        #expect(list.out == "/main:\nkeep\n\n/more:\nfile\n", "\(list.out)")
        try Files.removeTree("\(folder)/main/keep")
        try Files.write("\(folder)/main/new", [])
        try await lab.stackctl(words: build)
        let changed = try await lab.stackctl("run", "--rm", "c", "cat", "/list")
        #expect(changed.out == "/main:\nnew\n\n/more:\nfile\n", "\(changed.out)")
        let checked = try await lab.stackctl(
            "build", "--check", "-f", "-", folder, input: "from busybox\nENV a b\n", expecting: 1)
        #expect(checked.out.contains("warning"))
        #expect(try await lab.stackctl("build", "--call=targets", "\(folder)/main").out.contains("(default)"))
        let raw = try await lab.stackctl(
            "build", "--progress=rawjson", "\(folder)/main", "--build-context", "more=\(folder)/more",
            "--build-context", "base=docker-image://busybox")
        for line in raw.error.split(separator: "\n") { #expect((try? JSONValue.parse(String(line))) != nil, "\(line)") }
        try await lab.takeDown()
    }
}

/// An agent without keys: every request for identities gets an empty list.
private final class FakeAgent: Sendable {
    private let listener: SocketListener
    private let task: Task<Void, Never>
    private let count = ByteCount()

    var asked: Int { count.value }

    init(_ path: String) async throws {
        let listener = try SocketListener.unix(path)
        self.listener = listener
        let count = count
        task = Task {
            while let socket = try? await listener.accept() {
                var pending: [UInt8] = []
                while let piece = try? await socket.read(), !piece.isEmpty {
                    pending += piece
                    while pending.count >= 5 {
                        pending.removeFirst(5)
                        count.add()
                        try? await socket.writeAll([0, 0, 0, 5, 12, 0, 0, 0, 0])
                    }
                }
                socket.close()
            }
        }
    }

    func stop() {
        task.cancel()
        listener.close()
    }
}

/// Counts from any task.
private final class ByteCount: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
