import Linux
import Testing

@testable import Networking

@Suite("The firewall table")
struct RulesetTests {
    private static func network(_ digit: String, _ subnet: String, isInternal: Bool = false) throws
        -> NetworkSpecification
    {
        let subnet = try #require(Subnet(subnet))
        return NetworkSpecification(
            id: String(repeating: digit, count: 64), name: digit, subnet: subnet, gateway: subnet.firstHost,
            isInternal: isInternal)
    }

    private static func sample() throws -> Ruleset {
        let address = try #require(IPAddress("10.89.0.2"))
        return Ruleset(
            table: "stackctl_0badcafe",
            networks: [try network("b", "10.89.1.0/24", isInternal: true), try network("a", "10.89.0.0/24")],
            ports: [
                PortMapping(port: PublishedPort(hostPort: 8080, containerPort: 80), address: address),
                PortMapping(
                    port: PublishedPort(hostAddress: .loopback, hostPort: 53, containerPort: 5353, transport: .udp),
                    address: address),
            ])
    }

    @Test("replaces whatever table is there in one transaction")
    func replacement() throws {
        let text = try Self.sample().replacement
        #expect(
            text.hasPrefix(
                """
                add table inet stackctl_0badcafe
                delete table inet stackctl_0badcafe
                table inet stackctl_0badcafe {
                    set bridges {
                        type ifname
                        elements = { "sc-aaaaaaaa", "sc-bbbbbbbb" }
                    }
                    set internal {
                        type ifname
                        elements = { "sc-bbbbbbbb" }
                    }
                    set within {
                        type ifname . ifname
                        elements = { "sc-aaaaaaaa" . "sc-aaaaaaaa", "sc-bbbbbbbb" . "sc-bbbbbbbb" }
                    }

                """))
        #expect(
            text.contains(
                """
                    set leaving {
                        type ipv4_addr
                        flags interval
                        elements = { 10.89.0.0/24 }
                    }

                """))
        #expect(text.contains("elements = { 6 . 8080 : 10.89.0.2 . 80 }"))
        #expect(text.contains("elements = { 127.0.0.1 . 17 . 53 : 10.89.0.2 . 5353 }"))
        #expect(text.contains("chain arriving"))
    }

    @Test("a started container adds elements, a stopped one removes them by key")
    func elements() throws {
        let ruleset = try Self.sample()
        #expect(
            ruleset.adding([ruleset.ports[0]])
                == "add element inet stackctl_0badcafe published { 6 . 8080 : 10.89.0.2 . 80 }\n")
        #expect(
            ruleset.removing([ruleset.ports[1]])
                == "delete element inet stackctl_0badcafe published_at { 127.0.0.1 . 17 . 53 }\n")
    }

    @Test("a listing, with its elements over several lines, is recognised as the ruleset's")
    func listing() throws {
        let ruleset = try Self.sample()
        let listing = TableListing(Self.listingText)
        #expect(listing.matches(ruleset))
        #expect(ruleset.networks.allSatisfy(listing.holds))
        #expect(ruleset.ports.allSatisfy { listing.holds($0) })
    }

    @Test("a missing rule, element or port is noticed")
    func damage() throws {
        let ruleset = try Self.sample()
        let ruleless = TableListing(Self.listingText.replacing("\t\tct status dnat accept\n", with: ""))
        #expect(!ruleless.matches(ruleset) && !ruleset.networks.contains(where: ruleless.holds))
        let portless = TableListing(Self.listingText.replacing("6 . 8080 : 10.89.0.2 . 80", with: ""))
        #expect(!portless.matches(ruleset) && !portless.holds(ruleset.ports[0]) && portless.holds(ruleset.ports[1]))
        #expect(!TableListing("").matches(ruleset))
    }

    @Test("a host that was no router forwards for container networks only")
    func router() throws {
        var ruleset = try Self.sample()
        let rule = """
            meta iifkind { "bridge", "tun", "wireguard" } accept
                    meta oifkind { "bridge", "tun", "wireguard" } accept
                    meta nfproto ipv4 drop

            """
        #expect(!ruleset.replacement.contains("router") && !ruleset.replacement.contains(rule))
        ruleset.closesRouter = true
        #expect(ruleset.replacement.contains("        iifname @bridges goto leave\n        " + rule))
        // The rule's absence is damage; so is its presence where it does not belong.
        let open = TableListing(Self.listingText)
        #expect(!open.matches(ruleset))
        let closed = TableListing(
            Self.listingText.replacing(
                "\t\tiifname @bridges goto leave\n",
                with: "\t\tiifname @bridges goto leave\n\t\t" + rule.replacing("        ", with: "\t\t")))
        #expect(closed.matches(ruleset) && ruleset.networks.allSatisfy(closed.holds))
        ruleset.closesRouter = false
        #expect(!closed.matches(ruleset))
    }

    private static let listingText = """
        table inet stackctl_0badcafe {
        \tset bridges {
        \t\ttype ifname
        \t\telements = { "sc-aaaaaaaa",
        \t\t\t     "sc-bbbbbbbb" }
        \t}

        \tset internal {
        \t\ttype ifname
        \t\telements = { "sc-bbbbbbbb" }
        \t}

        \tset within {
        \t\ttype ifname . ifname
        \t\telements = { "sc-aaaaaaaa" . "sc-aaaaaaaa",
        \t\t\t     "sc-bbbbbbbb" . "sc-bbbbbbbb" }
        \t}

        \tset leaving {
        \t\ttype ipv4_addr
        \t\tflags interval
        \t\telements = { 10.89.0.0/24 }
        \t}

        \tset hairpin {
        \t\ttype ipv4_addr . ipv4_addr
        \t\tflags interval
        \t\telements = { 10.89.0.0/24 . 10.89.0.0/24 }
        \t}

        \tmap published {
        \t\ttype inet_proto . inet_service : ipv4_addr . inet_service
        \t\telements = { 6 . 8080 : 10.89.0.2 . 80 }
        \t}

        \tmap published_at {
        \t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
        \t\telements = { 127.0.0.1 . 17 . 53 : 10.89.0.2 . 5353 }
        \t}

        \tchain guard {
        \t\ttype filter hook prerouting priority raw; policy accept;
        \t\tiifname @bridges ip daddr 127.0.0.0/8 drop
        \t\tiifname != "lo" ip saddr 127.0.0.0/8 drop
        \t}

        \tchain translate {
        \t\tdnat ip to ip daddr . meta l4proto . th dport map @published_at
        \t\tdnat ip to meta l4proto . th dport map @published
        \t\tdnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at6
        \t\tdnat ip6 to meta l4proto . th dport map @published6
        \t}

        \tchain prerouting {
        \t\ttype nat hook prerouting priority dstnat; policy accept;
        \t\tfib daddr type local jump translate
        \t}

        \tchain output {
        \t\ttype nat hook output priority -100; policy accept;
        \t\tip6 daddr ::1 accept
        \t\tfib daddr type local jump translate
        \t}

        \tchain forward {
        \t\ttype filter hook forward priority filter; policy accept;
        \t\toifname @bridges goto arriving
        \t\tiifname @bridges goto leave
        \t}

        \tchain arriving {
        \t\tiifname . oifname @within accept
        \t\tct state established,related accept
        \t\toifname @internal drop
        \t\tiifname @internal drop
        \t\tiifname . oifname @trusted accept
        \t\toifname @limited iifname . oifname != @admitted drop
        \t\tct status dnat accept
        \t\tmeta nfproto ipv4 oifname @unprotected accept
        \t\tmeta nfproto ipv6 oifname @unprotected6 accept
        \t\toifname @routed meta l4proto 1 accept
        \t\toifname @routed6 meta l4proto 58 accept
        \t\tip daddr . meta l4proto . th dport @open accept
        \t\tip6 daddr . meta l4proto . th dport @open6 accept
        \t\tdrop
        \t}

        \tchain leave {
        \t\tct state established,related accept
        \t\tiifname @internal drop
        \t}

        \tchain local_input {
        \t\ttype filter hook input priority filter; policy accept;
        \t\tiifname @internal icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        \t\tiifname @internal fib daddr . iif type != local drop
        \t}

        \tchain postrouting {
        \t\ttype nat hook postrouting priority srcnat; policy accept;
        \t\toifname != @bridges ip saddr @leaving masquerade
        \t\toifname != @bridges ip6 saddr @leaving6 masquerade
        \t\toifname @bridges ip saddr 127.0.0.0/8 masquerade
        \t\tct status dnat ip saddr . ip daddr @hairpin masquerade
        \t\tct status dnat ip6 saddr . ip6 daddr @hairpin6 masquerade
        \t}
        }
        """
}
