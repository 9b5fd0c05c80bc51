import Testing

@testable import Archives

@Suite("XXH64")
struct XXHash64Tests {
    /// The bytes that xxHash's own sanity tests use.
    private func bytes(_ count: Int) -> [UInt8] {
        var generator: UInt64 = 2_654_435_761
        return (0..<count).map { _ in
            defer { generator = generator &* 11_400_714_785_074_694_797 }
            return UInt8(truncatingIfNeeded: generator >> 56)
        }
    }

    private func checksum(_ bytes: [UInt8], pieces: Int) -> UInt64 {
        var hash = XXHash64()
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { hash.update($0) }
        }
        return hash.value
    }

    @Test(
        "the values are those that xxhsum gives",
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] as [(String, UInt64)])
    func known(text: String, expected: UInt64) {
        #expect(checksum(Array(text.utf8), pieces: 100) == expected)
    }

    @Test("how the bytes are cut makes no difference, and every changed byte does", arguments: [31, 32, 33, 64, 222])
    func cuts(count: Int) {
        let bytes = bytes(count)
        let whole = checksum(bytes, pieces: 1000)
        for pieces in [1, 7, 32, 33] { #expect(checksum(bytes, pieces: pieces) == whole) }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x10
            #expect(checksum(changed, pieces: 1000) != whole)
        }
    }
}
