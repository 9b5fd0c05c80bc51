/// An IPv4 or IPv6 address.
package struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 4 or 16 bytes, as on the wire.
    package let bytes: [UInt8]

    /// An address from 4 or 16 bytes; nil for any other count.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    private init(known bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// An IPv4 address from its four numbers.
    package static func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> IPAddress {
        IPAddress(known: [a, b, c, d])
    }

    /// An IPv4 address from its number (127.0.0.1 is 0x7f000001).
    package static func v4(_ value: UInt32) -> IPAddress {
        IPAddress(known: (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) })
    }

    /// 127.0.0.1.
    package static var loopback: IPAddress { v4(127, 0, 0, 1) }
    /// 0.0.0.0.
    package static var any: IPAddress { v4(0, 0, 0, 0) }

    package var isV4: Bool { bytes.count == 4 }

    /// The number of an IPv4 address; nil for IPv6.
    package var v4Value: UInt32? {
        isV4 ? bytes.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Reads `192.0.2.1` or IPv6 text (RFC 4291; no zone).
    ///
    /// Leading zeros in IPv4 are refused, since some read octal.
    package init?(_ text: String) {
        let bytes = text.contains(":") ? Self.parseV6(text) : Self.parseV4(Substring(text))
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    private static func parseV4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = UInt8(part), part.utf8.count == 1 || part.utf8.first != 48
            else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func parseV6(_ text: String) -> [UInt8]? {
        var head = text[...]
        var tail: Substring?
        if let gap = text.range(ofGap: "::") {
            head = text[..<gap.lowerBound]
            tail = text[gap.upperBound...]
        }
        let last = tail.map { groups($0, mayEndV4: true) }
        guard let first = groups(head, mayEndV4: tail == nil), let second = last ?? [] else { return nil }
        let missing = 16 - first.count - second.count
        // "::" stands for one group at least; without it there must be all eight.
        guard tail == nil ? missing == 0 : missing >= 2 else { return nil }
        return first + [UInt8](repeating: 0, count: missing) + second
    }

    /// The bytes of colon-separated groups; the last may be an IPv4 address.
    private static func groups(_ text: Substring, mayEndV4: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndV4, part.contains("."), index == parts.count - 1, let last = parseV4(part) {
                bytes += last
                continue
            }
            guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit), let value = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 255)]
        }
        return bytes
    }

    /// The text of RFC 5952 (`2001:db8::1`).
    package var description: String {
        if isV4 { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || groups[index] != 0 {
            if index - start > max(best.count, 1) { best = start..<index }
            start = index + 1
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}

extension String {
    fileprivate func range(ofGap gap: String) -> Range<String.Index>? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(gap) { return index..<self.index(index, offsetBy: 2) }
            index = self.index(after: index)
        }
        return nil
    }
}
