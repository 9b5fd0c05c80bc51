/// One 512-byte tar header as it is in the archive.
///
/// Source: POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
struct TarHeader {
    static let size = 512

    let block: UnsafeRawBufferPointer

    /// Whether all bytes are zero, which marks the end.
    var isZero: Bool { block.allSatisfy { $0 == 0 } }

    /// Whether the checksum is right; old tars summed signed bytes.
    var hasValidChecksum: Bool {
        guard let stored = number(148, 8) else { return false }
        var unsigned: UInt64 = 0
        var signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let counted = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
            unsigned += UInt64(counted)
            signed += Int64(Int8(bitPattern: counted))
        }
        return stored == Int64(unsigned) || stored == signed
    }

    var typeFlag: UInt8 { block[156] }
    var mode: Int64? { number(100, 8) }
    var userID: Int64? { number(108, 8) }
    var groupID: Int64? { number(116, 8) }
    var size: Int64? { number(124, 12) }
    var modified: Int64? { number(136, 12) }
    var linkName: [UInt8] { text(157, 100) }
    var deviceMajor: Int64? { number(329, 8) }
    var deviceMinor: Int64? { number(337, 8) }

    /// Whether the header is of the ustar family, and so has device numbers.
    var isUstar: Bool { text(257, 5) == Array("ustar".utf8) }

    /// GNU headers use the prefix's place for other things.
    private var isGNU: Bool { isUstar && block[262] == UInt8(ascii: " ") }

    /// The name, with the prefix in front where the format has one.
    var name: [UInt8] {
        let name = text(0, 100)
        guard isUstar, !isGNU else { return name }
        let prefix = text(345, 155)
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// A field of text: up to its first NUL or its end.
    func text(_ offset: Int, _ length: Int) -> [UInt8] {
        let field = block[offset..<offset + length]
        return Array(field.prefix { $0 != 0 })
    }

    /// A number in octal digits or GNU's base-256; nil when it is neither or does not fit.
    func number(_ offset: Int, _ length: Int) -> Int64? {
        let field = block[offset..<offset + length]
        guard let first = field.first else { return nil }
        if first & 0x80 != 0 { return Self.base256(field) }
        return Self.octal(field)
    }

    /// Two's complement, most significant byte first, with the top bit of the first byte as the mark.
    private static func base256(_ field: Slice<UnsafeRawBufferPointer>) -> Int64? {
        guard let first = field.first else { return nil }
        let isNegative = first & 0x40 != 0
        var value: Int64 = isNegative ? -1 : 0
        for (index, byte) in field.enumerated() {
            let bits = index == 0 ? (isNegative ? byte | 0x80 : byte & 0x7f) : byte
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
            if overflow { return nil }
            value = isNegative && index == 0 ? Int64(Int8(bitPattern: bits)) : shifted | Int64(bits)
        }
        return value
    }

    private static func octal(_ field: Slice<UnsafeRawBufferPointer>) -> Int64? {
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value: Int64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte), value >> 60 == 0 else { return nil }
            value = value << 3 | Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
