import Diagnostics
import Linux

/// The bridges of networks, and the parents of those that have none.
///
/// Blocking; every operation finds what is there and adds what is missing.
struct BridgeOperations: Sendable {
    let routes: RouteSocket
    let host: HostNamespace

    /// Makes the bridge or the parent interface, or what is missing of it.
    func ensure(_ network: NetworkSpecification) throws {
        guard network.driver == .bridge else { return try ensureParent(network) }
        let link = try routes.link(named: network.bridgeName) ?? create(network)
        try setSysctls(network)
        let present = try addresses(of: link)
        for prefix in try Self.gateways(network) where !present.contains(prefix.address) {
            try routes.addAddress(prefix, to: link.index)
        }
        if !link.isUp { try routes.setUp(link.index) }
    }

    /// Removes the bridge or the parent interface, if it was made for the network; already gone is fine.
    func delete(_ network: NetworkSpecification) throws {
        guard !network.usesForeignLink else { return try leave(network) }
        try routes.delete(named: network.driver == .bridge ? network.bridgeName : network.parentName)
    }

    /// True if the bridge or parent interface was made by somebody else, before the network.
    func isForeign(_ network: NetworkSpecification) throws -> Bool {
        switch network.driver {
        case .bridge: try network.settings.bridgeName.map { try routes.link(named: $0) != nil } ?? false
        case .macvlan, .ipvlan: try routes.link(named: network.parentName) != nil
        }
    }

    /// What is not as it was made.
    static func problems(of network: NetworkSpecification, in host: LinkTable) -> [NetworkProblem] {
        guard network.driver == .bridge else {
            return host.link(named: network.parentName) == nil ? [.parentMissing(name: network.parentName)] : []
        }
        let name = network.bridgeName
        guard let link = host.link(named: name) else { return [.bridgeMissing(name: name)] }
        var problems: [NetworkProblem] = link.isUp ? [] : [.bridgeDown(name: name)]
        let present = host.addresses(of: link)
        for prefix in (try? gateways(network)) ?? [] where !present.contains(prefix.address) {
            problems.append(.gatewayMissing(bridge: name, address: prefix.address))
        }
        return problems
    }

    /// The addresses that the bridge has.
    private static func gateways(_ network: NetworkSpecification) throws(SystemError) -> [IPPrefix] {
        var found: [IPPrefix] = []
        if network.hasGatewayAddress { found.append(try network.prefix(of: network.gateway)) }
        if let ipv6 = network.ipv6, network.hasGatewayAddress6 { found.append(try ipv6.prefix(of: ipv6.gateway)) }
        return found
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

    /// Takes the network's addresses off a bridge that stays.
    private func leave(_ network: NetworkSpecification) throws {
        guard network.driver == .bridge, let link = try routes.link(named: network.bridgeName) else { return }
        let present = try addresses(of: link)
        for prefix in try Self.gateways(network) where present.contains(prefix.address) {
            try routes.removeAddress(prefix, from: link.index)
        }
    }

    private func ensureParent(_ network: NetworkSpecification) throws {
        let name = network.parentName
        if let link = try routes.link(named: name) {
            if !link.isUp { try routes.setUp(link.index) }
            return
        }
        if let (device, number) = Self.vlan(name), let parent = try routes.link(named: device) {
            try routes.createVLAN(RouteSocket.ChildLink(name: name, parent: parent.index), number: number)
        } else if network.settings.parent == nil {
            try routes.createDummy(named: name)
        } else {
            throw Diagnostic(
                code: "SC6035", summary: "interface \(name) not found: it is the parent of network \(network.name)",
                detail: "the host has no such interface, and it is no VLAN of one it has",
                hint: "name an interface of the host (ip link), or one with a VLAN's number, such as eth0.10")
        }
        try routes.setUp(try routes.existingLink(named: name).index)
    }

    /// `eth0.10` as a device and a VLAN's number.
    static func vlan(_ name: String) -> (device: String, number: UInt16)? {
        guard let dot = name.lastIndex(of: "."), let number = UInt16(name[name.index(after: dot)...]),
            (1...4094).contains(number)
        else { return nil }
        return (String(name[..<dot]), number)
    }

    private func addresses(of link: Link) throws -> [IPAddress] {
        try routes.addresses().filter { $0.index == link.index }.map(\.prefix.address)
    }

    /// - `route_localnet`: the host reaches published ports through 127.0.0.1 as well; the firewall keeps containers off
    ///   the host's loopback.
    private func setSysctls(_ network: NetworkSpecification) throws {
        let bridge = network.bridgeName
        let hasIPv6 = network.ipv6 != nil
        try host.run {
            try Files.writeExisting("/proc/sys/net/ipv4/conf/\(bridge)/route_localnet", "1")
            if hasIPv6 {
                try InterfaceSettings.enableIPv6(bridge)
            } else {
                try InterfaceSettings.disableIPv6(bridge)
            }
        }
    }
}

/// Settings of one interface in the calling thread's network namespace.
enum InterfaceSettings {
    /// An interface of a network with IPv4 only: a link-local address, or one that a container's router advertisement gives, would be a
    /// way around their rules.
    ///
    /// - Parameter name: the interface; `default` is every one to come.
    static func disableIPv6(_ name: String) throws {
        try set(name, [("accept_ra", "0"), ("disable_ipv6", "1")])
    }

    /// An interface with addresses that are given to it, which can be used at once.
    static func enableIPv6(_ name: String) throws {
        try set(name, [("accept_ra", "0"), ("accept_dad", "0"), ("disable_ipv6", "0")])
    }

    private static func set(_ name: String, _ settings: [(String, String)]) throws {
        for (setting, value) in settings {
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
