extension Array where Element == UInt8 {
    /// Appends an integer, least significant byte first.
    mutating func append<Value: FixedWidthInteger>(little value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    /// Appends zeros until the count is a multiple of `alignment`.
    mutating func pad(to alignment: Int) {
        let over = count % alignment
        if over > 0 { append(contentsOf: repeatElement(0, count: alignment - over)) }
    }
}

/// Numbers as bytes, least significant first.
enum LittleEndian {
    static func bytes(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(little: value)
        return bytes
    }
}
