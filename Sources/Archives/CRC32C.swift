/// CRC-32C as EROFS uses it: Castagnoli polynomial, no final inversion.
enum CRC32C {
    static func checksum(_ bytes: some Sequence<UInt8>, seed: UInt32 = .max) -> UInt32 {
        var value = seed
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 {
                value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
            }
        }
        return value
    }
}
