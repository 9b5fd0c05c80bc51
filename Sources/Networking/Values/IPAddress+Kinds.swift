import Linux

extension IPAddress {
    /// ::, every IPv6 address of the host where one listens.
    package static var anyV6: IPAddress { IPAddress(bytes: [UInt8](repeating: 0, count: 16)) ?? .any }

    /// ::1.
    package static var loopbackV6: IPAddress {
        IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) ?? .loopback
    }

    /// The same address, as netlink takes it.
    package init(_ address: IPv4Address) { self = .v4(address.rawValue) }

    /// The same address in its IPv4 form; nil for IPv6.
    package var v4: IPv4Address? { v4Value.map(IPv4Address.init(rawValue:)) }

    /// True for 0.0.0.0 and ::.
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// True for 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        isV4 ? bytes.first == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    /// True for fe80::/10, which is another one on every link.
    package var isLinkLocal: Bool { !isV4 && bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 }

    /// The next address, or nil behind the last.
    package var next: IPAddress? {
        var bytes = bytes
        for index in bytes.indices.reversed() {
            bytes[index] &+= 1
            if bytes[index] != 0 { return IPAddress(bytes: bytes) }
        }
        return nil
    }
}

extension IPPrefix {
    /// True if no bit of the host part is set.
    package var isNetwork: Bool { network == self }

    /// The first address behind the network's own.
    package var firstHost: IPAddress { network.address.next ?? address }
}

/// Where an IPv6 subnet of a network comes from, and what of it is given away.
package struct IPv6Subnet: Sendable, Hashable {
    /// The addresses of its containers and of the bridge.
    package var subnet: IPPrefix
    /// The bridge's address, and the way out.
    package var gateway: IPAddress
    /// The part that automatic addresses come from; nil is all of it.
    package var range: IPPrefix?
    /// Addresses that others have, by name.
    package var auxiliary: [String: IPAddress]
    /// True if whoever asked chose the subnet.
    package var isGiven: Bool

    /// A decided subnet.
    package init(
        subnet: IPPrefix, gateway: IPAddress, range: IPPrefix? = nil, auxiliary: [String: IPAddress] = [:],
        isGiven: Bool = false
    ) {
        self.subnet = subnet
        self.gateway = gateway
        self.range = range
        self.auxiliary = auxiliary
        self.isGiven = isGiven
    }

    /// An address with the subnet's length, as netlink takes it.
    func prefix(of address: IPAddress) throws(SystemError) -> IPPrefix {
        guard let prefix = IPPrefix(address: address, length: subnet.length) else {
            throw SystemError(call: "netlink", errno: .EINVAL, subject: "\(address)/\(subnet.length)")
        }
        return prefix
    }
}
