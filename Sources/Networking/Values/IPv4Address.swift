/// An IPv4 address.
package struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The address in host byte order: `10.0.0.1` is `0x0A000001`.
    package let rawValue: UInt32

    /// The address with this value in host byte order.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Reads dotted decimal, exactly four parts without leading zeros (RFC 6943, section 3.1.1).
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let octet = Decimal.parse(part, limit: 255) else { return nil }
            value = value << 8 | octet
        }
        rawValue = value
    }

    /// The four octets in network order.
    package var octets: [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rawValue >> $0) }
    }

    /// Dotted decimal.
    package var description: String {
        octets.map(String.init).joined(separator: ".")
    }

    /// True for 127.0.0.0/8.
    package var isLoopback: Bool { rawValue >> 24 == 127 }

    /// True for 0.0.0.0, "every address of the host" where one listens.
    package var isUnspecified: Bool { rawValue == 0 }

    /// The address `distance` further on, or nil past the ends of the address space.
    package func advanced(by distance: Int64) -> IPv4Address? {
        UInt32(exactly: Int64(rawValue) + distance).map(IPv4Address.init(rawValue:))
    }

    /// 127.0.0.1.
    package static let loopback = IPv4Address(rawValue: 0x7F00_0001)

    /// 127.0.0.11, where a container's resolver answers.
    package static let resolver = IPv4Address(rawValue: 0x7F00_000B)

    package static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.rawValue < right.rawValue }
}

/// Decimal numbers as addresses and prefixes write them.
enum Decimal {
    /// The value of `digits`, or nil where it is empty, has a leading zero, another character, or exceeds `limit`.
    static func parse(_ digits: some Collection<UInt8>, limit: UInt32) -> UInt32? {
        guard let first = digits.first, digits.count <= 10 else { return nil }
        if first == UInt8(ascii: "0") && digits.count > 1 { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return value <= limit ? UInt32(value) : nil
    }
}
