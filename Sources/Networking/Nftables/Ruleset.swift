/// A published port and the address it leads to.
package struct PortMapping: Sendable, Hashable {
    /// The port.
    package var port: PublishedPort
    /// The container's address.
    package var address: IPv4Address

    /// Leads `port` to `address`.
    package init(port: PublishedPort, address: IPv4Address) {
        self.port = port
        self.address = address
    }

    /// The map that holds it: ports of one host address are looked up before those of all.
    var map: String { port.hostAddress == nil ? Ruleset.portMap : Ruleset.addressPortMap }

    /// The element's key.
    var key: String {
        // The protocol by number: its name is in /etc/protocols, which a bare Debian does not have.
        let tail = "\(port.transport.number) . \(port.hostPort)"
        return port.hostAddress.map { "\($0) . \(tail)" } ?? tail
    }

    /// Key and value, as nft(8) writes a map's element.
    var element: String { "\(key) : \(address) . \(port.containerPort)" }
}

/// The one nftables table of a data root, rendered from what the networks and ports are.
///
/// A pure value.
///
/// The table only ever accepts, drops and translates in its own base chains; an `accept` there does not overrule a
/// `drop` of the host's own firewall, which sees every packet as well.
package struct Ruleset: Sendable, Equatable {
    /// The table's name in family `inet`.
    package var table: String
    /// Every network.
    package var networks: [NetworkSpecification]
    /// Every published port of a running container.
    package var ports: [PortMapping]
    /// True where forwarding is on for the sake of container networks only: the host then forwards nothing else.
    package var closesRouter: Bool

    /// What the table shall hold.
    package init(
        table: String, networks: [NetworkSpecification], ports: [PortMapping], closesRouter: Bool = false
    ) {
        self.table = table
        self.networks = networks
        self.ports = ports
        self.closesRouter = closesRouter
    }

    static let portMap = "published"
    static let addressPortMap = "published_at"

    /// Commands that make the table anew, whatever is there, as one transaction.
    package var replacement: String {
        deletion + "table inet \(table) {\n" + sets + chains + "}\n"
    }

    /// Commands that remove the table, be it there or not.
    package var deletion: String { "add table inet \(table)\ndelete table inet \(table)\n" }

    /// Commands that add a running container's ports.
    package func adding(_ mappings: [PortMapping]) -> String {
        mappings.map { "add element inet \(table) \($0.map) { \($0.element) }\n" }.joined()
    }

    /// Commands that remove a stopped container's ports.
    ///
    /// They fail as a whole if one is not there.
    package func removing(_ mappings: [PortMapping]) -> String {
        mappings.map { "delete element inet \(table) \($0.map) { \($0.key) }\n" }.joined()
    }

    /// The elements that each set and map has, in nft(8)'s form.
    var elements: [(set: String, elements: [String])] {
        let bridges = networks.sorted { $0.bridgeName < $1.bridgeName }
        let open = bridges.filter { !$0.isInternal }
        let sortedPorts = ports.sorted { $0.element < $1.element }
        return [
            ("bridges", bridges.map { "\"\($0.bridgeName)\"" }),
            ("internal", bridges.filter(\.isInternal).map { "\"\($0.bridgeName)\"" }),
            ("within", bridges.map { "\"\($0.bridgeName)\" . \"\($0.bridgeName)\"" }),
            ("leaving", open.map { "\($0.subnet)" }),
            ("hairpin", open.map { "\($0.subnet) . \($0.subnet)" }),
            (Ruleset.portMap, sortedPorts.filter { $0.port.hostAddress == nil }.map(\.element)),
            (Ruleset.addressPortMap, sortedPorts.filter { $0.port.hostAddress != nil }.map(\.element)),
        ]
    }

    private var sets: String {
        elements.map { name, elements in
            let keyword = Ruleset.setTypes[name].map { "    \($0.keyword) \(name) {\n        type \($0.type)\n" } ?? ""
            let flags = Ruleset.intervalSets.contains(name) ? "        flags interval\n" : ""
            let list = elements.isEmpty ? "" : "        elements = { \(elements.joined(separator: ", ")) }\n"
            return keyword + flags + list + "    }\n"
        }.joined()
    }

    private static let setTypes: [String: (keyword: String, type: String)] = [
        "bridges": ("set", "ifname"),
        "internal": ("set", "ifname"),
        "within": ("set", "ifname . ifname"),
        "leaving": ("set", "ipv4_addr"),
        "hairpin": ("set", "ipv4_addr . ipv4_addr"),
        portMap: ("map", "inet_proto . inet_service : ipv4_addr . inet_service"),
        addressPortMap: ("map", "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service"),
    ]

    private static let intervalSets: Set<String> = ["leaving", "hairpin"]

    /// The chains hardly ever change: what does is in sets, so adding a network or port does not touch the path of
    /// packets.
    ///
    /// - `guard`: bridges have `route_localnet`, so that the host reaches published ports through 127.0.0.1. Without this
    ///   chain a container could then reach what listens on the host's loopback, or send in the loopback's name.
    /// - `translate`: published ports, from outside and from the host itself; the source address is kept.
    /// - `forward`: where the host was no router before, it is none for others now. Bridges and
    ///   tunnels are spared: they belong to another data root, another engine, virtual machines or a VPN.
    /// - `arriving`: into a bridge come its own containers, answers, and what a published port let in. Nothing else does,
    ///   neither from another bridge nor from a neighbour who routes straight to a container's address.
    /// - `leaving`: an internal network has no way out.
    /// - `local_input`: an internal network reaches the host only by its own bridge's address.
    /// - `postrouting`: masquerades what leaves, the host's loopback, and a container's way to a neighbour through the
    ///   host's address, whose answer would otherwise go straight back, past the translation.
    private var chains: String {
        Ruleset.chains.replacing(
            "        @router\n",
            with: closesRouter ? routerRules : "")
    }

    private var routerRules: String {
        """
                meta iifkind { "bridge", "tun", "wireguard" } accept
                meta oifkind { "bridge", "tun", "wireguard" } accept
                meta nfproto ipv4 drop

        """
    }

    private static let chains = """
            chain guard {
                type filter hook prerouting priority -300; policy accept;
                iifname @bridges ip daddr 127.0.0.0/8 drop
                iifname != "lo" ip saddr 127.0.0.0/8 drop
            }
            chain translate {
                dnat ip to ip daddr . meta l4proto . th dport map @published_at
                dnat ip to meta l4proto . th dport map @published
            }
            chain prerouting {
                type nat hook prerouting priority -100; policy accept;
                meta nfproto ipv4 fib daddr type local jump translate
            }
            chain output {
                type nat hook output priority -100; policy accept;
                meta nfproto ipv4 fib daddr type local jump translate
            }
            chain forward {
                type filter hook forward priority 0; policy accept;
                oifname @bridges goto arriving
                iifname @bridges goto leave
                @router
            }
            chain arriving {
                iifname . oifname @within accept
                ct state established,related accept
                oifname @internal drop
                iifname @internal drop
                ct status dnat accept
                drop
            }
            chain leave {
                ct state established,related accept
                iifname @internal drop
            }
            chain local_input {
                type filter hook input priority 0; policy accept;
                iifname @internal fib daddr . iif type != local drop
            }
            chain postrouting {
                type nat hook postrouting priority 100; policy accept;
                oifname != @bridges ip saddr @leaving masquerade
                oifname @bridges ip saddr 127.0.0.0/8 masquerade
                ct status dnat ip saddr . ip daddr @hairpin masquerade
            }

        """

    /// The number of rules of each chain, by which a table that somebody has edited is told.
    var ruleCounts: [String: Int] { Ruleset.ruleCounts(closesRouter: closesRouter) }

    static func ruleCounts(closesRouter: Bool) -> [String: Int] {
        var counts = fixedRuleCounts
        counts["forward"] = closesRouter ? 5 : 2
        return counts
    }

    private static let fixedRuleCounts = [
        "guard": 2, "translate": 2, "prerouting": 1, "output": 1, "arriving": 6, "leave": 2,
        "local_input": 1, "postrouting": 3,
    ]
}
