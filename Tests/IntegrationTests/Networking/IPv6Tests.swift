import Diagnostics
import Linux
import Testing

@testable import Networking

@Suite("Networks with IPv6", .serialized, .timeLimit(.minutes(10)))
struct IPv6Tests {
    private static let hostAddress = "2001:db8::1"
    private static let neighbourAddress = "2001:db8::2"

    /// A host whose LAN has IPv6, and a network with both families.
    private static func lab() async throws -> (PrivateHost, NetworkSpecification) {
        let lab = try PrivateHost()
        for (netns, link, address) in [
            (lab.host, "uplink", hostAddress), (lab.neighbour, "lan", neighbourAddress),
        ] {
            let routes = try RouteSocket.open(in: netns.raw)
            try routes.addAddress(
                try #require(IPPrefix(address + "/64")), to: try routes.existingLink(named: link).index)
        }
        return (lab, try await lab.networks.createNetwork(dual(lab, "six")))
    }

    private static func dual(_ lab: PrivateHost, _ name: String, options: [String: String] = [:]) throws
        -> NetworkRequest
    {
        var request = try lab.request(name)
        request.hasIPv6 = true
        request.options = options
        return request
    }

    private static func everywhere(_ port: UInt16) -> PublishedPort {
        var port = PublishedPort(hostPort: port, containerPort: 80)
        port.isForEveryFamily = true
        return port
    }

    private static func takeDown(
        _ lab: PrivateHost, _ containers: [TestContainer], _ networks: [NetworkSpecification]
    ) async throws {
        for container in containers {
            try await lab.networks.detach(containerID: container.id)
            try await lab.networks.releaseEndpoints(containerID: container.id)
        }
        for network in networks { try await lab.networks.deleteNetwork(id: network.id) }
        #expect(try lab.remains() == [])
        #expect(try PrivateHost.get(lab.host, "/proc/sys/net/ipv6/conf/all/forwarding") == "0")
    }

    @Test("containers reach each other and the world outside, and are reached by what is published only")
    func reach() async throws {
        let (lab, network) = try await Self.lab()
        let ipv6 = try #require(network.ipv6)
        #expect("\(ipv6.subnet)".hasPrefix("fd") && ipv6.subnet.length == 64)
        let server = try await lab.container(in: network, ports: [Self.everywhere(8080)])
        let other = try await lab.container(in: network)
        #expect(server.ports.map(\.description) == ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp"])
        // The page of busybox has an IPv6 address behind a bracket.
        let address = try #require(server.endpoints.first?.address6?.description)
        let own = try #require(other.endpoints.first?.address6?.description)
        let (web, outside) = (try await WebServer(in: server.netns), try await WebServer(in: lab.neighbour))
        #expect(try await Busybox.fetch(address, in: other.netns) == "[" + own)
        #expect(try await Busybox.fetch(Self.neighbourAddress, in: other.netns) == "[" + Self.hostAddress)
        #expect(try await Busybox.fetch(Self.hostAddress, 8080, in: lab.neighbour) == "[" + Self.neighbourAddress)
        #expect(try await Busybox.fetch(Self.hostAddress, 8080, in: lab.host) != nil)
        // By way of the host: a neighbour in the network, and itself.
        #expect(try await Busybox.fetch(Self.hostAddress, 8080, in: other.netns) == "[\(ipv6.gateway)")
        #expect(try await Busybox.fetch(Self.hostAddress, 8080, in: server.netns) == "[\(ipv6.gateway)")
        let lan = try RouteSocket.open(in: lab.neighbour.raw)
        try lan.addRoute(to: ipv6.subnet, via: IPAddress(Self.hostAddress))
        #expect(try await Busybox.fetch(address, in: lab.neighbour, within: 2) == nil)
        #expect(try await lab.networks.observeNetwork(id: network.id)?.problems == [])
        let observed = try await lab.networks.observeContainer(containerID: server.id, netns: server.netns)
        #expect(observed.map(\.problems) == [[]])
        for server in [web, outside] { try await server.stop() }
        try await Self.takeDown(lab, [server, other], [network])
    }

    @Test("an address that was lost comes back, and forwarding that was switched off")
    func damage() async throws {
        let (lab, network) = try await Self.lab()
        let container = try await lab.container(in: network)
        let routes = try RouteSocket.open(in: lab.host.raw)
        let ipv6 = try #require(network.ipv6)
        try routes.removeAddress(
            try ipv6.prefix(of: ipv6.gateway), from: try routes.existingLink(named: network.bridgeName).index)
        try PrivateHost.set(lab.host, "/proc/sys/net/ipv6/conf/all/forwarding", "0")
        let found = try await lab.networks.heal()
        #expect(
            found == [.gatewayMissing(bridge: network.bridgeName, address: ipv6.gateway), .forwardingDisabled])
        #expect(try await lab.networks.heal() == [])
        try await Self.takeDown(lab, [container], [network])
    }

    @Test("interfaces that heed router advertisements still do while the host forwards")
    func advertisements() async throws {
        let lab = try PrivateHost()
        let path = "/proc/sys/net/ipv6/conf/uplink/accept_ra"
        try PrivateHost.set(lab.host, path, "1")
        let network = try await lab.networks.createNetwork(Self.dual(lab, "six"))
        #expect(try PrivateHost.get(lab.host, path) == "2")
        let four = try await lab.networks.createNetwork(lab.request("four"))
        try await lab.networks.deleteNetwork(id: network.id)
        #expect(try PrivateHost.get(lab.host, path) == "1")
        #expect(try PrivateHost.get(lab.host, "/proc/sys/net/ipv6/conf/all/forwarding") == "0")
        try await Self.takeDown(lab, [], [four])
    }

    @Test("modes of the gateway and trusted interfaces open what they say, limits close it")
    func modes() async throws {
        let (lab, network) = try await Self.lab()
        let prefix = "com.docker.network.bridge."
        let cases: [(options: [String: String], direct: Bool, published: Bool)] = [
            ([prefix + "gateway_mode_ipv4": "routed"], true, false),
            ([prefix + "gateway_mode_ipv4": "nat-unprotected"], true, true),
            ([prefix + "trusted_host_interfaces": "uplink"], true, true),
            ([NetworkOptions.publishInterfacesOption: ""], false, false),
            ([NetworkOptions.publishInterfacesOption: "uplink"], false, true),
        ]
        let lan = try RouteSocket.open(in: lab.neighbour.raw)
        for (options, direct, published) in cases {
            var request = try lab.request("other")
            request.options = options
            let other = try await lab.networks.createNetwork(request)
            let server = try await lab.container(in: other, ports: [Self.everywhere(8081)])
            let web = try await WebServer(in: server.netns)
            try lan.addRoute(to: IPPrefix("\(other.subnet)"), via: IPAddress(PrivateHost.hostAddress))
            let page = try await Busybox.fetch(server.address, in: lab.neighbour, within: direct ? 60 : 2)
            #expect((page != nil) == direct, "\(options)")
            let answer = try await Busybox.fetch(
                PrivateHost.hostAddress, 8081, in: lab.neighbour, within: published ? 60 : 2)
            #expect((answer != nil) == published, "\(options)")
            #expect(try await lab.networks.observeNetwork(id: other.id)?.problems == [], "\(options)")
            #expect(try await lab.networks.heal() == [], "\(options)")
            try await web.stop()
            try await lab.networks.detach(containerID: server.id)
            try await lab.networks.releaseEndpoints(containerID: server.id)
            try await lab.networks.deleteNetwork(id: other.id)
        }
        try await Self.takeDown(lab, [], [network])
    }

    @Test("containers of a network without exchange reach the host, not each other")
    func exchange() async throws {
        let lab = try PrivateHost()
        var request = try lab.request("apart")
        request.options = ["com.docker.network.bridge.enable_icc": "false"]
        let network = try await lab.networks.createNetwork(request)
        let (first, second) = (try await lab.container(in: network), try await lab.container(in: network))
        let (web, onHost) = (try await WebServer(in: second.netns), try await WebServer(in: lab.host))
        #expect(try await Busybox.fetch(second.address, in: first.netns, within: 2) == nil)
        #expect(try await Busybox.fetch("\(network.gateway)", in: first.netns) == first.address)
        for server in [web, onHost] { try await server.stop() }
        try await Self.takeDown(lab, [first, second], [network])
    }

    @Test("a macvlan network puts containers among the host's neighbours, and leaves its parent as it was")
    func macvlan() async throws {
        let lab = try PrivateHost()
        var request = try lab.request("lan", subnet: "192.0.2.0/24")
        request.driver = .macvlan
        request.options = ["parent": "uplink"]
        request.gateway = IPv4Address(PrivateHost.hostAddress)
        request.auxiliary = ["neighbour": try #require(IPv4Address(PrivateHost.neighbourAddress))]
        let network = try await lab.networks.createNetwork(request)
        let container = try await lab.container(in: network)
        let outside = try await WebServer(in: lab.neighbour)
        #expect(try await Busybox.fetch(PrivateHost.neighbourAddress, in: container.netns) == container.address)
        let observed = try await lab.networks.observeContainer(containerID: container.id, netns: container.netns)
        #expect(observed.map(\.problems) == [[]])
        #expect(try await lab.networks.heal() == [])
        try await lab.networks.disconnect(
            containerID: container.id, networkID: network.id, netns: container.netns)
        #expect(try RouteSocket.open(in: container.netns.raw).link(named: "eth0") == nil)
        try await outside.stop()
        try await Self.takeDown(lab, [container], [network])
        #expect(try RouteSocket.open(in: lab.host.raw).link(named: "uplink") != nil)
    }

    @Test("addresses come from the range, go round what others have, and are refused outside the subnet")
    func addresses() async throws {
        let lab = try PrivateHost()
        var request = try lab.request("ranged", subnet: "10.99.0.0/24")
        request.range = Subnet("10.99.0.128/30")
        request.gateway = IPv4Address("10.99.0.1")
        request.auxiliary = ["taken": try #require(IPv4Address("10.99.0.128"))]
        request.hasIPv6 = true
        request.subnet6 = IPPrefix("fd12:3456::/64")
        request.auxiliary6 = ["taken": try #require(IPAddress("fd12:3456::2"))]
        let network = try await lab.networks.createNetwork(request)
        var found: [String] = []
        for _ in 0..<3 {
            let place = try await lab.networks.reserveEndpoint(
                EndpointRequest(containerID: try Random.hexID(), networkID: network.id))
            found += place.addresses.map(\.description)
        }
        #expect(
            found == [
                "10.99.0.129", "fd12:3456::3", "10.99.0.130", "fd12:3456::4", "10.99.0.131", "fd12:3456::5",
            ])
        for (address, address6, code) in [
            (nil, nil, "SC6021"), ("10.99.1.1", nil, "SC6022"), ("10.99.0.50", "fd99::1", "SC6022"),
            ("10.99.0.129", nil, "SC6023"), ("10.99.0.51", "fd12:3456::3", "SC6023"),
        ] as [(String?, String?, String)] {
            var wanted = EndpointRequest(containerID: try Random.hexID(), networkID: network.id)
            wanted.address = address.flatMap { IPv4Address($0) }
            wanted.address6 = address6.flatMap { IPAddress($0) }
            do {
                _ = try await lab.networks.reserveEndpoint(wanted)
                Issue.record("\(address ?? "") \(address6 ?? "") was given")
            } catch let error as Diagnostic {
                #expect(error.code == code)
            }
        }
        for (container, _) in Dictionary(
            grouping: try await lab.networks.endpoints(networkID: network.id), by: \.containerID)
        {
            try await lab.networks.releaseEndpoints(containerID: container)
        }
        try await Self.takeDown(lab, [], [network])
    }
}
