/// An IPv4 subnet in CIDR form (RFC 4632).
package struct Subnet: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The first address, with the host bits zero.
    package let network: IPv4Address
    /// The number of leading bits that are fixed, 0 to 32.
    package let prefixLength: Int

    /// The subnet of this size that holds `address`, or nil for a prefix outside 0 to 32.
    package init?(containing address: IPv4Address, prefixLength: Int) {
        guard (0...32).contains(prefixLength) else { return nil }
        self.prefixLength = prefixLength
        network = IPv4Address(rawValue: address.rawValue & Subnet.mask(prefixLength))
    }

    /// Reads `10.1.0.0/24`.
    ///
    /// Host bits that are set are refused: what was meant is unclear.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]),
            let prefix = Decimal.parse(parts[1].utf8, limit: 32)
        else { return nil }
        self.init(containing: address, prefixLength: Int(prefix))
        guard network == address else { return nil }
    }

    /// The last address of the subnet.
    package var broadcast: IPv4Address {
        IPv4Address(rawValue: network.rawValue | ~Subnet.mask(prefixLength))
    }

    /// The first address a host may have, which is the gateway's by habit.
    package var firstHost: IPv4Address {
        prefixLength >= 31 ? network : IPv4Address(rawValue: network.rawValue + 1)
    }

    /// The last address a host may have.
    package var lastHost: IPv4Address {
        prefixLength >= 31 ? broadcast : IPv4Address(rawValue: broadcast.rawValue - 1)
    }

    /// True if `address` lies in the subnet.
    package func contains(_ address: IPv4Address) -> Bool {
        address.rawValue & Subnet.mask(prefixLength) == network.rawValue
    }

    /// True if some address lies in both.
    package func overlaps(_ other: Subnet) -> Bool {
        prefixLength <= other.prefixLength ? contains(other.network) : other.contains(network)
    }

    /// True if a host may have `address`: inside, neither the network's own nor the broadcast address.
    package func hasHost(_ address: IPv4Address) -> Bool {
        firstHost <= address && address <= lastHost
    }

    /// The aligned subnets of `prefixLength` bits inside this one, in order.
    package func subnets(ofPrefixLength length: Int) -> [Subnet] {
        guard (prefixLength...32).contains(length), length - prefixLength <= 16 else { return [] }
        return (0..<(UInt64(1) << (length - prefixLength))).compactMap { index in
            UInt32(exactly: UInt64(network.rawValue) + index << (32 - length)).flatMap {
                Subnet(containing: IPv4Address(rawValue: $0), prefixLength: length)
            }
        }
    }

    /// CIDR notation.
    package var description: String { "\(network)/\(prefixLength)" }

    package static func < (left: Subnet, right: Subnet) -> Bool {
        (left.network, left.prefixLength) < (right.network, right.prefixLength)
    }

    private static func mask(_ prefixLength: Int) -> UInt32 {
        prefixLength == 0 ? 0 : ~UInt32(0) << (32 - UInt32(prefixLength))
    }
}
