import Linux

/// The interfaces inside one container's network namespace.
///
/// Blocking.
struct ContainerLinks {
    private let routes: RouteSocket
    private let netns: SharedDescriptor

    /// Opens a netlink socket in the namespace.
    ///
    /// Interfaces that are made after this have no IPv6.
    init(_ netns: SharedDescriptor) throws {
        self.netns = netns
        routes = try HostNamespace.run(in: netns) {
            // IPv4 only on every interface to come until it gets an IPv6 address: a link-local address would be a way to
            // neighbours past the address they have. `lo` keeps ::1.
            try InterfaceSettings.disableIPv6("default")
            return try RouteSocket()
        }
    }

    /// `lo` up; 127.0.0.1 comes by itself.
    func bringUpLoopback() throws {
        guard let loopback = try routes.link(named: "lo"), !loopback.isUp else { return }
        try routes.setUp(loopback.index)
    }

    /// Addresses, settings and state of one interface.
    func configure(_ place: EndpointPlace) throws {
        let link = try require(place.endpoint)
        let present = try addresses(of: link)
        if !present.contains(IPAddress(place.endpoint.address)) {
            try routes.addAddress(place.network.prefix(of: place.endpoint.address), to: link.index)
        }
        let name = place.endpoint.interfaceName
        if let ipv6 = place.network.ipv6, let address = place.endpoint.address6, !present.contains(address) {
            try HostNamespace.run(in: netns) { try InterfaceSettings.enableIPv6(name) }
            try routes.addAddress(ipv6.prefix(of: address), to: link.index)
        }
        if !place.endpoint.sysctls.isEmpty {
            let sysctls = place.endpoint.sysctls
            try HostNamespace.run(in: netns) { try EndpointSysctls.apply(sysctls, to: name) }
        }
        if !link.isUp { try routes.setUp(link.index) }
    }

    /// The default routes, through the first network of each family that leads out.
    func setDefaultRoute(_ places: [EndpointPlace]) throws {
        for hop in Self.defaultHops(places) {
            let link = try require(hop.endpoint)
            if try hasDefaultRoute(via: hop.gateway, on: link.index, isV4: hop.isV4) { continue }
            try routes.addRoute(to: hop.everywhere, via: hop.gateway, on: link.index)
        }
    }

    /// A default route of a container.
    struct DefaultHop: Sendable, Hashable {
        var endpoint: EndpointSpecification
        /// nil where packets are just sent out (ipvlan l3).
        var gateway: IPAddress?
        var isV4: Bool

        /// As a destination, since without a gateway nothing else tells the family.
        var everywhere: IPPrefix? { IPPrefix(address: isV4 ? .any : .anyV6, length: 0) }
    }

    /// The default routes that a container with these places shall have.
    static func defaultHops(_ places: [EndpointPlace]) -> [DefaultHop] {
        let order = gatewayOrder(places)
        var found: [DefaultHop] = []
        if let place = order.first {
            found.append(
                DefaultHop(
                    endpoint: place.endpoint,
                    gateway: place.network.sendsStraightOut ? nil : IPAddress(place.network.gateway), isV4: true))
        }
        if let place = order.first(where: { $0.endpoint.address6 != nil }), let ipv6 = place.network.ipv6 {
            found.append(
                DefaultHop(
                    endpoint: place.endpoint, gateway: place.network.sendsStraightOut ? nil : ipv6.gateway,
                    isV4: false))
        }
        return found
    }

    /// The places that lead out, first the one that carries the default route.
    static func gatewayOrder(_ places: [EndpointPlace]) -> [EndpointPlace] {
        places.filter { !$0.network.isInternal }.sorted {
            ($1.endpoint.gatewayPriority, $0.endpoint.index) < ($0.endpoint.gatewayPriority, $1.endpoint.index)
        }
    }

    private func hasDefaultRoute(via gateway: IPAddress?, on index: Int32, isV4: Bool) throws -> Bool {
        try routes.routes(family: isV4 ? 2 : 10).contains {
            $0.destination == nil && $0.gateway == gateway && $0.index == index && $0.type == 1
        }
    }

    /// Removes an interface; already gone is fine.
    func delete(_ endpoint: EndpointSpecification) throws {
        try routes.delete(named: endpoint.interfaceName)
    }

    func hasLink(_ endpoint: EndpointSpecification) throws -> Bool {
        try routes.link(named: endpoint.interfaceName) != nil
    }

    private func require(_ endpoint: EndpointSpecification) throws -> Link {
        try routes.existingLink(named: endpoint.interfaceName)
    }

    private func addresses(of link: Link) throws -> [IPAddress] {
        try routes.addresses().filter { $0.index == link.index }.map(\.prefix.address)
    }
}

/// Settings that an endpoint asks for (`com.docker.network.endpoint.sysctls`).
package enum EndpointSysctls {
    /// Writes `net.ipv4.conf.IFNAME.name=value` for an interface of the calling thread's network namespace.
    static func apply(_ sysctls: [String], to interface: String) throws {
        for text in sysctls {
            guard let (path, value) = parse(text, interface: interface) else { continue }
            try Files.writeExisting(path, value)
        }
    }

    /// Whether a text is such a setting.
    package static func isValid(_ text: String) -> Bool { parse(text, interface: "eth0") != nil }

    /// The file and the value; nil for anything but a setting of the interface itself.
    static func parse(_ text: String, interface: String) -> (path: String, value: String)? {
        guard let sign = text.firstIndex(of: "=") else { return nil }
        let parts = text[..<sign].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "net", ["ipv4", "ipv6", "mpls"].contains(parts[1]),
            ["conf", "neigh"].contains(parts[2]), parts[3].uppercased() == "IFNAME",
            !parts[4].isEmpty, parts[4].utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let path = "/proc/sys/net/\(parts[1])/\(parts[2])/\(interface)/\(parts[4])"
        return (path, String(text[text.index(after: sign)...]))
    }
}

extension NetworkSpecification {
    /// Whether containers send without a gateway: the host's own routes count (ipvlan l3).
    var sendsStraightOut: Bool { driver == .ipvlan && ["l3", "l3s"].contains(settings.childMode) }
}
