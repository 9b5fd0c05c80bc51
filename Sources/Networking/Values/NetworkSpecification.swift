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

    /// The bridge's interface name on the host: 11 bytes, within IFNAMSIZ (16 with the final zero).
    package var bridgeName: String { InterfaceName.bridge(networkID: id) }

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

    /// `scv`, eight digits of the container's id and the endpoint's number.
    package static func hostVeth(containerID: String, index: Int) -> String {
        "scv" + containerID.prefix(8) + "\(index)"
    }

    /// `eth` and the endpoint's number.
    package static func container(index: Int) -> String { "eth\(index)" }

    /// The most bytes an interface name has (IFNAMSIZ less the final zero).
    package static let maximumLength = 15
}
