import Engine
import Linux
import Synchronization
import Testing

@Suite("What connects to a container", .serialized, .timeLimit(.minutes(3)))
struct ConnectionTests {
    @Test("one in the host's network is put into no other, running or not")
    func hostNetwork() async throws {
        let lab = try await EngineLab()
        try await lab.docker("network", "create", "extra")
        try await lab.docker("create", "--name", "bare", "--network", "host", "busybox", "sleep", "1000")
        for _ in 1...2 {
            let answer = try await lab.docker("network", "connect", "extra", "bare", expecting: 1)
            #expect(answer.error.contains("sharing network namespace"), "\(answer.error)")
            try await lab.docker("start", "bare")
        }
        let members = try await lab.docker("network", "inspect", "extra", "-f", "{{len .Containers}}")
        #expect(members.line == "0")
        try await lab.takeDown()
    }

    /// Input that ends after one piece.
    private final class OnePiece: InputSource {
        private let piece: Mutex<[UInt8]>

        init(_ text: String) { piece = Mutex(Array(text.utf8)) }

        func nextInput() async throws -> [UInt8] {
            piece.withLock { piece in
                defer { piece = [] }
                return piece
            }
        }
    }

    @Test("input that is open once ends with its first client, other input outlives it")
    func standardInput() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        for isOnce in [true, false] {
            var wanted = ContainerSpecification()
            wanted.image = "busybox"
            wanted.command = ["sh", "-c", "while read line; do echo got $line; done; echo end"]
            wanted.openStdin = true
            wanted.stdinOnce = isOnce
            let name = isOnce ? "once" : "always"
            let container = try await engine.createContainer(ContainerRequest(name: name, specification: wanted))
            try await engine.start(container)
            let first = engine.attach(container)
            await engine.feed(container, first, from: OnePiece("one\n"))
            first.close()
            if isOnce {
                try await lab.eventually("it ends with its input") { !container.state.isActive }
                #expect(try await lab.docker("logs", name).out == "got one\nend\n")
                continue
            }
            let second = engine.attach(container)
            await engine.feed(container, second, from: OnePiece("two\n"))
            second.close()
            try await lab.eventually("it has read both") {
                try await lab.docker("logs", name).out == "got one\ngot two\n"
            }
            #expect(container.state.isActive)
        }
        try await lab.takeDown()
    }
}
