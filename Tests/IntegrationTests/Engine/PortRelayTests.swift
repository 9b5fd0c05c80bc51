import Engine
import Linux
import Networking
import Testing

@Suite("Ports published on IPv6 beside the firewall", .serialized, .timeLimit(.minutes(10)))
struct PortRelayTests {
    private static func page(_ address: String, _ port: Int) async throws -> String {
        let result = try await Spawn.run(
            SpawnRequest("/bin/busybox", ["wget", "-qO-", "http://\(address):\(port)/"]), timeout: .seconds(150))
        return result.outputText
    }

    @Test("[::1] answers for containers with IPv6 and without, while the daemon is away, and until they end")
    func loopback() async throws {
        let lab = try await EngineLab()
        try await lab.docker("network", "create", "--ipv6", "six")
        try await lab.docker("network", "create", "-o", "io.stackctl.publish_interfaces=lo", "limited")
        let places = [("six", 28100), ("limited", 28101), ("bridge", 28102)]
        for (network, port) in places {
            try await lab.docker(
                "run", "-d", "--name", network, "--network", network, "-p", "\(port):80", "busybox", "httpd", "-f",
                "-h", "/www")
        }
        try await lab.docker(
            "run", "-d", "--name", "near", "-p", "[::1]:28103:80", "busybox", "httpd", "-f", "-h", "/www")
        #expect(try await lab.docker("port", "near").out == "80/tcp -> [::1]:28103\n")
        for (network, port) in places {
            for address in ["127.0.0.1", "[::1]"] {
                // Its server may not listen yet.
                try await lab.eventually("\(network) answers at \(address)") {
                    try await Self.page(address, port) == "hello from busybox\n"
                }
            }
        }
        try await lab.eventually("near answers") { try await Self.page("[::1]", 28103) == "hello from busybox\n" }
        try await lab.stop()
        #expect(try await Self.page("[::1]", 28102) == "hello from busybox\n")
        try await lab.start()
        #expect(try await Self.page("[::1]", 28102) == "hello from busybox\n")
        try await lab.docker("restart", "-t", "0", "bridge")
        try await lab.eventually("it answers again") {
            try await Self.page("[::1]", 28102) == "hello from busybox\n"
        }
        try await lab.docker("rm", "-f", "bridge")
        #expect(try await Self.page("[::1]", 28102).isEmpty)
        let refused = try await lab.docker(
            "run", "--rm", "-p", "[::1]:28104:53/udp", "busybox", "true", expecting: 125)
        #expect(refused.error.contains("only TCP is passed on to IPv4"), "\(refused.error)")
        try await lab.takeDown()
    }

    @Test("a connection that is passed on keeps every byte, and half of it may end before the other")
    func stream() async throws {
        let lab = try await EngineLab()
        // The server reads all there is, and only then says how much it was.
        try await lab.docker(
            "run", "-d", "--name", "count", "-p", "[::1]:28110:80", "busybox", "busybox", "nc", "-ll", "-p", "80",
            "-e", "busybox", "md5sum")
        try await lab.eventually("the server listens") {
            try await lab.docker("exec", "count", "netstat", "-ltn").out.contains(":80 ")
        }
        let script = "head -c 50000000 /dev/urandom | tee /dev/stderr 2>\(lab.root)/sent | busybox nc ::1 28110"
        let reply = try await Spawn.run(SpawnRequest("/bin/sh", ["-c", script]), timeout: .seconds(150))
        let sent = try await Spawn.run(
            SpawnRequest("/bin/busybox", ["md5sum", lab.root + "/sent"]), timeout: .seconds(150))
        #expect(reply.outputText.prefix(32) == sent.outputText.prefix(32) && reply.outputText.utf8.count > 32)
        try Files.unlink(lab.root + "/sent")
        try await lab.takeDown()
    }

    @Test("rules that somebody flushes are back before anybody looks for them")
    func flush() async throws {
        let lab = try await EngineLab()
        try await lab.docker(
            "run", "-d", "--name", "web", "-p", "28120:80", "busybox", "httpd", "-f", "-h", "/www")
        let table = try await lab.engine.networks.tableName
        let result = try await Spawn.run(
            SpawnRequest("/usr/sbin/nft", ["delete", "table", "inet", table]), timeout: .seconds(150))
        #expect(result.status.code == 0, "\(result.errorText)")
        try await lab.eventually("the port answers again") {
            try await Self.page("127.0.0.1", 28120) == "hello from busybox\n"
        }
        try await lab.takeDown()
    }

    @Test("ports change while a container runs, and come with the first network that leads out")
    func change() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        try await lab.docker("network", "create", "--internal", "vault")
        try await lab.docker("network", "create", "front")
        try await lab.docker(
            "run", "-d", "--name", "web", "--network", "vault", "-p", "28130:80", "busybox", "httpd", "-f", "-h",
            "/www")
        #expect(try await lab.docker("port", "web").out.isEmpty)
        try await lab.docker("network", "connect", "front", "web")
        #expect(try await lab.docker("port", "web").out == "80/tcp -> 0.0.0.0:28130\n80/tcp -> [::]:28130\n")
        let container = try engine.containers.find("web")
        let port = ContainerPort(80)
        for number in [[UInt16(28130), 28131], [28131]] {
            try await engine.setPorts(container, number.map { PortBinding(container: port, hostPort: $0) })
            for one in number {
                for address in ["127.0.0.1", "[::1]"] {
                    // Its server may not listen yet.
                    try await lab.eventually("\(address) \(one) answers") {
                        try await Self.page(address, Int(one)) == "hello from busybox\n"
                    }
                }
            }
        }
        #expect(try await Self.page("[::1]", 28130).isEmpty)
        try await lab.takeDown()
    }
}
