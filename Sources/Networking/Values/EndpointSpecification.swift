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

    /// The interface inside the container.
    package var interfaceName: String { InterfaceName.container(index: index) }

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
