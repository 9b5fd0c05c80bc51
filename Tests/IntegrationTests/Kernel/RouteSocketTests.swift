import Linux
import Testing

@Suite("Links and routes, in namespaces of their own", .timeLimit(.minutes(5)))
struct RouteSocketTests {
    @Test("a bridge with a veth pair into another namespace carries packets, and goes without a trace")
    func bridge() async throws {
        let host = try Namespaces.makeNetwork().shared()
        let guest = try Namespaces.makeNetwork().shared()
        #expect(try Namespaces.identity(host.raw) != Namespaces.identity(guest.raw))
        let routes = try RouteSocket.open(in: host.raw)
        let bridgeAddress = try #require(MACAddress("02:00:00:00:00:01"))
        try routes.createBridge(named: "test0", address: bridgeAddress)
        let bridge = try #require(try routes.link(named: "test0"))
        #expect(bridge.kind == "bridge" && bridge.isUp && bridge.address == bridgeAddress)
        try routes.addAddress(try prefix("10.99.0.1/24"), to: bridge.index)
        try routes.addAddress(try prefix("10.99.0.1/24"), to: bridge.index)

        let guestAddress = try #require(MACAddress("02:42:0a:63:00:02"))
        try routes.createVeth(
            VethEnd(name: "veth0", master: bridge.index, up: true),
            peer: VethEnd(name: "eth0", namespace: guest.raw, address: guestAddress))
        let veth = try #require(try routes.link(named: "veth0"))
        #expect(veth.kind == "veth" && veth.master == bridge.index)
        #expect(try #require(try routes.link(named: "test0")).address == bridgeAddress)

        let inside = try RouteSocket.open(in: guest.raw)
        let eth0 = try #require(try inside.link(named: "eth0"))
        #expect(eth0.address == guestAddress)
        #expect(eth0.index == veth.peerIndex)
        try inside.addAddress(try prefix("10.99.0.2/24"), to: eth0.index)
        try inside.setUp(eth0.index)
        try inside.setLoopbackUp()
        try inside.addRoute(via: .v4(10, 99, 0, 1))
        let defaults = try inside.routes().filter { $0.destination == nil && $0.table == 254 && $0.gateway != nil }
        #expect(defaults.map(\.gateway) == [.v4(10, 99, 0, 1)])
        #expect(try routes.routes().contains { $0.destination?.description == "10.99.0.0/24" && $0.table == 254 })
        #expect(try routes.addresses().contains { $0.prefix.description == "10.99.0.1/24" })

        try await talk(from: guest, to: host)
        #expect(try routes.delete(named: "veth0"))
        #expect(try !routes.delete(named: "veth0"))
        #expect(try inside.link(named: "eth0") == nil)
        #expect(try !RouteSocket().links().contains { ["test0", "veth0"].contains($0.name) })
    }

    @Test("links that are deleted together are gone, and no others")
    func linksTogether() throws {
        let host = try Namespaces.makeNetwork().shared()
        let routes = try RouteSocket.open(in: host.raw)
        for number in 0..<4 {
            try routes.createVeth(VethEnd(name: "veth\(number)"), peer: VethEnd(name: "peer\(number)"))
        }
        try routes.delete(named: ["veth0", "nothing", "veth2"])
        func names() throws -> Set<String> {
            Set(try routes.links().map(\.name).filter { $0.hasPrefix("veth") || $0.hasPrefix("peer") })
        }
        #expect(try names() == ["veth1", "peer1", "veth3", "peer3"])
        try routes.delete(named: ["nothing", "veth1"])
        try routes.delete(named: ["nothing"])
        #expect(try names() == ["veth3", "peer3"])
    }

    /// A listener in one namespace is reached by a program in the other.
    private func talk(from guest: SharedDescriptor, to host: SharedDescriptor) async throws {
        let listener = try Namespaces.withNetworkNamespace(host.raw) { () throws(SystemError) in
            try SocketListener.tcp(.v4(10, 99, 0, 1), port: 80)
        }
        var request = SpawnRequest(
            "/usr/bin/nsenter", ["--net=/proc/self/fd/3", "bash", "-c", "echo hello > /dev/tcp/10.99.0.1/80"])
        request.descriptors[3] = guest.raw
        async let client = Spawn.run(request, timeout: .seconds(120))
        let socket = try await withTimeout(.seconds(120)) { try await listener.accept() }
        #expect(try await socket.read() == Array("hello\n".utf8))
        let result = try await client
        #expect(result.status.isSuccess, "\(result.errorText)")
        listener.close()
    }

    private func prefix(_ text: String) throws -> IPPrefix {
        try #require(IPPrefix(text))
    }

    @Test("an error names the request, the kernel's number and its words")
    func errors() throws {
        let namespace = try Namespaces.makeNetwork().shared()
        let routes = try RouteSocket.open(in: namespace.raw)
        try routes.createBridge(named: "twice")
        let taken = #expect(throws: SystemError.self) { try routes.createBridge(named: "twice") }
        #expect(taken?.errno == .EEXIST)
        #expect(taken?.subject == "create bridge twice")
        let unreachable = #expect(throws: SystemError.self) { try routes.addRoute(via: .v4(10, 99, 0, 1)) }
        #expect(unreachable?.description.contains("via 10.99.0.1 (") == true)
        #expect(throws: SystemError.self) { try routes.createBridge(named: "much-too-long-for-a-link") }
        #expect(throws: SystemError.self) { try routes.setUp(9_999) }
        #expect(try routes.link(named: "nobody") == nil)
    }

    @Test("links are renamed, resized, moved and switched off")
    func changes() throws {
        let first = try Namespaces.makeNetwork().shared()
        let second = try Namespaces.makeNetwork().shared()
        let routes = try RouteSocket.open(in: first.raw)
        try routes.createVeth(VethEnd(name: "a0", mtu: 1_400), peer: VethEnd(name: "b0"))
        let link = try #require(try routes.link(named: "a0"))
        #expect(link.mtu == 1_400 && !link.isUp)
        try routes.rename(link.index, to: "c0")
        try routes.setMTU(link.index, 1_300)
        let address = try MACAddress.random()
        try routes.setAddress(link.index, address)
        let changed = try #require(try routes.link(named: "c0"))
        #expect(changed.mtu == 1_300 && changed.address == address)
        try routes.createBridge(named: "br0")
        let bridge = try #require(try routes.link(named: "br0")).index
        try routes.setMaster(link.index, bridge)
        #expect(try routes.link(named: "c0")?.master == bridge)
        try routes.setMaster(link.index, nil)
        #expect(try routes.link(named: "c0")?.master == nil)
        try routes.move(link.index, to: second.raw, as: "d0")
        #expect(try routes.link(named: "c0") == nil)
        #expect(try RouteSocket.open(in: second.raw).link(named: "d0")?.mtu == 1_300)
        let peer = try #require(try routes.link(named: "b0"))
        #expect(peer.peerNamespaceID != nil)
    }

    @Test("hundreds of links are listed whole")
    func manyLinks() throws {
        let namespace = try Namespaces.makeNetwork().shared()
        let routes = try RouteSocket.open(in: namespace.raw)
        for index in 0..<150 { try routes.createVeth(VethEnd(name: "x\(index)"), peer: VethEnd(name: "y\(index)")) }
        #expect(try routes.links().count == 301)
    }
}
