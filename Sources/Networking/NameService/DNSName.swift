/// A domain name in wire form (RFC 1035, section 3.1), lower case, without the root's final zero.
///
/// This folder is compiled twice: here, and as Embedded Swift in `stack-init`. So it has no existentials, and works on bytes.
package struct DNSName: Sendable, Hashable {
    /// Labels, each behind its length.
    package let wire: [UInt8]

    /// Longest label and longest name with the root, in bytes.
    static let longestLabel = 63
    static let longestName = 255

    init(wire: [UInt8]) {
        self.wire = wire
    }

    /// Reads dotted text; a final dot is allowed.
    ///
    /// Gives nil for an empty label or one that is too long.
    package init?(text: some Collection<UInt8>) {
        var wire: [UInt8] = []
        for label in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            // "a." ends in an empty label, which is the root.
            if label.isEmpty {
                guard label.startIndex == text.endIndex, !wire.isEmpty else { return nil }
                continue
            }
            guard label.count <= DNSName.longestLabel else { return nil }
            wire.append(UInt8(truncatingIfNeeded: label.count))
            for byte in label { wire.append(lowercased(byte)) }
        }
        guard !wire.isEmpty, wire.count < DNSName.longestName else { return nil }
        self.wire = wire
    }

    /// Reads a name from a message at `offset`, and moves `offset` past it.
    ///
    /// Compression (RFC 1035, section 4.1.4) is followed only backwards, so no message can make this run in circles.
    package init?(reading message: borrowing [UInt8], at offset: inout Int) {
        var wire: [UInt8] = []
        var position = offset
        var lowestTarget = offset
        var end: Int?
        while true {
            guard position >= 0, position < message.count else { return nil }
            let length = Int(message[position])
            if length == 0 {
                offset = end ?? position + 1
                self.wire = wire
                return
            }
            if length & 0xC0 == 0xC0 {
                guard position + 1 < message.count else { return nil }
                let target = (length & 0x3F) << 8 | Int(message[position + 1])
                guard target < lowestTarget else { return nil }
                if end == nil { end = position + 2 }
                lowestTarget = target
                position = target
                continue
            }
            guard length <= DNSName.longestLabel, position + 1 + length <= message.count,
                wire.count + 1 + length < DNSName.longestName
            else { return nil }
            wire.append(UInt8(truncatingIfNeeded: length))
            for index in (position + 1)...(position + length) { wire.append(lowercased(message[index])) }
            position += 1 + length
        }
    }

    /// The IPv4 address of a reverse name, `4.3.2.1.in-addr.arpa` (RFC 1035, section 3.5), in host byte order.
    package var reverseAddress: UInt32? {
        var address: UInt32 = 0
        var position = 0
        for part in 0..<4 {
            guard position < wire.count else { return nil }
            let length = Int(wire[position])
            guard (1...3).contains(length), position + length < wire.count else { return nil }
            var octet: UInt32 = 0
            for index in (position + 1)...(position + length) {
                guard wire[index] >= UInt8(ascii: "0"), wire[index] <= UInt8(ascii: "9") else { return nil }
                octet = octet * 10 + UInt32(wire[index] - UInt8(ascii: "0"))
            }
            guard octet <= 255 else { return nil }
            address |= octet << (8 * UInt32(part))
            position += 1 + length
        }
        return ends(with: DNSName.reverseZone, from: position) ? address : nil
    }

    /// The 16 bytes of an IPv6 reverse name, 32 digits from the last to the first and `ip6.arpa` (RFC 3596, section 2.5).
    package var reverseAddress6: [UInt8]? {
        guard wire.count == 64 + DNSName.reverseZone6.count, ends(with: DNSName.reverseZone6, from: 64) else {
            return nil
        }
        var bytes: [UInt8] = []
        for part in 0..<16 {
            let low = 62 - 4 * part - 2
            guard wire[low] == 1, wire[low + 2] == 1, let high = DNSName.digit(wire[low + 3]),
                let lower = DNSName.digit(wire[low + 1])
            else { return nil }
            bytes.append(high << 4 | lower)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private func ends(with zone: [UInt8], from position: Int) -> Bool {
        guard wire.count - position == zone.count else { return false }
        for index in 0..<zone.count where wire[position + index] != zone[index] { return false }
        return true
    }

    /// `ip6.arpa`.
    private static let reverseZone6: [UInt8] = [3, 0x69, 0x70, 0x36, 4, 0x61, 0x72, 0x70, 0x61]

    /// `in-addr.arpa`.
    private static let reverseZone: [UInt8] = [
        7, 0x69, 0x6E, 0x2D, 0x61, 0x64, 0x64, 0x72, 4, 0x61, 0x72, 0x70, 0x61,
    ]
}

/// ASCII lower case; names compare without case (RFC 4343).
func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
