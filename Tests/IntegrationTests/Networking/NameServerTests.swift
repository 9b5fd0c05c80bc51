import Diagnostics
import Linux
import Testing

@testable import Networking

@Suite("Names of containers, answered by a process of its own", .serialized)
struct NameServerTests {
    private static func initBinary() throws -> String {
        let executable = try CurrentProcess.executablePath()
        let folder = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)]
        return "\(folder)/stack-init"
    }

    private static func server(_ lab: PrivateHost, _ name: String = "dns.sock") throws -> NameServer {
        NameServer(initBinary: try initBinary(), socketPath: "\(lab.folder)/\(name)", hostNamespace: lab.host)
    }

    /// What busybox's resolver finds for a name: the addresses, or nil if there are none.
    private static func lookUp(
        _ name: String, in container: TestContainer, _ options: [String] = []
    ) async throws -> [String]? {
        let words = ["nslookup"] + options + [name, "127.0.0.11"]
        let result = try await Spawn.run(Busybox.request(in: container.netns, words), timeout: .seconds(150))
        let answers = result.outputText.split(separator: "\n").drop {
            !$0.hasPrefix("Name:") && !$0.contains("name = ")
        }
        let found = answers.compactMap { line -> String? in
            line.hasPrefix("Address") || line.contains("name = ")
                ? line.split(separator: " ").last.map(String.init) : nil
        }
        return found.isEmpty ? nil : found
    }

    /// The same for a name that is known: a busy server may answer late.
    private static func find(_ name: String, in container: TestContainer) async throws -> [String]? {
        try await lookUp(name, in: container, ["-timeout=60", "-retry=20"])
    }

    private static func serve(
        _ names: NameServer, _ container: TestContainer, _ words: [String], forwards: Bool = true
    ) async throws {
        try await names.attach(
            containerID: container.id, netns: container.netns, networks: container.endpoints.map(\.networkID),
            forwards: forwards)
        for endpoint in container.endpoints {
            try await names.setNames(
                containerID: container.id, networkID: endpoint.networkID, address: endpoint.address, names: words)
        }
    }

    @Test("containers of a network find each other by name, alias and address, and others not at all")
    func names() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let other = try await lab.networks.createNetwork(lab.request("other", isInternal: true))
        let web = try await lab.container(in: network)
        let database = try await lab.container(in: network)
        let stranger = try await lab.container(in: other)
        let names = try Self.server(lab)
        #expect(try await names.ensureRunning())
        #expect(try await names.ensureRunning() == false)
        try await names.setUpstreams([])
        try await Self.serve(names, web, ["web"])
        try await Self.serve(names, database, ["db", "store", "db.stack"])
        try await Self.serve(names, stranger, ["stranger"], forwards: false)
        #expect(try await names.attached().sorted() == [web.id, database.id, stranger.id].sorted())
        for name in ["db", "store", "DB.Stack", "db."] {
            #expect(try await Self.find(name, in: web) == [database.address])
        }
        #expect(try await Self.find(database.address, in: web) == ["db"])
        #expect(try await Self.lookUp("db", in: stranger) == nil)
        #expect(try await Self.lookUp("stranger", in: web) == nil)

        try await names.remove(containerID: database.id)
        #expect(try await Self.lookUp("db", in: web) == nil)
        try await names.keepOnly([web.id])
        #expect(try await names.attached() == [web.id])
        try await names.remove(containerID: web.id)
        try await names.shutdownIfIdle()
        #expect(Files.exists(lab.folder + "/dns.sock") == false)
        try await NetworkTests.takeDown(lab, [web, database, stranger], [network, other])
    }

    @Test(
        "other names are asked from the host's resolvers, the host's loopback included, but not for internal networks")
    func forwarding() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let vault = try await lab.networks.createNetwork(lab.request("vault", isInternal: true))
        let (web, hidden) = (try await lab.container(in: network), try await lab.container(in: vault))
        // The host's resolver is another name server, which serves the host itself as if it were a container.
        let upstream = try Self.server(lab, "upstream.sock")
        try await upstream.ensureRunning()
        try await upstream.attach(containerID: "host", netns: lab.host, networks: ["world"], forwards: false)
        for index in UInt8(1)...40 {
            try await upstream.setNames(
                containerID: "many\(index)", networkID: "world",
                address: IPv4Address(rawValue: 0xC633_6400 + UInt32(index)),
                names: index == 1 ? ["many.example", "one.example"] : ["many.example"])
        }
        let names = try Self.server(lab)
        try await names.ensureRunning()
        // Nobody listens on the first: the second is asked.
        try await names.setUpstreams(["127.0.0.12", "127.0.0.11"])
        try await Self.serve(names, web, ["web"])
        try await Self.serve(names, hidden, ["hidden"], forwards: false)
        #expect(try await Self.find("one.example", in: web) == ["198.51.100.1"])
        #expect(try await Self.lookUp("missing.example", in: web) == nil)
        #expect(try await Self.lookUp("one.example", in: hidden) == nil)
        #expect(try await Self.find("web", in: web) == [web.address])
        for server in [(names, [web.id, hidden.id]), (upstream, ["host"])] {
            for container in server.1 { try await server.0.remove(containerID: container) }
            try await server.0.shutdownIfIdle()
        }
        try await NetworkTests.takeDown(lab, [web, hidden], [network, vault])
    }

    @Test("names live on without their daemon, and the next one finds the process again")
    func survival() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let web = try await lab.container(in: network)
        do {
            let names = try Self.server(lab)
            try await names.ensureRunning()
            try await Self.serve(names, web, ["web"])
        }
        #expect(try await Self.find("web", in: web) == [web.address])
        let next = try Self.server(lab)
        #expect(try await next.ensureRunning() == false)
        #expect(try await next.attached() == [web.id])
        // It does not end while it serves somebody.
        try await next.shutdownIfIdle()
        #expect(try await Self.find("web", in: web) == [web.address])
        await #expect(throws: Diagnostic.self) {
            try await next.setNames(containerID: web.id, networkID: network.id, address: .loopback, names: ["a..b"])
        }
        try await next.keepOnly([])
        try await next.shutdownIfIdle()
        try await NetworkTests.takeDown(lab, [web], [network])
    }

    @Test("a name server that was killed is started again, and says that it knows nobody")
    func killed() async throws {
        let lab = try PrivateHost()
        let names = try Self.server(lab)
        #expect(try await names.ensureRunning())
        let process = try #require(try Self.processes(lab).first)
        try Signals.kill(process, 9)
        while !Self.hasEnded(process) { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
        #expect(try await names.ensureRunning())
        #expect(try await names.attached() == [])
        try await names.shutdownIfIdle()
        while try !Self.processes(lab).isEmpty { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
    }

    @Test("after an upgrade the next daemon starts a name server of its own program, and tells it everything anew")
    func upgraded() async throws {
        let lab = try PrivateHost()
        let old = "\(lab.folder)/stack-init"
        try await ProgramFile.copy(try Self.initBinary(), to: old)
        let before = NameServer(
            initBinary: old, socketPath: lab.folder + "/dns.sock", hostNamespace: lab.host)
        #expect(try await before.ensureRunning())
        #expect(try await !before.ensureRunning())
        let process = try #require(try Self.processes(lab).first)
        let next = try Self.server(lab)
        #expect(try await next.ensureRunning())
        #expect(try await !next.ensureRunning())
        #expect(try !Self.processes(lab).contains(process))
        try await next.shutdownIfIdle()
        while try !Self.processes(lab).isEmpty { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
    }

    @Test("one that is just ending is waited for, and another started")
    func ending() async throws {
        let lab = try PrivateHost()
        let lock = try #require(try HeldFileLock.take(lab.folder + "/dns.sock.lock"))
        let names = try Self.server(lab)
        let started = Task { try await names.ensureRunning() }
        // Longer than a process takes to find that another has the lock.
        try await EventLoop.shared.sleep(for: .seconds(1))
        #expect(try Self.processes(lab).count <= 1)
        lock.release()
        #expect(try await started.value)
        #expect(try await names.attached() == [])
        try await names.shutdownIfIdle()
    }

    @Test("two daemons that look at once start one process for a socket")
    func oneProcess() async throws {
        let lab = try PrivateHost()
        for _ in 0..<5 {
            let servers = try (0..<4).map { _ in try Self.server(lab) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for names in servers {
                    for _ in 0..<2 { group.addTask { try await names.ensureRunning() } }
                }
                try await group.waitForAll()
            }
            // Those that came second are gone as soon as they have looked.
            let deadline = ContinuousClock.now + .seconds(60)
            while try Self.processes(lab).count > 1, ContinuousClock.now < deadline {
                try await EventLoop.shared.sleep(for: .milliseconds(5))
            }
            #expect(try Self.processes(lab).count == 1)
            for names in servers { #expect(try await names.attached() == []) }
            try await servers[0].shutdownIfIdle()
            #expect(Files.exists(lab.folder + "/dns.sock") == false)
            while try !Self.processes(lab).isEmpty { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
        }
    }

    @Test("a name server that does not answer is an error after a time, and is replaced")
    func silent() async throws {
        let lab = try PrivateHost()
        let names = NameServer(
            initBinary: try Self.initBinary(), socketPath: lab.folder + "/dns.sock", hostNamespace: lab.host,
            patience: .seconds(3))
        try await names.ensureRunning()
        let process = try #require(try Self.processes(lab).first)
        try Signals.kill(process, 19)  // SIGSTOP
        let failure = await #expect(throws: SystemError.self) { try await names.attached() }
        #expect(failure?.errno == .ETIMEDOUT)
        #expect(try await names.ensureRunning())
        #expect(try await names.attached() == [])
        #expect(Self.hasEnded(process))
        try await names.shutdownIfIdle()
    }

    /// The name servers of a host, by the socket in their command line.
    ///
    /// A process that has ended has none.
    private static func processes(_ lab: PrivateHost) throws -> [Int32] {
        try Files.list("/proc").compactMap { Int32($0.name) }.filter { pid in
            (try? Files.readText("/proc/\(pid)/cmdline"))?.contains(lab.folder + "/dns.sock") == true
        }
    }

    /// Whether a process has let go of its lock and its socket; its command line goes a moment before.
    private static func hasEnded(_ pid: Int32) -> Bool {
        guard let status = try? Files.readText("/proc/\(pid)/stat") else { return true }
        return status.contains(") Z ") || status.contains(") X ")
    }

    @Test("questions by TCP are answered, and garbage by either way harms nobody")
    func transports() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let web = try await lab.container(in: network)
        let names = try Self.server(lab)
        try await names.ensureRunning()
        try await Self.serve(names, web, ["web"])
        // Id 7, recursion desired, one question: web, A, IN. Twice in one connection.
        let question: [UInt8] = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x77, 0x65, 0x62, 0, 0, 1, 0, 1]
        let framed = [0, UInt8(question.count)] + question
        let answers = try await Self.exchange(framed + framed, web)
        #expect(answers.count == 2 * (2 + question.count + 16))
        #expect(answers.suffix(4) == [10, 89, 0, 2])
        var random = SystemRandomNumberGenerator()
        for length in [0, 1, 11, 12, 13, 60, 600, 1400] {
            let garbage = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            if length < 100 { _ = try await Self.exchange(garbage, web) }
            try await Self.send(garbage, web)
        }
        #expect(try await Self.find("web", in: web) == [web.address])
        try await names.remove(containerID: web.id)
        try await names.shutdownIfIdle()
        try await NetworkTests.takeDown(lab, [web], [network])
    }

    /// Sends bytes by TCP, and gives what is answered until the server closes.
    private static func exchange(_ bytes: [UInt8], _ container: TestContainer) async throws -> [UInt8] {
        let request = Busybox.request(in: container.netns, ["nc", "-w", "60", "127.0.0.11", "53"])
        return try await Spawn.run(request, input: bytes, timeout: .seconds(150)).standardOutput
    }

    /// Sends bytes as one datagram.
    private static func send(_ bytes: [UInt8], _ container: TestContainer) async throws {
        let request = SpawnRequest(
            "/usr/bin/nsenter",
            [
                "--net=/proc/\(CurrentProcess.pid)/fd/\(container.netns.raw)", "--", "/bin/bash", "-c",
                "cat >/dev/udp/127.0.0.11/53",
            ])
        let result = try await Spawn.run(request, input: bytes, timeout: .seconds(150))
        #expect(result.status.code == 0, "\(result.errorText)")
    }
}
