import Linux

/// Where automatic subnets and addresses come from.
///
/// Pure.
package enum AddressPool {
    /// The ranges that automatic subnets are cut from, in this order: first the middle of 10.0.0.0/8, which few sites
    /// use, then the ranges Docker takes.
    ///
    /// /24 each: 254 addresses, and 256 networks from the first range alone.
    package static let ranges: [Subnet] = ["10.89.0.0/16", "10.90.0.0/16", "172.28.0.0/14", "192.168.128.0/17"]
        .compactMap { Subnet($0) }

    /// The size of an automatic subnet.
    package static let prefixLength = 24

    /// A range, and the size of the subnets that are cut from it.
    package struct Range: Sendable, Hashable, CustomStringConvertible {
        /// The range.
        package var base: Subnet
        /// The prefix length of its subnets.
        package var size: Int

        /// A range whose subnets have `size` leading bits; nil if that is less than its own or more
        /// than 16 bits longer, or leaves no room for two hosts.
        package init?(base: Subnet, size: Int) {
            guard (base.prefixLength...30).contains(size), size - base.prefixLength <= 16 else { return nil }
            self.base = base
            self.size = size
        }

        /// `10.89.0.0/16 in /24`.
        package var description: String { "\(base) in /\(size)" }
    }

    /// The ranges where nobody has given others.
    package static var usual: [Range] { ranges.compactMap { Range(base: $0, size: prefixLength) } }

    /// The first subnet of the pools that overlaps none of `taken`; nil if there is none left.
    package static func freeSubnet(avoiding taken: [Subnet], in pools: [Range] = usual) -> Subnet? {
        for pool in pools {
            let near = taken.filter(pool.base.overlaps)
            for candidate in pool.base.subnets(ofPrefixLength: pool.size)
            where !near.contains(where: candidate.overlaps) {
                return candidate
            }
        }
        return nil
    }

    /// The first /64 of the 48-bit `site` that overlaps none of `taken`; nil if there is none left.
    package static func freeSubnet6(site: IPPrefix, avoiding taken: [IPPrefix]) -> IPPrefix? {
        var bytes = site.network.address.bytes
        guard bytes.count == 16 else { return nil }
        let near = taken.filter(site.overlaps)
        for number in 0..<65_536 {
            bytes[6] = UInt8(truncatingIfNeeded: number >> 8)
            bytes[7] = UInt8(truncatingIfNeeded: number)
            guard let address = IPAddress(bytes: bytes), let candidate = IPPrefix(address: address, length: 64) else {
                return nil
            }
            if !near.contains(where: candidate.overlaps) { return candidate }
        }
        return nil
    }

    /// The lowest address of `subnet` behind its first that is not in `taken`; nil if there is none.
    package static func freeAddress(in subnet: IPPrefix, avoiding taken: Set<IPAddress>) -> IPAddress? {
        var candidate: IPAddress? = subnet.firstHost
        while let address = candidate, subnet.contains(address) {
            if !taken.contains(address) { return address }
            candidate = address.next
        }
        return nil
    }

    /// The lowest host address of `subnet` that is not in `taken`; nil if the subnet is full.
    package static func freeAddress(
        in subnet: Subnet, within range: Subnet? = nil, avoiding taken: Set<IPv4Address>
    ) -> IPv4Address? {
        // The whole of a range may be used, but for what is no host's address in the subnet.
        var candidate = max(subnet.firstHost, range?.network ?? subnet.firstHost)
        let last = min(subnet.lastHost, range?.broadcast ?? subnet.lastHost)
        while candidate <= last {
            if !taken.contains(candidate) { return candidate }
            guard let next = candidate.advanced(by: 1) else { return nil }
            candidate = next
        }
        return nil
    }
}
