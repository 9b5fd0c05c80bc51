/// Builds a line of `key=value` words.
///
/// Bytes that would break the line are written as `%XX`.
package struct StatusLineWriter {
    /// The line so far, without its end.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func put(_ key: StaticString, _ value: Int64) {
        begin(key)
        if value < 0 { bytes.append(0x2D) }
        putDigits(value.magnitude)
    }

    package mutating func put(_ key: StaticString, _ value: KernelString) {
        begin(key)
        for byte in value.bytes {
            if byte > 0x20 && byte < 0x7F && byte != 0x25 && byte != 0x3D {
                bytes.append(byte)
            } else {
                bytes.append(0x25)
                bytes.append(Self.hexadecimalDigit(byte >> 4))
                bytes.append(Self.hexadecimalDigit(byte & 15))
            }
        }
    }

    private mutating func begin(_ key: StaticString) {
        if !bytes.isEmpty { bytes.append(0x20) }
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(0x3D)
    }

    private mutating func putDigits(_ value: UInt64) {
        if value >= 10 { putDigits(value / 10) }
        bytes.append(UInt8(0x30 + value % 10))
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}

/// Reads a line of `key=value` words.
package struct StatusLineReader {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The value of a key as a number, or nil.
    package func number(_ key: StaticString) -> Int64? {
        guard let range = range(of: key), !range.isEmpty else { return nil }
        return Self.parse(bytes[range])
    }

    /// The value of a key as bytes, or nil.
    package func string(_ key: StaticString) -> KernelString? {
        guard let range = range(of: key) else { return nil }
        var value: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == 0x25, range.upperBound - index > 2, let high = Self.digit(bytes[index + 1]),
                let low = Self.digit(bytes[index + 2])
            {
                value.append(high << 4 | low)
                index += 3
            } else {
                value.append(bytes[index])
                index += 1
            }
        }
        return KernelString(bytes: value)
    }

    /// A decimal number, with an optional minus; nil when anything else is there or it does not fit.
    package static func parse(_ text: ArraySlice<UInt8>) -> Int64? {
        var rest = text
        var negative = false
        if rest.first == 0x2D {
            negative = true
            rest = rest.dropFirst()
        }
        guard !rest.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in rest {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !overflowed else { return nil }
            value = sum
        }
        return negative ? -value : value
    }

    private func range(of key: StaticString) -> Range<Int>? {
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x20, bytes[end] != 0x0A { end += 1 }
            if let equals = bytes[start..<end].firstIndex(of: 0x3D), Self.equal(bytes[start..<equals], key) {
                return equals + 1..<end
            }
            start = end + 1
        }
        return nil
    }

    private static func equal(_ word: ArraySlice<UInt8>, _ key: StaticString) -> Bool {
        key.withUTF8Buffer { buffer in
            guard buffer.count == word.count else { return false }
            for (left, right) in zip(buffer, word) where left != right { return false }
            return true
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        default: nil
        }
    }
}
