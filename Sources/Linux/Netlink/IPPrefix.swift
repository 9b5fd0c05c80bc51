/// A block of addresses, `10.0.0.0/24`, or an address with the length of its network.
package struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
    package let address: IPAddress
    /// Bits of the network part.
    package let length: Int

    /// A prefix; nil when the length is more than the address has.
    package init?(address: IPAddress, length: Int) {
        guard length >= 0, length <= address.bytes.count * 8 else { return nil }
        self.address = address
        self.length = length
    }

    /// Reads `address/length`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(parts[1])
        else { return nil }
        self.init(address: address, length: length)
    }

    package var description: String { "\(address)/\(length)" }

    /// The address with its host part zero.
    package var network: IPPrefix {
        var bytes = address.bytes
        for index in bytes.indices {
            let bits = max(0, min(8, length - index * 8))
            bytes[index] &= UInt8(truncatingIfNeeded: 0xff00 >> bits)
        }
        guard let address = IPAddress(bytes: bytes), let prefix = IPPrefix(address: address, length: length) else {
            return self
        }
        return prefix
    }

    /// Whether an address is inside.
    package func contains(_ other: IPAddress) -> Bool {
        guard let host = IPPrefix(address: other, length: length), other.isV4 == address.isV4 else { return false }
        return host.network == network
    }

    /// Whether two blocks have an address in common.
    package func overlaps(_ other: IPPrefix) -> Bool {
        length <= other.length ? contains(other.address) : other.contains(address)
    }
}

/// An Ethernet address.
package struct MACAddress: Sendable, Hashable, CustomStringConvertible {
    /// Six bytes.
    package let bytes: [UInt8]

    /// An address from six bytes; nil for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// Reads `02:42:0a:00:00:02`.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6, bytes.count == 6 else { return nil }
        self.bytes = bytes
    }

    /// A random one, locally administered and not multicast.
    package static func random() throws(SystemError) -> MACAddress {
        var bytes = try Random.bytes(6)
        bytes[0] = bytes[0] & 0xfc | 0x02
        return MACAddress(known: bytes)
    }

    /// The one Docker derives from an IPv4 address: `02:42:` and its four bytes.
    package static func derived(from address: IPAddress) -> MACAddress {
        MACAddress(known: [0x02, 0x42] + address.bytes.suffix(4))
    }

    private init(known bytes: [UInt8]) {
        self.bytes = bytes
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
