import Diagnostics
import Linux
import Testing

@testable import Networking

@Suite("Networks that somebody damages", .serialized)
struct NetworkDamageTests {
    @Test("a flushed firewall, a deleted bridge and forwarding switched off are found and put right")
    func healing() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let server = try await lab.container(in: network, ports: [PublishedPort(hostPort: 8080, containerPort: 80)])
        let web = try await WebServer(in: server.netns)
        #expect(try await lab.networks.heal() == [])

        try HostNamespace.run(in: lab.host) { _ = try NftablesSession().run("flush ruleset") }
        #expect(try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour, within: 2) == nil)
        #expect(
            try await lab.networks.observeNetwork(id: network.id)?.problems == [
                .rulesMissing(table: lab.networks.tableName)
            ])
        #expect(try await lab.networks.heal() == [.rulesMissing(table: lab.networks.tableName)])
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)

        try RouteSocket.open(in: lab.host.raw).delete(named: network.bridgeName)
        #expect(try await lab.networks.heal() == [.bridgeMissing(name: network.bridgeName)])
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)

        try PrivateHost.set(lab.host, "/proc/sys/net/ipv4/ip_forward", "0")
        #expect(try await lab.networks.heal().contains(.forwardingDisabled))
        #expect(try await lab.networks.heal() == [])
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)
        try await web.stop()
        try await NetworkTests.takeDown(lab, [server], [network])
    }

    @Test("a container's link that was removed is named, and made again while the container runs")
    func linkRemoved() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let server = try await lab.container(in: network, ports: [PublishedPort(hostPort: 8080, containerPort: 80)])
        let web = try await WebServer(in: server.netns)
        let endpoint = try #require(server.endpoints.first)
        try RouteSocket.open(in: lab.host.raw).delete(named: endpoint.hostInterfaceName)
        let damaged = try await lab.networks.observeContainer(containerID: server.id, netns: server.netns)
        #expect(damaged.first?.problems.contains(.linkMissing(interface: endpoint.hostInterfaceName)) == true)
        try await lab.networks.repairContainer(containerID: server.id, netns: server.netns)
        let repaired = try await lab.networks.observeContainer(containerID: server.id, netns: server.netns)
        #expect(repaired.map(\.problems) == [[]])
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)

        let inside = try RouteSocket.open(in: server.netns.raw)
        try inside.setUp(inside.existingLink(named: "eth0").index, false)
        let down = try await lab.networks.observeContainer(containerID: server.id, netns: server.netns)
        #expect(down.first?.problems.contains(.linkDown(interface: "eth0")) == true)
        try await lab.networks.repairContainer(containerID: server.id, netns: server.netns)
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)
        try await web.stop()
        try await NetworkTests.takeDown(lab, [server], [network])
    }

    @Test("connecting to a further network and leaving it works while the container runs")
    func connectLive() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let vault = try await lab.networks.createNetwork(lab.request("vault", isInternal: true))
        let (container, hidden) = (try await lab.container(in: network), try await lab.container(in: vault))
        let web = try await WebServer(in: hidden.netns)
        let place = try await lab.networks.reserveEndpoint(
            EndpointRequest(containerID: container.id, networkID: vault.id))
        #expect(place.interfaceName == "eth1")
        try await lab.networks.connect(containerID: container.id, networkID: vault.id, netns: container.netns)
        #expect(try await Busybox.fetch(hidden.address, in: container.netns) == "\(place.address)")
        try await lab.networks.disconnect(containerID: container.id, networkID: vault.id, netns: container.netns)
        try await lab.networks.releaseEndpoint(containerID: container.id, networkID: vault.id)
        #expect(try await Busybox.fetch(hidden.address, in: container.netns, within: 2) == nil)
        let observed = try await lab.networks.observeContainer(containerID: container.id, netns: container.netns)
        #expect(observed.map(\.problems) == [[]])
        try await web.stop()
        try await NetworkTests.takeDown(lab, [container, hidden], [network, vault])
    }

    @Test("ports lead to the next network when their own is left, and old datagrams follow")
    func portsFollow() async throws {
        let lab = try PrivateHost()
        let front = try await lab.networks.createNetwork(lab.request("front"))
        let back = try await lab.networks.createNetwork(lab.request("back"))
        let server = try await lab.container(
            in: front, back, ports: [PublishedPort(hostPort: 8080, containerPort: 80)])
        let web = try await WebServer(in: server.netns)
        #expect(try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) != nil)
        try await lab.networks.disconnect(containerID: server.id, networkID: front.id, netns: server.netns)
        try await lab.networks.releaseEndpoint(containerID: server.id, networkID: front.id)
        #expect(
            try await Busybox.fetch(PrivateHost.hostAddress, 8080, in: lab.neighbour) == PrivateHost.neighbourAddress)
        #expect(try await lab.networks.heal() == [])
        try await web.stop()
        try await NetworkTests.takeDown(lab, [server], [front, back])
    }

    @Test("datagrams that come all the time reach a port that is published meanwhile")
    func datagrams() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let server = try await lab.container(in: network)
        // One client port throughout: the kernel takes all of it for one connection, translated as it began. The second
        // write tells that nobody listened to the first.
        let (begun, published) = (lab.folder + "/begun", lab.folder + "/published")
        let script =
            "exec 3>/dev/udp/\(PrivateHost.hostAddress)/5000; printf 1 >&3; touch \(begun); "
            + "for i in {1..3000}; do [ -e \(published) ] && break; sleep 0.1; done; printf 2 >&3; printf 3 >&3"
        let client = SpawnRequest(
            "/usr/bin/nsenter",
            ["--net=/proc/\(CurrentProcess.pid)/fd/\(lab.neighbour.raw)", "--", "/bin/bash", "-c", script])
        let sender = try Spawn.start(client)
        let receiver = try HostNamespace.run(in: server.netns) {
            try BoundSocket.datagrams(at: try #require(IPAddress("0.0.0.0")), port: 5001).shared()
        }
        for _ in 0..<12_000 where !Files.exists(begun) { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
        _ = try await lab.networks.setPorts(
            containerID: server.id, ports: [PublishedPort(hostPort: 5000, containerPort: 5001, transport: .udp)])
        try Files.write(published, [])
        _ = try await sender.exitStatus()
        var received: [UInt8]?
        for _ in 0..<12_000 {
            received = try? receiver.read(upTo: 1)
            if received != nil { break }
            try await EventLoop.shared.sleep(for: .milliseconds(5))
        }
        #expect(received == [UInt8(ascii: "3")])
        try await NetworkTests.takeDown(lab, [server], [network])
    }

    @Test("interfaces have no IPv6, and a port that was attached anew may send back to where it came from")
    func interfaceSettings() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let server = try await lab.container(in: network)
        let port = try #require(server.endpoints.first?.hostInterfaceName)
        let hairpin = "/sys/class/net/\(port)/brport/hairpin_mode"
        for (netns, name) in [(lab.host, network.bridgeName), (lab.host, port), (server.netns, "eth0")] {
            #expect(try PrivateHost.get(netns, "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6") == "1")
        }
        let host = try RouteSocket.open(in: lab.host.raw)
        try host.delete(named: network.bridgeName)
        #expect(try await lab.networks.heal() == [.bridgeMissing(name: network.bridgeName)])
        let shown = try await Spawn.run(
            SpawnRequest(
                "/usr/bin/nsenter",
                [
                    "--net=/proc/\(CurrentProcess.pid)/fd/\(lab.host.raw)", "--", "/usr/bin/unshare", "-m", "/bin/sh",
                    "-ec",
                    "mount -t sysfs none /sys; cat \(hairpin)",
                ]), timeout: .seconds(150))
        #expect(shown.outputText == "1\n")
        try await NetworkTests.takeDown(lab, [server], [network])
    }

    @Test("a new daemon finds networks and running containers, and takes away what stopped meanwhile")
    func recovery() async throws {
        let lab = try PrivateHost()
        let network = try await lab.networks.createNetwork(lab.request("front"))
        let running = try await lab.container(in: network, ports: [PublishedPort(hostPort: 8080, containerPort: 80)])
        let stopped = try await lab.container(in: network, ports: [PublishedPort(hostPort: 8081, containerPort: 80)])
        try HostNamespace.run(in: lab.host) { _ = try NftablesSession().run("flush ruleset") }
        let next = NetworkController(root: lab.folder, database: lab.database, hostNamespace: lab.host)
        try await next.recover(running: [running.id])
        #expect(try await next.publishedPorts(containerID: running.id).map(\.hostPort) == [8080])
        #expect(try await next.publishedPorts(containerID: stopped.id) == [])
        let links = try RouteSocket.open(in: lab.host.raw).links().map(\.name)
        #expect(links.contains(try #require(running.endpoints.first).hostInterfaceName))
        #expect(!links.contains(try #require(stopped.endpoints.first).hostInterfaceName))
        let observed = try await next.observeContainer(containerID: running.id, netns: running.netns)
        #expect(observed.map(\.problems) == [[]])
        #expect(try await next.endpoints(containerID: stopped.id) == stopped.endpoints)
        try await NetworkTests.takeDown(lab, [running, stopped], [network])
    }
}
