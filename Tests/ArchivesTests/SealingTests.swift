import Testing

@testable import Archives

@Suite("Sealing")
struct SealingTests {
    private let keys = SealingKeys([UInt8](0..<64))

    @Test("what is sealed is opened again, and equal texts look equal", arguments: [0, 1, 15, 16, 17, 4096])
    func roundTrip(_ count: Int) throws {
        let keys = try #require(keys)
        let text = [UInt8](repeating: 0x61, count: count)
        let sealed = try #require(keys.seal(text))
        #expect(sealed.count == 28 + count)
        #expect(keys.seal(text) == sealed)
        #expect(keys.open(sealed) == text)
        #expect(keys.seal(text + [0]) != sealed)
    }

    @Test("each changed byte is found, and so are other keys")
    func changed() throws {
        let keys = try #require(keys)
        let sealed = try #require(keys.seal(Array("treasure".utf8)))
        for index in sealed.indices {
            var other = sealed
            other[index] ^= 1
            #expect(keys.open(other) == nil)
        }
        #expect(keys.open(Array(sealed.dropLast())) == nil)
        #expect(keys.open([]) == nil)
        #expect(SealingKeys([UInt8](1..<65))?.open(sealed) == nil)
        #expect(SealingKeys([1, 2, 3]) == nil)
    }

    @Test(
        "the digest is HMAC-SHA-256",
        arguments: [
            // RFC 4231, test case 1, its key filled up with zeros as HMAC does.
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ])
    func hmac(_ wanted: String) throws {
        let key = [UInt8](repeating: 0x0B, count: 20) + [UInt8](repeating: 0, count: 12)
        let keys = try #require(SealingKeys([UInt8](repeating: 0, count: 32) + key))
        #expect(SHA256.hex(keys.authenticationCode(of: Array("Hi There".utf8))) == wanted)
    }
}
