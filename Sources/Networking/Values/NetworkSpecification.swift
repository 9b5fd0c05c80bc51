import Linux

/// A network as it is asked for.
package struct NetworkRequest: Sendable, Hashable {
    /// 64 hexadecimal digits, chosen by the caller before anything is done.
    package var id: String
    /// The name users see.
    package var name: String
    /// The subnet; nil takes a free one from the automatic pools.
    package var subnet: Subnet?
    /// The bridge's address; nil takes the subnet's first.
    package var gateway: IPv4Address?
    /// True cuts the network off from everything but the host and itself.
    package var isInternal: Bool
    /// Labels, kept but not read here.
    package var labels: [String: String]
    /// Bytes; nil leaves the kernel's 1500.
    package var mtu: Int?
    /// How its containers are joined.
    package var driver = NetworkDriver.bridge
    /// The driver's options, as given.
    package var options: [String: String] = [:]
    /// Whether containers may be put into it by hand, where a swarm owns it; kept but not read here.
    package var isAttachable = false
    /// The part of the subnet that automatic addresses come from; nil is all of it.
    package var range: Subnet?
    /// Addresses of the subnet that others have, by name.
    package var auxiliary: [String: IPv4Address] = [:]
    /// Whether it has IPv6 as well.
    package var hasIPv6 = false
    /// The IPv6 subnet; nil takes a free /64 of this data root's unique local addresses (RFC 4193).
    package var subnet6: IPPrefix?
    /// The bridge's IPv6 address; nil takes the subnet's first.
    package var gateway6: IPAddress?
    /// As `range`, for IPv6.
    package var range6: IPPrefix?
    /// As `auxiliary`, for IPv6.
    package var auxiliary6: [String: IPAddress] = [:]
    /// Options of who gives addresses out; kept but not read here.
    package var addressOptions: [String: String] = [:]

    /// Asks for a network.
    package init(
        id: String, name: String, subnet: Subnet? = nil, gateway: IPv4Address? = nil, isInternal: Bool = false,
        labels: [String: String] = [:], mtu: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.subnet = subnet
        self.gateway = gateway
        self.isInternal = isInternal
        self.labels = labels
        self.mtu = mtu
    }
}

/// A network with everything decided.
package struct NetworkSpecification: Sendable, Hashable {
    /// 64 hexadecimal digits.
    package var id: String
    /// The name users see.
    package var name: String
    /// The addresses of its containers and of the bridge.
    package var subnet: Subnet
    /// The bridge's address, and the way out for the containers of a network that is not internal.
    package var gateway: IPv4Address
    /// True if nothing leaves it.
    package var isInternal: Bool
    /// Labels, kept but not read here.
    package var labels: [String: String]
    /// Bytes; nil is the kernel's 1500.
    package var mtu: Int?
    /// When it was made.
    package var createdAt: Timestamp?
    /// How its containers are joined.
    package var driver = NetworkDriver.bridge
    /// The driver's options, as given.
    package private(set) var options: [String: String] = [:]
    /// Whether containers may be put into it by hand, where a swarm owns it; kept but not read here.
    package var isAttachable = false
    /// True if whoever asked chose the subnet.
    package var isSubnetGiven = false
    /// The part of the subnet that automatic addresses come from; nil is all of it.
    package var range: Subnet?
    /// Addresses of the subnet that others have, by name.
    package var auxiliary: [String: IPv4Address] = [:]
    /// Options of who gives addresses out; kept but not read here.
    package var addressOptions: [String: String] = [:]
    /// Its IPv6 half; nil if it has IPv4 only.
    package var ipv6: IPv6Subnet?
    /// True if the bridge, or the parent interface, was there before the network and stays behind.
    package var usesForeignLink = false
    /// What the options mean.
    package private(set) var settings = NetworkOptions(stored: [:], driver: .bridge)

    /// Takes the driver's options, which were checked.
    mutating func setOptions(_ options: [String: String]) {
        self.options = options
        settings = NetworkOptions(stored: options, driver: driver)
    }

    /// The bridge's interface name on the host: 11 bytes, within IFNAMSIZ (16 with the final zero), or as asked.
    package var bridgeName: String { settings.bridgeName ?? InterfaceName.bridge(networkID: id) }

    /// Of macvlan and ipvlan: the interface of the host that the containers' are made on.
    package var parentName: String { settings.parent ?? InterfaceName.dummyParent(networkID: id) }

    /// Whether the bridge has the IPv4 gateway's address.
    var hasGatewayAddress: Bool {
        driver == .bridge && !settings.inhibitsIPv4 && !(isInternal && settings.mode4 == .isolated)
    }

    /// Whether the bridge has the IPv6 gateway's address.
    var hasGatewayAddress6: Bool { driver == .bridge && !(isInternal && settings.mode6 == .isolated) }

    /// A decided network.
    package init(
        id: String, name: String, subnet: Subnet, gateway: IPv4Address, isInternal: Bool,
        labels: [String: String] = [:], mtu: Int? = nil, createdAt: Timestamp? = nil
    ) {
        self.id = id
        self.name = name
        self.subnet = subnet
        self.gateway = gateway
        self.isInternal = isInternal
        self.labels = labels
        self.mtu = mtu
        self.createdAt = createdAt
    }
}

/// Names of interfaces, all shorter than IFNAMSIZ and derived from ids, so that they are found again without a record.
package enum InterfaceName {
    /// What the name of every bridge begins with.
    package static let bridgePrefix = "sc-"

    /// `sc-` and eight digits of the network's id.
    package static func bridge(networkID: String) -> String { bridgePrefix + networkID.prefix(8) }

    /// `dm-` and twelve digits, as Docker names the parent of a macvlan network that names none.
    package static func dummyParent(networkID: String) -> String { "dm-" + networkID.prefix(12) }

    /// `scv`, eight digits of the container's id and the endpoint's number.
    package static func hostVeth(containerID: String, index: Int) -> String {
        "scv" + containerID.prefix(8) + "\(index)"
    }

    /// `eth` and the endpoint's number.
    package static func container(index: Int) -> String { "eth\(index)" }

    /// The most bytes an interface name has (IFNAMSIZ less the final zero).
    package static let maximumLength = 15
}
