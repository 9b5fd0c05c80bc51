/// Addresses as texts: whether one is right, not what it means.
package enum AddressNotation {
    /// Whether a text is four numbers from 0 to 255, without zeros in front.
    package static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
                    && Int(part).map { $0 <= 255 } == true && (part.utf8.count == 1 || part.utf8.first != 48)
            }
    }

    /// Whether a text is an address of RFC 4291, with an address of IPv4 at its end or without; no zone.
    package static func isIPv6(_ text: some StringProtocol) -> Bool {
        let halves = String(text).split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, text.contains(":") else { return false }
        var groups = 0
        for (number, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                let isLast = number == halves.count - 1 && position == parts.count - 1
                if isLast, part.contains(".") {
                    guard isIPv4(part) else { return false }
                    groups += 2
                } else {
                    guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
                        return false
                    }
                    groups += 1
                }
            }
        }
        return halves.count == 2 ? groups < 8 : groups == 8
    }

    /// Whether a text is an address and the length of its prefix, such as "10.0.0.0/8".
    package static func isSubnet(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let length = Int(parts[1]) else {
            return false
        }
        return isIPv4(parts[0]) && length <= 32 || isIPv6(parts[0]) && length <= 128
    }
}
