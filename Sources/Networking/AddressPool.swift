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

    /// The first subnet of the pools that overlaps none of `taken`; nil if there is none left.
    package static func freeSubnet(avoiding taken: [Subnet]) -> Subnet? {
        for range in ranges {
            let near = taken.filter(range.overlaps)
            for candidate in range.subnets(ofPrefixLength: prefixLength) where !near.contains(where: candidate.overlaps)
            {
                return candidate
            }
        }
        return nil
    }

    /// The lowest host address of `subnet` that is not in `taken`; nil if the subnet is full.
    package static func freeAddress(in subnet: Subnet, avoiding taken: Set<IPv4Address>) -> IPv4Address? {
        var candidate = subnet.firstHost
        while candidate <= subnet.lastHost {
            if !taken.contains(candidate) { return candidate }
            guard let next = candidate.advanced(by: 1) else { return nil }
            candidate = next
        }
        return nil
    }
}
