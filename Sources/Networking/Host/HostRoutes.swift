import Linux

/// The subnets that the host already has a way to.
struct HostRoutes: Sendable {
    /// A route of the host.
    struct Entry: Sendable, Hashable {
        /// What it leads to.
        var subnet: Subnet
        /// Through which interface.
        var interface: String
    }

    /// An IPv6 route of the host.
    struct Entry6: Sendable, Hashable {
        /// What it leads to.
        var subnet: IPPrefix
        /// Through which interface.
        var interface: String
    }

    /// Every IPv4 route but the default route and those to the loopback.
    let entries: [Entry]
    /// The same for IPv6, without the addresses that every link has.
    let entries6: [Entry6]

    /// What `entries` says; for tests.
    init(entries: [Entry], entries6: [Entry6] = []) {
        self.entries = entries
        self.entries6 = entries6
    }

    /// Reads the routes.
    ///
    /// The addresses of interfaces that are down count too: their routes come when they go up.
    init(_ socket: RouteSocket) throws(SystemError) {
        var names: [Int32: String] = [:]
        for link in try socket.links() { names[link.index] = link.name }
        var entries: [Entry] = []
        for route in try socket.routes() {
            guard let destination = route.destination, let subnet = Subnet(destination) else { continue }
            entries.append(Entry(subnet: subnet, interface: route.index.flatMap { names[$0] } ?? "unknown"))
        }
        for address in try socket.addresses() {
            guard let subnet = Subnet(address.prefix.network) else { continue }
            entries.append(Entry(subnet: subnet, interface: names[address.index] ?? "unknown"))
        }
        self.entries = entries.filter { $0.subnet.prefixLength > 0 && !$0.subnet.network.isLoopback }
        entries6 = try socket.routes(family: 10).compactMap { route in
            // Unicast: the local table has every address once more.
            guard route.type == 1, let subnet = route.destination?.network, subnet.length > 0,
                !subnet.address.isLinkLocal, !subnet.address.isLoopback, subnet.address.bytes[0] != 0xFF
            else { return nil }
            return Entry6(subnet: subnet, interface: route.index.flatMap { names[$0] } ?? "unknown")
        }
    }

    /// The routes that are not through these bridges.
    func without(bridges: Set<String>) -> HostRoutes {
        HostRoutes(
            entries: entries.filter { !bridges.contains($0.interface) },
            entries6: entries6.filter { !bridges.contains($0.interface) })
    }
}

extension Subnet {
    /// The same subnet as netlink gives it; nil for IPv6.
    init?(_ prefix: IPPrefix) {
        guard let value = prefix.address.v4Value else { return nil }
        self.init(containing: IPv4Address(rawValue: value), prefixLength: prefix.length)
    }
}
