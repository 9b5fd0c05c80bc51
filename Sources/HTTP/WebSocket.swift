/// The server's side of a WebSocket (RFC 6455), over a connection that was taken over.
///
/// Messages go out as binary frames. What comes in is given as bytes, whatever its frames: text, binary, in parts.
package actor WebSocket {
    private let raw: HijackedStream
    private var pending: [UInt8] = []
    private var hasClosed = false
    /// No client of a terminal sends longer frames.
    private static let longest = 1 << 20

    /// A socket over the raw connection.
    package init(_ raw: HijackedStream) { self.raw = raw }

    /// The value of `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key` (section 4.2.2).
    package static func accept(key: String) -> [UInt8] {
        SHA1.hash(Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
    }

    /// Sends bytes as one message.
    package func write(_ bytes: [UInt8]) async throws {
        guard !hasClosed else { return }
        try await raw.write(Self.frame(2, bytes))
    }

    /// Says that nothing more comes, once.
    package func close() async {
        guard !hasClosed else { return }
        hasClosed = true
        try? await raw.write(Self.frame(8, [0x03, 0xE8]))
    }

    /// The bytes of the next message or part of one; empty at the end.
    ///
    /// Pings are answered meanwhile.
    ///
    /// - Throws: `HTTPError.malformed` for frames that break the rules.
    package func read() async throws -> [UInt8] {
        while true {
            while let (code, payload, length) = try Self.parse(pending) {
                pending.removeFirst(length)
                switch code {
                case 0, 1, 2: if !payload.isEmpty { return payload }
                case 8:
                    await close()
                    return []
                case 9: try await raw.write(Self.frame(10, payload))
                case 10: break
                default: throw HTTPError.malformed("a WebSocket frame of the unknown kind \(code)")
                }
            }
            let piece = try await raw.read()
            if piece.isEmpty { return [] }
            pending += piece
        }
    }

    /// A whole unmasked frame (section 5.2).
    package static func frame(_ code: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = [0x80 | code]
        switch bytes.count {
        case ..<126: frame.append(UInt8(bytes.count))
        case ..<65536: frame += [126, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)]
        default:
            frame.append(127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(bytes.count >> shift & 255)) }
        }
        return frame + bytes
    }

    /// The first frame of some bytes; nil where it is not all there.
    package static func parse(
        _ bytes: [UInt8]
    ) throws(HTTPError) -> (code: UInt8, payload: [UInt8], length: Int)? {
        guard bytes.count >= 2 else { return nil }
        guard bytes[0] & 0x70 == 0 else {
            throw .malformed("a WebSocket frame with an extension that was not agreed on")
        }
        guard bytes[1] & 0x80 != 0 else { throw .malformed("a WebSocket frame of a client is not masked") }
        var count = Int(bytes[1] & 0x7F)
        var start = 2
        let wide = count == 126 ? 2 : count == 127 ? 8 : 0
        guard bytes.count >= start + wide else { return nil }
        if wide > 0 {
            count = 0
            for byte in bytes[start..<start + wide] {
                guard count <= longest else { break }
                count = count << 8 | Int(byte)
            }
            start += wide
        }
        guard count <= longest else { throw .malformed("a WebSocket frame of more than \(longest) bytes") }
        guard bytes.count >= start + 4 + count else { return nil }
        let mask = Array(bytes[start..<start + 4])
        start += 4
        let payload = bytes[start..<start + count].enumerated().map { $1 ^ mask[$0 & 3] }
        return (bytes[0] & 0x0F, payload, start + count)
    }
}

/// SHA-1 (FIPS 180-4), which WebSocket's handshake asks for; good for nothing that has to be secure.
enum SHA1 {
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        var bytes = message + [0x80]
        bytes += [UInt8](repeating: 0, count: (120 - bytes.count % 64) % 64)
        let bits = UInt64(message.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(bits >> shift & 255)) }
        for start in stride(from: 0, to: bytes.count, by: 64) { add(bytes[start..<start + 64], to: &state) }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(word >> UInt32($0) & 255) } }
    }

    private static func add(_ block: ArraySlice<UInt8>, to state: inout [UInt32]) {
        var words: [UInt32] = []
        for index in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            words.append(block[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<80 {
            words.append(rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for (index, word) in words.enumerated() {
            let (mixed, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (b ^ c ^ d, 0xCA62_C1D6)
                }
            let next = rotated(a, 5) &+ mixed &+ e &+ constant &+ word
            (a, b, c, d, e) = (next, a, rotated(b, 30), c, d)
        }
        for (index, value) in [a, b, c, d, e].enumerated() { state[index] &+= value }
    }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
}
