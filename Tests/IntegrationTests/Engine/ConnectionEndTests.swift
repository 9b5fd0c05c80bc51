import Linux
import Testing

/// Connections whose server goes away, seen by clients that would wait for ever.
@Suite("Connections of containers that end", .serialized, .timeLimit(.minutes(10)))
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
            // Not waited for: the container's end may kill it before it has ended itself.
            case .exit: ["exec", "-d", "server", "touch", "/tmp/end"]
            }
        }
    }

    /// Reads a little, waits until it is told to go on, and reads to the end.
    ///
    /// The end of the connection stays behind what was sent before it. Its own side stays open, or is closed at once.
    private static func reading(_ connection: String, _ folder: String, halfClosed: Bool = false) -> String {
        """
        \(halfClosed ? "exec 3</dev/null" : "mkfifo \(folder).silence; exec 3<>\(folder).silence")
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
    func unread(end: End) async throws { try await unread(end, halfClosed: false) }

    @Test("end for every client that has closed its own side first", arguments: [End.stop, .remove, .exit])
    func halfClosed(end: End) async throws { try await unread(end, halfClosed: true) }

    private func unread(_ end: End, halfClosed: Bool) async throws {
        let lab = try await EngineLab()
        let port = try await Self.server(lab, "cat /dev/zero")
        let gateway = try await lab.docker(
            "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "lan"
        ).line
        var clients: [ChildProcess] = []
        // Address translation lets nothing through to one that has closed its own side: not told are those behind it.
        let near = halfClosed ? ["::1"] : ["127.0.0.1", "::1", gateway]
        for (number, address) in near.enumerated() {
            let line = Self.reading(
                "/usr/bin/busybox nc \(address) \(port)", "\(lab.root)/near\(number)", halfClosed: halfClosed)
            clients.append(try Spawn.start(SpawnRequest("/usr/bin/busybox", ["sh", "-c", line])))
        }
        let far = halfClosed ? ["server 80"] : ["server 80", "\(gateway) \(port)"]
        for (number, place) in far.enumerated() {
            try await lab.docker(
                "exec", "-d", "client", "sh", "-c",
                Self.reading("nc \(place)", "/tmp/far\(number)", halfClosed: halfClosed))
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

    @Test("go on where a container that only joined their network namespace ends")
    func joined() async throws {
        let lab = try await EngineLab()
        _ = try await Self.server(lab, "cat /dev/zero")
        try await lab.docker(
            "run", "-d", "--name", "side", "--network", "container:server", "busybox", "sleep", "1000")
        try await lab.docker("exec", "-d", "client", "sh", "-c", Self.reading("nc server 80", "/tmp/far"))
        try await lab.eventually("it has read something") {
            try await lab.docker("exec", "client", "test", "-e", "/tmp/far.started", expecting: nil).code == 0
        }
        /// Connections that no process has, and whose end the reader has not acknowledged: 04 is FIN_WAIT1.
        func unfinished() async throws -> Int {
            let text = try await lab.docker("exec", "server", "cat", "/proc/net/tcp", "/proc/net/tcp6").out
            return text.split(separator: "\n").count { $0.split(separator: " ").dropFirst(3).first == "04" }
        }
        try await lab.docker("exec", "server", "killall", "-9", "cat")
        try await lab.eventually("its end waits behind what was sent") { try await unfinished() == 1 }
        try await lab.docker("stop", "-t", "0", "side")
        #expect(try await unfinished() == 1)
        try await lab.docker("exec", "client", "touch", "/tmp/far.go")
        try await lab.eventually("the reader is told of the end") {
            try await lab.docker("exec", "client", "test", "-e", "/tmp/far.ended", expecting: nil).code == 0
        }
        try await lab.takeDown()
    }
}
