/// Writes the binary form: little-endian integers, and byte strings preceded by their length.
package struct ByteWriter {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func put(_ value: UInt8) { bytes.append(value) }

    package mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func put(_ value: UInt32) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    package mutating func put(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    package mutating func put(_ value: Int32) { put(UInt32(bitPattern: value)) }

    package mutating func put(_ value: [UInt8]) {
        put(UInt32(truncatingIfNeeded: value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func put(_ value: KernelString) { put(value.bytes) }

    package mutating func put(_ values: [KernelString]) {
        put(UInt32(truncatingIfNeeded: values.count))
        for value in values { put(value) }
    }

    package mutating func put(_ values: [UInt32]) {
        put(UInt32(truncatingIfNeeded: values.count))
        for value in values { put(value) }
    }
}

/// Reads what `ByteWriter` wrote, trusting nothing: every length is checked against what is left.
package struct ByteReader {
    private let bytes: [UInt8]

    /// Where the next value begins.
    package private(set) var offset: Int

    /// The most elements a list may have; real programs have a few hundred.
    private static let maximumElements = 65_536

    package init(_ bytes: [UInt8], offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// Whether every byte was read.
    package var isAtEnd: Bool { offset >= bytes.count }

    package mutating func byte() throws(LaunchProgramError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func boolean() throws(LaunchProgramError) -> Bool {
        let value = try byte()
        guard value <= 1 else { throw .invalidValue(offset: offset - 1) }
        return value == 1
    }

    package mutating func unsigned32() throws(LaunchProgramError) -> UInt32 {
        guard bytes.count - offset >= 4 else { throw .truncated(offset: offset) }
        var value: UInt32 = 0
        for index in 0..<4 { value |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
        offset += 4
        return value
    }

    package mutating func unsigned64() throws(LaunchProgramError) -> UInt64 {
        let low = try unsigned32()
        let high = try unsigned32()
        return UInt64(low) | UInt64(high) << 32
    }

    package mutating func signed32() throws(LaunchProgramError) -> Int32 { Int32(bitPattern: try unsigned32()) }

    /// The number of elements of a list.
    package mutating func count() throws(LaunchProgramError) -> Int {
        let value = try unsigned32()
        guard value <= Self.maximumElements else { throw .tooLarge(offset: offset - 4) }
        return Int(value)
    }

    package mutating func data() throws(LaunchProgramError) -> [UInt8] {
        let length = Int(try unsigned32())
        guard length <= bytes.count - offset else { throw .truncated(offset: offset) }
        defer { offset += length }
        return Array(bytes[offset..<offset + length])
    }

    package mutating func string() throws(LaunchProgramError) -> KernelString {
        let start = offset
        let value = try data()
        for byte in value where byte == 0 { throw .nulByte(offset: start) }
        return KernelString(bytes: value)
    }

    package mutating func strings() throws(LaunchProgramError) -> [KernelString] {
        let number = try count()
        var values: [KernelString] = []
        for _ in 0..<number { values.append(try string()) }
        return values
    }

    package mutating func integers() throws(LaunchProgramError) -> [UInt32] {
        let number = try count()
        var values: [UInt32] = []
        for _ in 0..<number { values.append(try unsigned32()) }
        return values
    }
}
