import Diagnostics
import Linux
import Testing

@testable import Networking
@testable import StateStore

@Suite("Networks on a private host", .serialized)
struct NetworkTests {
    @Test("containers of one network reach each other, and the world outside behind the host's address")
    func reach() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let (first, second) = (try await lab.container(in: network), try await lab.container(in: network))
        #expect(first.endpoints.map(\.interfaceName) == ["eth0"])
        let web = try await WebServer(in: second.netns)
        let outside = try await WebServer(in: lab.neighbour)
        #expect(try await Busybox.fetch(second.address, in: first.netns) == first.address)
        let seen = try await Busybox.fetch(PrivateHost.neighbourAddress, in: first.netns)
        #expect(seen == PrivateHost.hostAddress)
        #expect(try await lab.networks.observeNetwork(id: network.id)?.problems == [])
        let observed = try await lab.networks.observeContainer(containerID: first.id, netns: first.netns)
        #expect(observed.map(\.problems) == [[]])
        try await web.stop()
        try await outside.stop()
        try await Self.takeDown(lab, [first, second], [network])
    }

    @Test(
        "daemons of other roots that make networks at once take other subnets, and leave the switches to who needs them"
    )
    func manyRoots() async throws {
        let lab = try PrivateHost()
        let roots = try (0..<6).map { number in
            let root = "\(lab.folder)/root\(number)"
            try Files.makeDirectories(root)
            let database = try StateDatabase(path: root + "/state.db")
            return NetworkController(root: root, database: database, hostNamespace: lab.host)
        }
        for _ in 0..<3 {
            let subnets = try await withThrowingTaskGroup(of: String.self) { group in
                for root in roots {
                    let request = try lab.request("front")
                    group.addTask { try await root.createNetwork(request).subnet.description }
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(Set(subnets).count == roots.count, "\(subnets.sorted())")
            // All but the first go; it still needs forwarding.
            for root in roots.dropFirst() {
                for network in try await root.networks() { try await root.deleteNetwork(id: network.id) }
            }
            #expect(try PrivateHost.get(lab.host, "/proc/sys/net/ipv4/ip_forward") == "1")
            for network in try await roots[0].networks() { try await roots[0].deleteNetwork(id: network.id) }
            // Who came when forwarding was on takes that for the host's own way.
            #expect(try lab.remains().filter { $0 != "ip_forward" } == [])
        }
    }

    @Test("a published port answers on every address of the host, and the container sees the client's own")
    func publish() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let other = try await lab.networks.createNetwork(lab.request("other"))
        let server = try await lab.container(
            in: network,
            ports: [
                PublishedPort(hostPort: 8080, containerPort: 80),
                PublishedPort(hostAddress: .loopback, hostPort: 8081, containerPort: 80),
                PublishedPort(hostPort: 0, containerPort: 80),
            ])
        let (near, far) = (try await lab.container(in: network), try await lab.container(in: other))
        let web = try await WebServer(in: server.netns)
        let host = PrivateHost.hostAddress
        #expect(try await Busybox.fetch(host, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)
        #expect(try await Busybox.fetch("127.0.0.1", 8080, in: lab.host) == "\(network.gateway)")
        #expect(try await Busybox.fetch(host, 8080, in: lab.host) != nil)
        #expect(try await Busybox.fetch("127.0.0.1", 8081, in: lab.host) != nil)
        #expect(try await Busybox.fetch(host, 8081, in: lab.neighbour, within: 2) == nil)
        let chosen = try #require(server.ports.map(\.hostPort).first { $0 > 8081 })
        #expect(try await Busybox.fetch(host, chosen, in: lab.neighbour) != nil)
        // By way of the host: a neighbour in the network, itself, and a container of another network.
        #expect(try await Busybox.fetch(host, 8080, in: near.netns) == "\(network.gateway)")
        #expect(try await Busybox.fetch(host, 8080, in: server.netns) == "\(network.gateway)")
        #expect(try await Busybox.fetch(host, 8080, in: far.netns) == far.address)
        try await lab.networks.setPorts(
            containerID: server.id, ports: [PublishedPort(hostPort: 8088, containerPort: 80)]
        )
        .forEach { #expect($0.hostPort == 8088) }
        #expect(try await Busybox.fetch(host, 8088, in: lab.neighbour) != nil)
        #expect(try await Busybox.fetch(host, 8080, in: lab.neighbour, within: 2) == nil)
        try await web.stop()
        try await Self.takeDown(lab, [server, near, far], [network, other])
    }

    @Test("networks are kept apart, and a container's address cannot be reached from outside")
    func isolation() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let other = try await lab.networks.createNetwork(lab.request("other"))
        let (server, stranger) = (try await lab.container(in: network), try await lab.container(in: other))
        let web = try await WebServer(in: server.netns)
        let lan = try RouteSocket.open(in: lab.neighbour.raw)
        try lan.addRoute(to: IPPrefix("\(network.subnet)"), via: IPAddress(PrivateHost.hostAddress))
        #expect(try await Busybox.fetch(server.address, in: lab.host) != nil)
        #expect(try await Busybox.fetch(server.address, in: stranger.netns, within: 2) == nil)
        #expect(try await Busybox.fetch(server.address, in: lab.neighbour, within: 2) == nil)
        try await web.stop()
        try await Self.takeDown(lab, [server, stranger], [network, other])
    }

    @Test("an internal network reaches its own containers and nothing else, even with a route")
    func internalNetwork() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("vault", isInternal: true))
        let (first, second) = (try await lab.container(in: network), try await lab.container(in: network))
        let web = try await WebServer(in: second.netns)
        let outside = try await WebServer(in: lab.neighbour)
        let onHost = try await WebServer(in: lab.host)
        #expect(try await Busybox.fetch(second.address, in: first.netns) == first.address)
        let inside = try RouteSocket.open(in: first.netns.raw)
        try inside.addRoute(via: IPAddress(network.gateway))
        #expect(try await Busybox.fetch(PrivateHost.neighbourAddress, in: first.netns, within: 2) == nil)
        #expect(try await Busybox.fetch(PrivateHost.hostAddress, in: first.netns, within: 2) == nil)
        await #expect(throws: Diagnostic.self) {
            _ = try await lab.networks.setPorts(
                containerID: second.id, ports: [PublishedPort(hostPort: 8080, containerPort: 80)])
        }
        for server in [web, outside, onHost] { try await server.stop() }
        try await Self.takeDown(lab, [first, second], [network])
    }

    @Test("a container does not reach what listens on the host's loopback")
    func loopbackGuard() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let container = try await lab.container(in: network)
        let secret = try await WebServer(in: lab.host, port: 9000, address: "127.0.0.9")
        // What an attacker with the container's network does: loopback addresses sent out through eth0.
        let inside = try RouteSocket.open(in: container.netns.raw)
        let link = try inside.existingLink(named: "eth0")
        try PrivateHost.set(container.netns, "/proc/sys/net/ipv4/conf/all/route_localnet", "1")
        _ = try await Busybox.run(
            in: container.netns, "ip", "route", "del", "table", "local", "127.0.0.0/8", "dev", "lo")
        try inside.addRoute(to: IPPrefix("127.0.0.9/32"), via: IPAddress(network.gateway), on: link.index)
        #expect(try await Busybox.fetch("127.0.0.9", 9000, in: container.netns, within: 2) == nil)
        try await secret.stop()
        try await Self.takeDown(lab, [container], [network])
    }

    @Test("networks are made and removed with more files open than select takes")
    func manyFiles() async throws {
        CurrentProcess.raiseOpenFileLimit()
        let null = try Files.open("/dev/null").shared()
        let held = try (0..<1500).map { _ in try FileDescriptor.duplicating(null.raw).shared() }
        let lab = try PrivateHost()
        #expect(held.contains { $0.raw > 1024 })
        let network = try await lab.networks.createNetwork(lab.request("front"))
        #expect(try await lab.networks.observeNetwork(id: network.id)?.problems == [])
        // The session's files are its own: none of the process is closed with it.
        #expect(held.allSatisfy { (try? $0.status()) != nil })
        try await Self.takeDown(lab, [], [network])
    }

    @Test("networks that are removed at the same time leave nothing")
    func parallelRemoval() async throws {
        let lab = try PrivateHost()
        for _ in 0..<5 {
            var networks: [NetworkSpecification] = []
            for index in 0..<8 { networks.append(try await lab.networks.createNetwork(lab.request("n\(index)"))) }
            await withTaskGroup(of: Void.self) { group in
                for network in networks {
                    group.addTask { try? await lab.networks.deleteNetwork(id: network.id) }
                }
            }
            #expect(try lab.remains() == [])
        }
    }

    @Test("a host that was no router is none for its neighbours because of containers", arguments: ["0", "1"])
    func closedRouter(before: String) async throws {
        let lab = try PrivateHost()
        let other = try Namespaces.makeNetwork().shared()
        let host = try RouteSocket.open(in: lab.host.raw)
        let far = try RouteSocket.open(in: other.raw)
        try host.createVeth(VethEnd(name: "uplink2", up: true), peer: VethEnd(name: "lan", namespace: other.raw))
        try far.setUp(far.existingLink(named: "lan").index)
        try host.addAddress(
            try #require(IPPrefix("198.51.100.1/24")), to: try host.existingLink(named: "uplink2").index)
        try far.addAddress(
            try #require(IPPrefix("198.51.100.9/24")), to: try far.existingLink(named: "lan").index)
        try far.addRoute(via: IPAddress(try #require(IPv4Address("198.51.100.1"))))
        try RouteSocket.open(in: lab.neighbour.raw).addRoute(
            via: IPAddress(try #require(IPv4Address(PrivateHost.hostAddress))))
        try PrivateHost.set(lab.host, "/proc/sys/net/ipv4/ip_forward", before)
        let web = try await WebServer(in: other)
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let container = try await lab.container(in: network)
        let seen = try await Busybox.fetch("198.51.100.9", in: lab.neighbour, within: before == "1" ? 60 : 2)
        #expect(seen == (before == "1" ? PrivateHost.neighbourAddress : nil))
        // The container's own way is open to either side.
        #expect(try await Busybox.fetch("198.51.100.9", in: container.netns) == "198.51.100.1")
        #expect(try await lab.networks.heal() == [])
        try await web.stop()
        try PrivateHost.set(lab.host, "/proc/sys/net/ipv4/ip_forward", "1")
        try await lab.networks.detach(containerID: container.id)
        try await lab.networks.releaseEndpoints(containerID: container.id)
        try await lab.networks.deleteNetwork(id: network.id)
        #expect(try lab.remains() == (before == "1" ? ["ip_forward"] : []))
    }

    /// Takes everything down and asserts that nothing is left.
    static func takeDown(
        _ lab: PrivateHost, _ containers: [TestContainer], _ networks: [NetworkSpecification]
    ) async throws {
        for container in containers {
            try await lab.networks.detach(containerID: container.id)
            try await lab.networks.releaseEndpoints(containerID: container.id)
        }
        for network in networks { try await lab.networks.deleteNetwork(id: network.id) }
        #expect(try lab.remains() == [])
    }
}
