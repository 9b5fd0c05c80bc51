import Linux

/// The bridges of networks.
///
/// Blocking; every operation finds what is there and adds what is missing.
struct BridgeOperations: Sendable {
    let routes: RouteSocket
    let host: HostNamespace

    /// Makes the bridge, or what is missing of it.
    func ensure(_ network: NetworkSpecification) throws {
        let link = try routes.link(named: network.bridgeName) ?? create(network)
        try setSysctls(network.bridgeName)
        let gateway = IPAddress(network.gateway)
        if !(try addresses(of: link).contains(gateway)) {
            try routes.addAddress(network.prefix(of: network.gateway), to: link.index)
        }
        if !link.isUp { try routes.setUp(link.index) }
    }

    /// Removes the bridge; already gone is fine.
    func delete(_ network: NetworkSpecification) throws {
        try routes.delete(named: network.bridgeName)
    }

    /// What is not as it was made.
    static func problems(of network: NetworkSpecification, in host: LinkTable) -> [NetworkProblem] {
        let name = network.bridgeName
        guard let link = host.link(named: name) else { return [.bridgeMissing(name: name)] }
        var problems: [NetworkProblem] = link.isUp ? [] : [.bridgeDown(name: name)]
        if !host.addresses(of: link).contains(IPAddress(network.gateway)) {
            problems.append(.gatewayMissing(bridge: name, address: network.gateway))
        }
        return problems
    }

    private func create(_ network: NetworkSpecification) throws -> Link {
        let name = network.bridgeName
        // Without an address of its own a bridge takes its ports', and changes it as containers come and go.
        // It goes up last: IPv6 would take an address the moment it does.
        try routes.createBridge(
            named: name, address: MACAddress(derivedFrom: network.gateway), mtu: network.mtu.map { UInt32($0) },
            up: false)
        return try routes.existingLink(named: name)
    }

    private func addresses(of link: Link) throws -> [IPAddress] {
        try routes.addresses().filter { $0.index == link.index }.map(\.prefix.address)
    }

    /// - `route_localnet`: the host reaches published ports through 127.0.0.1 as well; the firewall keeps containers off
    ///   the host's loopback.
    private func setSysctls(_ bridge: String) throws {
        try host.run {
            try Files.writeExisting("/proc/sys/net/ipv4/conf/\(bridge)/route_localnet", "1")
            try InterfaceSettings.disableIPv6(bridge)
        }
    }
}

/// Settings of one interface in the calling thread's network namespace.
enum InterfaceSettings {
    /// Networks have IPv4 only: a link-local address, or one that a container's router advertisement gives, would be a
    /// way around their rules.
    ///
    /// - Parameter name: the interface; `default` is every one to come.
    static func disableIPv6(_ name: String) throws {
        for (setting, value) in [("accept_ra", "0"), ("disable_ipv6", "1")] {
            let path = "/proc/sys/net/ipv6/conf/\(name)/\(setting)"
            if Files.exists(path) { try Files.writeExisting(path, value) }
        }
    }
}

extension NetworkSpecification {
    /// An address with the subnet's length, as netlink takes it.
    func prefix(of address: IPv4Address) throws(SystemError) -> IPPrefix {
        guard let prefix = IPPrefix(address: IPAddress(address), length: subnet.prefixLength) else {
            throw SystemError(call: "netlink", errno: .EINVAL, subject: "\(address)/\(subnet.prefixLength)")
        }
        return prefix
    }
}

extension RouteSocket {
    /// The link of a name.
    ///
    /// Throws `ENODEV` when there is none.
    func existingLink(named name: String) throws(SystemError) -> Link {
        guard let link = try link(named: name) else {
            throw SystemError(call: "netlink", errno: .ENODEV, subject: name)
        }
        return link
    }
}

extension IPAddress {
    /// The same address, as netlink takes it.
    init(_ address: IPv4Address) { self = .v4(address.rawValue) }
}
