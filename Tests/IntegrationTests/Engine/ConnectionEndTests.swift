import Linux
import Testing

/// Connections whose server goes away, seen by clients that would wait for ever.
@Suite("Connections of containers that end", .serialized, .timeLimit(.minutes(5)))
struct ConnectionEndTests {
    /// What ends the container.
    enum End: String, CaseIterable, CustomTestStringConvertible {
        case stop, kill, remove, restart, exit

        var testDescription: String { rawValue }

        var words: [String] {
            switch self {
            case .stop: ["stop", "-t", "0", "server"]
            case .kill: ["kill", "server"]
            case .remove: ["rm", "-f", "server"]
            case .restart: ["restart", "-t", "0", "server"]
            case .exit: ["exec", "server", "touch", "/tmp/end"]
            }
        }
    }

    /// Reads a little, waits until it is told to go on, and reads to the end; its own side stays open.
    ///
    /// The end of the connection stays behind what was sent before it.
    private static func reading(_ connection: String, _ folder: String) -> String {
        """
        mkfifo \(folder).silence; exec 3<>\(folder).silence
        \(connection) <&3 | (head -c 10 > /dev/null; touch \(folder).started
        while [ ! -e \(folder).go ]; do sleep 0.1; done; cat > /dev/null)
        touch \(folder).ended
        """
    }

    private static func server(_ lab: EngineLab, _ program: String) async throws -> String {
        try await lab.docker("network", "create", "lan")
        try await lab.docker("run", "-d", "--name", "client", "--network", "lan", "busybox", "sleep", "1000")
        try await lab.docker(
            "run", "-d", "--name", "server", "--network", "lan", "-p", "80", "busybox", "sh", "-c",
            "nc -ll -p 80 -e \(program) & while [ ! -e /tmp/end ]; do sleep 0.1; done")
        try await lab.eventually("the server listens") {
            try await lab.docker(
                "exec", "client", "sh", "-c", "nc server 80 < /dev/null | head -c 1 | wc -c", expecting: nil
            ).line == "1"
        }
        let address = try await lab.docker("port", "server", "80/tcp").line
        return String(address.split(separator: ":").last ?? "")
    }

    @Test("end for every client, wherever it connected and however much it had still to read", arguments: End.allCases)
    func unread(end: End) async throws {
        let lab = try await EngineLab()
        let port = try await Self.server(lab, "cat /dev/zero")
        let gateway = try await lab.docker(
            "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "lan"
        ).line
        var clients: [ChildProcess] = []
        let near = ["127.0.0.1", "::1", gateway]
        for (number, address) in near.enumerated() {
            let line = Self.reading("/usr/bin/busybox nc \(address) \(port)", "\(lab.root)/near\(number)")
            clients.append(try Spawn.start(SpawnRequest("/usr/bin/busybox", ["sh", "-c", line])))
        }
        let far = ["server 80", "\(gateway) \(port)"]
        for (number, place) in far.enumerated() {
            try await lab.docker(
                "exec", "-d", "client", "sh", "-c", Self.reading("nc \(place)", "/tmp/far\(number)"))
        }
        func all(_ mark: String) async throws -> Bool {
            for number in near.indices where !Files.exists("\(lab.root)/near\(number).\(mark)") { return false }
            for number in far.indices {
                let found = try await lab.docker(
                    "exec", "client", "test", "-e", "/tmp/far\(number).\(mark)", expecting: nil)
                if found.code != 0 { return false }
            }
            return true
        }
        try await lab.eventually("all have read something", within: 60) { try await all("started") }
        let running = try await lab.docker("inspect", "-f", "{{.State.StartedAt}}", "server").line
        try await lab.docker(words: end.words)
        try await lab.eventually("the first run is over", within: 60) {
            let now = try await lab.docker(
                "inspect", "-f", "{{.State.Running}} {{.State.StartedAt}}", "server", expecting: nil)
            return now.code != 0 || now.line != "true \(running)"
        }
        for number in near.indices { try Files.write("\(lab.root)/near\(number).go", []) }
        for number in far.indices { try await lab.docker("exec", "client", "touch", "/tmp/far\(number).go") }
        try await lab.eventually("all are told of the end", within: 60) { try await all("ended") }
        for client in clients {
            // One that was not told would wait for ever.
            if try client.currentStatus() == nil { try client.send(9) }
            _ = try await client.exitStatus()
        }
        try await lab.takeDown()
    }
}
