import Linux
import Testing

@testable import Networking

@Suite("Addresses and subnets")
struct AddressTests {
    @Test("an address reads back as it was written", arguments: ["0.0.0.0", "10.89.0.1", "255.255.255.255"])
    func roundTrip(text: String) {
        #expect(IPv4Address(text)?.description == text)
    }

    @Test(
        "what is not four plain decimal parts is refused",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3", "1.2.3.4 ", "a.b.c.d", "1.2.3.-4", "٣.1.1.1",
        ])
    func badAddress(text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test(
        "a subnet with host bits or a bad prefix is refused",
        arguments: ["10.0.0.1/24", "10.0.0.0/33", "10.0.0.0", "/8", "10.0.0.0/"])
    func badSubnet(text: String) {
        #expect(Subnet(text) == nil)
    }

    @Test("a subnet knows its ends, and that its own and the broadcast address are no hosts")
    func ends() throws {
        let subnet = try #require(Subnet("10.42.0.0/24"))
        #expect(subnet.firstHost == IPv4Address("10.42.0.1"))
        #expect(subnet.lastHost == IPv4Address("10.42.0.254"))
        #expect(subnet.broadcast == IPv4Address("10.42.0.255"))
        #expect(!subnet.hasHost(subnet.network) && !subnet.hasHost(subnet.broadcast))
    }

    @Test("subnets overlap exactly if one holds the other's first address")
    func overlap() throws {
        let wide = try #require(Subnet("10.0.0.0/8"))
        let narrow = try #require(Subnet("10.42.0.0/24"))
        let other = try #require(Subnet("10.42.1.0/24"))
        let all = try #require(Subnet("0.0.0.0/0"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(!narrow.overlaps(other))
        #expect(all.overlaps(other) && all.contains(IPv4Address(rawValue: .max)))
    }

    @Test("an Ethernet address derived from an address is local, unicast and the same every time")
    func derivedMAC() throws {
        let address = try #require(IPv4Address("10.89.0.2"))
        #expect(MACAddress(derivedFrom: address).description == "02:42:0a:59:00:02")
    }
}

@Suite("Pools")
struct AddressPoolTests {
    @Test("the first automatic subnet that nothing overlaps is taken")
    func freeSubnet() throws {
        let taken = ["10.89.0.0/24", "10.89.1.128/25", "192.0.2.0/24"].compactMap { Subnet($0) }
        #expect(AddressPool.freeSubnet(avoiding: taken) == Subnet("10.89.2.0/24"))
    }

    @Test("a host route over a whole range moves automatic subnets to the next one")
    func nextRange() throws {
        #expect(AddressPool.freeSubnet(avoiding: ["10.0.0.0/8"].compactMap { Subnet($0) }) == Subnet("172.28.0.0/24"))
    }

    @Test("when every range is taken there is no subnet")
    func exhausted() {
        #expect(AddressPool.freeSubnet(avoiding: ["0.0.0.0/1", "128.0.0.0/1"].compactMap { Subnet($0) }) == nil)
    }

    @Test("the lowest free address is given, and none when the subnet is full")
    func freeAddress() throws {
        let subnet = try #require(Subnet("10.1.0.0/30"))
        let gateway = subnet.firstHost
        let second = AddressPool.freeAddress(in: subnet, avoiding: [gateway])
        #expect(second == IPv4Address("10.1.0.2"))
        #expect(AddressPool.freeAddress(in: subnet, avoiding: [gateway, try #require(second)]) == nil)
    }

    @Test("the pools are as documented")
    func ranges() {
        #expect(AddressPool.ranges.count == 4)
    }
}

@Suite("Published ports")
struct PublishedPortTests {
    @Test("two ports conflict if an address of the host would have to answer both")
    func conflicts() {
        let everywhere = PublishedPort(hostPort: 80, containerPort: 80)
        let loopback = PublishedPort(hostAddress: .loopback, hostPort: 80, containerPort: 8080)
        let other = PublishedPort(hostAddress: IPAddress("192.0.2.1"), hostPort: 80, containerPort: 80)
        let udp = PublishedPort(hostPort: 80, containerPort: 80, transport: .udp)
        #expect(everywhere.conflicts(with: loopback) && loopback.conflicts(with: everywhere))
        #expect(!loopback.conflicts(with: other))
        #expect(!everywhere.conflicts(with: udp))
        #expect(PublishedPort(hostAddress: IPAddress("0.0.0.0"), hostPort: 80, containerPort: 80) == everywhere)
    }

    @Test("interface names stay within IFNAMSIZ")
    func interfaceNames() {
        let id = String(repeating: "f", count: 64)
        #expect(InterfaceName.bridge(networkID: id) == "sc-ffffffff")
        #expect(InterfaceName.hostVeth(containerID: id, index: 999).utf8.count <= InterfaceName.maximumLength)
    }
}

@Suite("Ports that programs of the host have")
struct ListeningPortTests {
    @Test("listening sockets are read from the kernel's table, connections passed over")
    func table() {
        let header =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        let rest = "00000000:00000000 00:00000000 00000000     0        0"
        let zeros = String(repeating: "0", count: 32)
        let text =
            header + """
                   0: 0100007F:1F90 00000000:0000 0A \(rest) 11 1 0
                   1: 00000000:0016 00000000:0000 0A \(rest) 12 1 0
                   2: 0100007F:1F91 0100007F:0016 01 \(rest) 13 1 0
                   3: \(zeros):01BB \(zeros):0000 0A \(rest) 14 1 0
                   4: 0000000000000000FFFF00000200000A:01BC \(zeros):0000 0A \(rest) 15 1 0
                   5: 000080FE00000000FF00FC02FE010000:01BD \(zeros):0000 0A \(rest) 16 1 0
                   6: nonsense
                """
        let found = ListeningPorts.parse(text, transport: .tcp)
        #expect(found.map(\.port) == [8080, 22, 443, 444, 445])
        let addresses: [IPAddress?] = [IPAddress.loopback, nil, nil, IPAddress("10.0.0.2")]
        #expect(Array(found.map(\.address).prefix(4)) == addresses)
        #expect(found.map(\.isForV4) == [true, true, true, true, false])
        #expect(found.map(\.isForV6) == [false, false, true, false, true])
        #expect(found.map(\.inode) == ["11", "12", "14", "15", "16"])
    }
}

@Suite("Options of networks")
struct NetworkOptionsTests {
    @Test("what is no value of an option is refused, what is unknown passed over")
    func refusal() throws {
        let bridge = "com.docker.network.bridge."
        let wrong = [
            (bridge + "name", "a/b"), (bridge + "name", "sixteen-bytes-xx"), (bridge + "enable_icc", "maybe"),
            (bridge + "host_binding_ipv4", "::1"), (bridge + "gateway_mode_ipv4", "bridge"),
            ("com.docker.network.driver.mtu", "1"), (NetworkOptions.publishInterfacesOption, "a b"),
        ]
        for (key, value) in wrong {
            #expect(throws: (any Error).self, "\(key)=\(value)") { _ = try NetworkOptions([key: value]) }
        }
        let options = try NetworkOptions([
            "com.example.unknown": "x", bridge + "enable_icc": "0", bridge + "trusted_host_interfaces": "a:b",
            NetworkOptions.publishInterfacesOption: "",
        ])
        #expect(!options.joinsContainers && options.trusted == ["a", "b"] && options.publishInterfaces == [])
        #expect(try NetworkOptions(["parent": "eth0.7", "macvlan_mode": "vepa"], driver: .macvlan).childMode == "vepa")
        #expect(BridgeOperations.vlan("eth0.7")?.number == 7)
        #expect(BridgeOperations.vlan("eth0.5000")?.number == nil && BridgeOperations.vlan("eth0")?.number == nil)
    }

    @Test("settings of an endpoint are those of its own interface, and no path")
    func sysctls() {
        #expect(
            EndpointSysctls.parse("net.ipv4.conf.IFNAME.log_martians=1", interface: "eth1")?.path
                == "/proc/sys/net/ipv4/conf/eth1/log_martians")
        for text in [
            "net.ipv4.ip_forward=1", "net.ipv4.conf.all.forwarding=1", "net.ipv4.conf.IFNAME.a/../b=1",
            "kernel.conf.IFNAME.x.y=1", "net.ipv4.conf.IFNAME.x",
        ] {
            #expect(!EndpointSysctls.isValid(text), "\(text)")
        }
    }

    @Test("pools that are given are gone through in their order")
    func pools() throws {
        let pools = [("10.7.0.0/29", 30), ("10.8.0.0/16", 24)].compactMap { text, size in
            Subnet(text).flatMap { AddressPool.Range(base: $0, size: size) }
        }
        let taken = ["10.7.0.0/30"].compactMap { Subnet($0) }
        #expect(AddressPool.freeSubnet(avoiding: taken, in: pools) == Subnet("10.7.0.4/30"))
        let more = ["10.7.0.0/16"].compactMap { Subnet($0) }
        #expect(AddressPool.freeSubnet(avoiding: more, in: pools) == Subnet("10.8.0.0/24"))
        let wide = try #require(Subnet("10.0.0.0/8"))
        #expect(AddressPool.Range(base: wide, size: 25) == nil)
    }
}
