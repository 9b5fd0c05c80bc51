import Diagnostics
import Linux
import Testing

@testable import Networking

@Suite("Networks and ports that cannot be had", .serialized)
struct NetworkConflictTests {
    @Test("a subnet over a host route is refused, with the route and its interface named")
    func hostRoute() async throws {
        let lab = try PrivateHost()
        let request = try lab.request("front", subnet: "192.0.2.0/25")
        let found = await lab.networks.diagnose([request])
        #expect(found.map(\.code) == ["SC6020"])
        #expect(found.first?.detail == "the host reaches 192.0.2.0/24 through interface uplink")
        await #expect(throws: Diagnostic.self) { _ = try await lab.networks.createNetwork(request) }
        #expect(try await lab.networks.networks().isEmpty)
        #expect(try lab.remains() == [])
    }

    @Test("two networks of one plan with overlapping subnets, or one name, are told before anything is made")
    func eachOther() async throws {
        let lab = try PrivateHost()
        let requests = [
            try lab.request("a", subnet: "10.1.0.0/16"), try lab.request("b", subnet: "10.1.2.0/24"),
            try lab.request("a", subnet: "10.2.0.0/24"),
        ]
        #expect(await lab.networks.diagnose(requests).map(\.code) == ["SC6019", "SC6015"])
    }

    @Test("a host address that the host has not is refused, naming those it has; one that was had before is not")
    func missingAddress() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let wanted = PublishedPort(hostAddress: IPAddress("198.51.100.7"), hostPort: 8080, containerPort: 80)
        let found = await lab.networks.diagnosePorts([wanted], containerID: nil)
        #expect(found.map(\.code) == ["SC6032"])
        #expect(found.first?.detail == "It has 127.0.0.1 (lo), \(PrivateHost.hostAddress) (uplink).")
        let there = PublishedPort(
            hostAddress: IPAddress(PrivateHost.hostAddress), hostPort: 8080, containerPort: 80)
        let loopback = PublishedPort(hostAddress: IPAddress("127.0.0.9"), hostPort: 8080, containerPort: 80)
        #expect(await lab.networks.diagnosePorts([there, loopback], containerID: nil).isEmpty)
        let container = try await lab.container(in: network, ports: [there])
        await #expect(throws: Diagnostic.self) {
            _ = try await lab.networks.setPorts(containerID: container.id, ports: [there, wanted])
        }
        #expect(try await lab.networks.publishedPorts(containerID: container.id) == [there])
        let routes = try RouteSocket.open(in: lab.host.raw)
        try routes.delete(named: "uplink")
        #expect(try await lab.networks.setPorts(containerID: container.id, ports: [there]) == [there])
        try PrivateHost.set(lab.host, "/proc/sys/net/ipv4/ip_nonlocal_bind", "1")
        #expect(await lab.networks.diagnosePorts([wanted], containerID: nil).isEmpty)
        try await NetworkTests.takeDown(lab, [container], [network])
    }

    @Test("a firewall of others that drops what is forwarded is warned of until it lets our bridges through")
    func foreignFirewall() async throws {
        let lab = try PrivateHost()
        let nft = try HostNamespace.run(in: lab.host) { try NftablesSession() }
        #expect(await lab.networks.diagnoseForwarding().isEmpty)
        try nft.run(
            "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; chain DOCKER-USER { }; }"
        )
        let found = await lab.networks.diagnoseForwarding()
        #expect(found.map(\.code) == ["SC6033"] && found.first?.severity == .warning)
        #expect(found.first?.detail?.contains("FORWARD of table ip filter has policy drop (set by Docker)") == true)
        #expect(found.first?.hint?.contains("iptables -I DOCKER-USER -o sc-+ -j ACCEPT") == true)
        try nft.run("add rule ip filter DOCKER-USER iifname \"sc-*\" accept")
        #expect(await lab.networks.diagnoseForwarding().isEmpty)
        try nft.run(
            "delete table ip filter; table inet fw { chain f { type filter hook forward priority 0; policy drop; }; }")
        #expect(
            await lab.networks.diagnoseForwarding().first?.hint?.contains(
                "nft insert rule inet fw f oifname '\"sc-*\"' accept") == true)
        try nft.run("delete table inet fw")
    }

    @Test("automatic subnets go round the host's routes and the networks there are")
    func automatic() async throws {
        let lab = try PrivateHost()
        let routes = try RouteSocket.open(in: lab.host.raw)
        try routes.addRoute(to: IPPrefix("10.89.0.0/24"), via: IPAddress(PrivateHost.neighbourAddress))
        let first = try await lab.networks.createNetwork(lab.request("a"))
        let second = try await lab.networks.createNetwork(lab.request("b"))
        #expect(first.subnet == Subnet("10.89.1.0/24") && second.subnet == Subnet("10.89.2.0/24"))
        #expect(first.gateway == IPv4Address("10.89.1.1"))
        #expect(try await lab.networks.createNetwork(NetworkRequest(id: first.id, name: "a")) == first)
        try await NetworkTests.takeDown(lab, [], [first, second])
    }

    @Test("a port that a process or another container has is refused, and the holder named")
    func ports() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let web = try await WebServer(in: lab.host, port: 8080)
        let wanted = PublishedPort(hostPort: 8080, containerPort: 80)
        let found = await lab.networks.diagnosePorts([wanted], containerID: nil)
        #expect(found.map(\.code) == ["SC6026"])
        #expect(found.first?.detail?.hasPrefix("busybox (pid ") == true)
        try await web.stop()
        let holder = try await lab.container(in: network, ports: [wanted])
        #expect(await lab.networks.diagnosePorts([wanted], containerID: nil).map(\.code) == ["SC6025"])
        #expect(await lab.networks.diagnosePorts([wanted], containerID: holder.id).isEmpty)
        let loser = TestContainer(id: try Random.hexID(), netns: try Namespaces.makeNetwork().shared())
        _ = try await lab.networks.reserveEndpoint(EndpointRequest(containerID: loser.id, networkID: network.id))
        await #expect(throws: Diagnostic.self) {
            _ = try await lab.networks.attach(containerID: loser.id, netns: loser.netns, ports: [wanted])
        }
        let links = try RouteSocket.open(in: lab.host.raw).links().filter { $0.kind == "veth" }
        #expect(links.count == 2)  // the uplink and the holder's
        try await NetworkTests.takeDown(lab, [holder, loser], [network])
    }

    @Test("a network in use is not deleted, an address that is taken or outside not given")
    func inUse() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front", subnet: "10.5.0.0/29"))
        let container = try await lab.container(in: network)
        await #expect(throws: Diagnostic.self) { try await lab.networks.deleteNetwork(id: network.id) }
        for address in ["10.5.0.1", "10.5.0.2", "10.5.0.7", "10.6.0.2"] {
            let request = EndpointRequest(containerID: "x", networkID: network.id, address: IPv4Address(address))
            await #expect(throws: Diagnostic.self) { _ = try await lab.networks.reserveEndpoint(request) }
        }
        for index in 0..<4 {
            _ = try await lab.networks.reserveEndpoint(EndpointRequest(containerID: "c\(index)", networkID: network.id))
        }
        await #expect(throws: Diagnostic.self) {
            _ = try await lab.networks.reserveEndpoint(EndpointRequest(containerID: "full", networkID: network.id))
        }
        for index in 0..<4 { try await lab.networks.releaseEndpoints(containerID: "c\(index)") }
        try await NetworkTests.takeDown(lab, [container], [network])
    }
}
