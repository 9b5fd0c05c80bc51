import HTTP
import Testing

@Suite("WebSocket")
struct WebSocketTests {
    @Test("the handshake's answer is that of RFC 6455")
    func handshake() {
        let digest: [UInt8] = [
            0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe,
            0xc4, 0xea,
        ]
        #expect(WebSocket.accept(key: "dGhlIHNhbXBsZSBub25jZQ==") == digest)
    }

    @Test("masked frames of every length are read, however they are cut")
    func frames() throws {
        for count in [0, 1, 125, 126, 65535, 65536] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            var frame = WebSocket.frame(2, payload)
            // As a client sends it: masked.
            let head = count < 126 ? 2 : count < 65536 ? 4 : 10
            frame[1] |= 0x80
            let mask: [UInt8] = [1, 2, 3, 4]
            frame = Array(frame[..<head]) + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
            for length in [0, 1, 2, head, head + 3, frame.count - 1] where length < frame.count {
                #expect(try WebSocket.parse(Array(frame[..<length])) == nil)
            }
            let (code, read, length) = try #require(try WebSocket.parse(frame + [0x81]))
            #expect(code == 2 && read == payload && length == frame.count)
        }
    }

    @Test(
        "what breaks the rules is refused",
        arguments: [[0x82, 0x01, 0x00], [0xF2, 0x81], [0x82, 0xFF, 255, 255, 255, 255, 255, 255, 255, 255]])
    func refused(_ bytes: [UInt8]) {
        #expect(throws: HTTPError.self) { try WebSocket.parse(bytes) }
    }
}
