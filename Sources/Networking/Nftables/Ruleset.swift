import Linux

/// A published port and the address it leads to.
package struct PortMapping: Sendable, Hashable {
    /// The port.
    package var port: PublishedPort
    /// The container's address.
    package var address: IPAddress
    /// Whether the port answers at the container's own address, without translation.
    package var isRouted: Bool

    /// Leads `port` to `address`.
    package init(port: PublishedPort, address: IPAddress, isRouted: Bool = false) {
        self.port = port
        self.address = address
        self.isRouted = isRouted
    }

    /// The map or set that holds it: ports of one host address are looked up before those of all.
    var map: String {
        let base = isRouted ? "open" : port.isOnEveryAddress ? Ruleset.portMap : Ruleset.addressPortMap
        return address.isV4 ? base : base + "6"
    }

    /// The element's key.
    var key: String {
        // The protocol by number: its name is in /etc/protocols, which a bare Debian does not have.
        if isRouted { return "\(address) . \(port.transport.number) . \(port.containerPort)" }
        let tail = "\(port.transport.number) . \(port.hostPort)"
        return port.isOnEveryAddress ? tail : "\(port.hostAddressText) . \(tail)"
    }

    /// Key and value, as nft(8) writes a map's element.
    var element: String { isRouted ? key : "\(key) : \(address) . \(port.containerPort)" }
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
    /// The same for IPv6.
    package var closesRouter6: Bool
    /// The interfaces through which published ports are reached, where a network does not say; nil is every one.
    package var publishInterfaces: [String]?

    /// What the table shall hold.
    package init(
        table: String, networks: [NetworkSpecification], ports: [PortMapping], closesRouter: Bool = false,
        closesRouter6: Bool = false, publishInterfaces: [String]? = nil
    ) {
        self.table = table
        self.networks = networks.filter { $0.driver == .bridge }
        self.ports = ports
        self.closesRouter = closesRouter
        self.closesRouter6 = closesRouter6
        self.publishInterfaces = publishInterfaces
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
        func names(_ networks: [NetworkSpecification], where holds: (NetworkSpecification) -> Bool) -> [String] {
            networks.filter(holds).map { Self.quoted($0.bridgeName) }
        }
        func pairs(_ interfaces: (NetworkSpecification) -> [String]) -> [String] {
            bridges.flatMap { network in
                Set(interfaces(network)).sorted().map { "\(Self.quoted($0)) . \(Self.quoted(network.bridgeName))" }
            }
        }
        let masked = open.filter { $0.settings.masquerades && $0.settings.mode4 != .routed }
        let masked6 = open.filter { $0.settings.masquerades && $0.settings.mode6 != .routed }.compactMap(\.ipv6?.subnet)
        let fixed: [(set: String, elements: [String])] = [
            ("bridges", names(bridges) { _ in true }),
            ("internal", names(bridges) { $0.isInternal }),
            ("within", pairs { $0.settings.joinsContainers ? [$0.bridgeName] : [] }),
            ("trusted", pairs { $0.settings.trusted }),
            ("limited", names(open) { limit($0) != nil }),
            ("admitted", pairs { limit($0) ?? [] }),
            ("unprotected", names(open) { $0.settings.mode4 == .natUnprotected }),
            ("unprotected6", names(open) { $0.settings.mode6 == .natUnprotected }),
            ("routed", names(open) { $0.settings.mode4 == .routed }),
            ("routed6", names(open) { $0.settings.mode6 == .routed }),
            ("leaving", masked.map { "\($0.subnet)" }),
            ("leaving6", masked6.map { "\($0)" }),
            ("hairpin", masked.map { "\($0.subnet) . \($0.subnet)" }),
            ("hairpin6", masked6.map { "\($0) . \($0)" }),
        ]
        return fixed + Self.portSets.map { set in (set, sortedPorts.filter { $0.map == set }.map(\.element)) }
    }

    /// The interfaces that published ports of a network are reached through; nil is every one.
    private func limit(_ network: NetworkSpecification) -> [String]? {
        network.settings.publishInterfaces ?? publishInterfaces
    }

    private static func quoted(_ interface: String) -> String { "\"\(interface)\"" }

    private var sets: String {
        elements.map { name, elements in
            let keyword = Ruleset.setTypes[name].map { "    \($0.keyword) \(name) {\n        type \($0.type)\n" } ?? ""
            let flags = Ruleset.intervalSets.contains(name) ? "        flags interval\n" : ""
            let list = elements.isEmpty ? "" : "        elements = { \(elements.joined(separator: ", ")) }\n"
            return keyword + flags + list + "    }\n"
        }.joined()
    }

    private static let portSets = [portMap, addressPortMap, "open", portMap + "6", addressPortMap + "6", "open6"]

    private static let setTypes: [String: (keyword: String, type: String)] = [
        "bridges": ("set", "ifname"),
        "internal": ("set", "ifname"),
        "within": ("set", "ifname . ifname"),
        "trusted": ("set", "ifname . ifname"),
        "limited": ("set", "ifname"),
        "admitted": ("set", "ifname . ifname"),
        "unprotected": ("set", "ifname"),
        "unprotected6": ("set", "ifname"),
        "routed": ("set", "ifname"),
        "routed6": ("set", "ifname"),
        "leaving": ("set", "ipv4_addr"),
        "leaving6": ("set", "ipv6_addr"),
        "hairpin": ("set", "ipv4_addr . ipv4_addr"),
        "hairpin6": ("set", "ipv6_addr . ipv6_addr"),
        "open": ("set", "ipv4_addr . inet_proto . inet_service"),
        "open6": ("set", "ipv6_addr . inet_proto . inet_service"),
        portMap: ("map", "inet_proto . inet_service : ipv4_addr . inet_service"),
        addressPortMap: ("map", "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service"),
        portMap + "6": ("map", "inet_proto . inet_service : ipv6_addr . inet_service"),
        addressPortMap + "6": ("map", "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service"),
    ]

    private static let intervalSets: Set<String> = ["leaving", "leaving6", "hairpin", "hairpin6"]

    /// The chains hardly ever change: what does is in sets, so adding a network or port does not touch the path of
    /// packets.
    ///
    /// - `guard`: bridges have `route_localnet`, so that the host reaches published ports through 127.0.0.1. Without this
    ///   chain a container could then reach what listens on the host's loopback, or send in the loopback's name.
    /// - `translate`: published ports, from outside and from the host itself; the source address is kept.
    /// - `output`: on ::1 sockets answer (`PortRelay`), since the kernel takes no answer to it from a bridge.
    /// - `forward`: where the host was no router before, it is none for others now. Bridges and
    ///   tunnels are spared: they belong to another data root, another engine, virtual machines or a VPN.
    /// - `arriving`: into a bridge come its own containers, answers, what comes from a trusted interface, and what a
    ///   published port let in, of a network whose ports are limited only from the admitted interfaces. Nothing else
    ///   does, neither from another bridge nor from a neighbour who routes straight to a container's address, unless
    ///   the network is routed or unprotected.
    /// - `leaving`: an internal network has no way out.
    /// - `local_input`: an internal network reaches the host only by its own bridge's address, of which IPv6 asks by
    ///   neighbour discovery.
    /// - `postrouting`: masquerades what leaves, the host's loopback, and a container's way to a neighbour through the
    ///   host's address, whose answer would otherwise go straight back, past the translation.
    private var chains: String { Ruleset.chains.replacing("        @router\n", with: routerRules) }

    private var routerRules: String {
        guard closesRouter || closesRouter6 else { return "" }
        return """
                    meta iifkind { "bridge", "tun", "wireguard" } accept
                    meta oifkind { "bridge", "tun", "wireguard" } accept

            """ + (closesRouter ? "        meta nfproto ipv4 drop\n" : "")
                + (closesRouter6 ? "        meta nfproto ipv6 drop\n" : "")
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
                dnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at6
                dnat ip6 to meta l4proto . th dport map @published6
            }
            chain prerouting {
                type nat hook prerouting priority -100; policy accept;
                fib daddr type local jump translate
            }
            chain output {
                type nat hook output priority -100; policy accept;
                ip6 daddr ::1 accept
                fib daddr type local jump translate
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
                iifname . oifname @trusted accept
                oifname @limited iifname . oifname != @admitted drop
                ct status dnat accept
                meta nfproto ipv4 oifname @unprotected accept
                meta nfproto ipv6 oifname @unprotected6 accept
                oifname @routed meta l4proto 1 accept
                oifname @routed6 meta l4proto 58 accept
                ip daddr . meta l4proto . th dport @open accept
                ip6 daddr . meta l4proto . th dport @open6 accept
                drop
            }
            chain leave {
                ct state established,related accept
                iifname @internal drop
            }
            chain local_input {
                type filter hook input priority 0; policy accept;
                iifname @internal icmpv6 type { 135, 136 } accept
                iifname @internal fib daddr . iif type != local drop
            }
            chain postrouting {
                type nat hook postrouting priority 100; policy accept;
                oifname != @bridges ip saddr @leaving masquerade
                oifname != @bridges ip6 saddr @leaving6 masquerade
                oifname @bridges ip saddr 127.0.0.0/8 masquerade
                ct status dnat ip saddr . ip daddr @hairpin masquerade
                ct status dnat ip6 saddr . ip6 daddr @hairpin6 masquerade
            }

        """

    /// The number of rules of each chain, by which a table that somebody has edited is told.
    var ruleCounts: [String: Int] {
        Ruleset.ruleCounts(routerRules: routerRules.isEmpty ? 0 : 2 + [closesRouter, closesRouter6].count { $0 })
    }

    static func ruleCounts(routerRules: Int) -> [String: Int] {
        var counts = fixedRuleCounts
        counts["forward"] = 2 + routerRules
        return counts
    }

    private static let fixedRuleCounts = [
        "guard": 2, "translate": 4, "prerouting": 1, "output": 2, "arriving": 14, "leave": 2,
        "local_input": 2, "postrouting": 5,
    ]
}
