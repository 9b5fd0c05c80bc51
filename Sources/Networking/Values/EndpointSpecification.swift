import Linux

/// A container's place in a network, as it is asked for.
package struct EndpointRequest: Sendable, Hashable {
    /// The container.
    package var containerID: String
    /// The network.
    package var networkID: String
    /// A fixed address; nil takes the lowest free one.
    package var address: IPv4Address?
    /// A fixed Ethernet address; nil derives it from the address.
    package var macAddress: MACAddress?
    /// Further names that the network's containers find it by.
    package var aliases: [String]
    /// A fixed IPv6 address; nil takes the lowest free one where the network has IPv6.
    package var address6: IPAddress?
    /// The highest of a container's carries the default route.
    package var gatewayPriority = 0
    /// The interface's name inside; nil is `eth` and a number.
    package var interfaceName: String?
    /// Settings of the interface, `net.ipv4.conf.IFNAME.x=y`.
    package var sysctls: [String] = []

    /// Asks for an endpoint.
    package init(
        containerID: String, networkID: String, address: IPv4Address? = nil, macAddress: MACAddress? = nil,
        aliases: [String] = []
    ) {
        self.containerID = containerID
        self.networkID = networkID
        self.address = address
        self.macAddress = macAddress
        self.aliases = aliases
    }
}

/// A container's place in a network with everything decided.
package struct EndpointSpecification: Sendable, Hashable {
    /// The container.
    package var containerID: String
    /// The network.
    package var networkID: String
    /// The container's address in the network.
    package var address: IPv4Address
    /// The Ethernet address of the container's interface.
    package var macAddress: MACAddress
    /// Further names that the network's containers find it by.
    package var aliases: [String]
    /// 0 for `eth0`; the lowest number's network that is not internal carries the default route.
    package var index: Int
    /// The container's IPv6 address, where the network has IPv6.
    package var address6: IPAddress?
    /// The highest of a container's carries the default route, whatever its number.
    package var gatewayPriority = 0
    /// The interface's name inside, where it is not `eth` and the number.
    package var givenInterfaceName: String?
    /// Settings of the interface, `net.ipv4.conf.IFNAME.x=y`.
    package var sysctls: [String] = []

    /// The interface inside the container.
    package var interfaceName: String { givenInterfaceName ?? InterfaceName.container(index: index) }

    /// Every address it has.
    package var addresses: [IPAddress] { [IPAddress(address)] + (address6.map { [$0] } ?? []) }

    /// The other end of the pair, a port of the network's bridge.
    package var hostInterfaceName: String { InterfaceName.hostVeth(containerID: containerID, index: index) }

    /// A decided endpoint.
    package init(
        containerID: String, networkID: String, address: IPv4Address, macAddress: MACAddress, aliases: [String],
        index: Int
    ) {
        self.containerID = containerID
        self.networkID = networkID
        self.address = address
        self.macAddress = macAddress
        self.aliases = aliases
        self.index = index
    }
}
