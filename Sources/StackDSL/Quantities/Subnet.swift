/// An IPv4 subnet: "10.42.0.0/24".
///
/// The text is checked when the stack is evaluated, with the line of the network that uses it.
public struct Subnet: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text as written.
    public let description: String

    /// A subnet from its text.
    public init(_ text: String) { description = text }

    /// A subnet from a literal.
    public init(stringLiteral value: String) { self.init(value) }

    /// The range of addresses; nil when the text is no subnet in its canonical form.
    var range: AddressRange? { AddressRange(description) }
}

/// A block of IPv4 addresses.
struct AddressRange: Sendable, Hashable {
    var first: UInt32
    var prefixLength: Int

    var last: UInt32 { first | ~Self.mask(prefixLength) }

    init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let base = parseIPv4(halves[0]), let length = Int(halves[1]), (1...30).contains(length)
        else { return nil }
        first = base & Self.mask(length)
        prefixLength = length
        isCanonical = first == base
    }

    /// Whether the text named the first address.
    let isCanonical: Bool

    func contains(_ address: UInt32) -> Bool { (first...last).contains(address) }

    func overlaps(_ other: AddressRange) -> Bool { first <= other.last && other.first <= last }

    private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length) }
}

/// "10.1.2.3" as a number; nil for anything else.
func parseIPv4(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
        guard part.allSatisfy({ $0.isASCII && $0.isNumber }), part.count <= 3, part == "0" || part.first != "0",
            let byte = UInt8(part)
        else { return nil }
        address = address << 8 | UInt32(byte)
    }
    return address
}

/// A number as "10.1.2.3".
func formatIPv4(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }.joined(separator: ".")
}

/// Whether the text is an IPv6 address, as RFC 4291 writes them.
func isIPv6(_ text: some StringProtocol) -> Bool {
    let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
    guard halves.count <= 2 else { return false }
    var count = 0
    for (offset, half) in halves.enumerated() where !half.isEmpty {
        let groups = half.split(separator: ":", omittingEmptySubsequences: false)
        for (position, group) in groups.enumerated() {
            let isLast = offset == halves.count - 1 && position == groups.count - 1
            if isLast, group.contains("."), parseIPv4(group) != nil {
                count += 2
            } else {
                guard (1...4).contains(group.utf8.count), group.allSatisfy(\.isHexDigit), group.allSatisfy(\.isASCII)
                else { return false }
                count += 1
            }
        }
    }
    return halves.count == 2 ? count <= 7 : count == 8
}

/// Whether the text is an IPv6 subnet: "fd00:1::/64".
func isIPv6Subnet(_ text: String) -> Bool {
    let halves = text.split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2, let length = Int(halves[1]), (1...126).contains(length) else { return false }
    return isIPv6(halves[0])
}
