import Testing

@testable import Networking

/// Builds questions byte by byte.
enum Packet {
    static func query(
        _ name: String, type: UInt16 = DNSRecordType.a, id: UInt16 = 0x1234, payloadSize: UInt16? = nil
    ) -> [UInt8] {
        var packet: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, payloadSize == nil ? 0 : 1]
        for label in name.split(separator: ".") { packet += [UInt8(label.utf8.count)] + Array(label.utf8) }
        packet += [0, UInt8(type >> 8), UInt8(type & 255), 0, 1]
        if let payloadSize {
            packet += [0, 0, 41, UInt8(payloadSize >> 8), UInt8(payloadSize & 255), 0, 0, 0, 0, 0, 0]
        }
        return packet
    }

    static func read(_ packet: [UInt8]) -> DNSQuery? {
        if case .query(let query) = DNSQuery.read(packet) { query } else { nil }
    }
}

@Suite("DNS messages")
struct DNSMessageTests {
    @Test("a question is read, its name without regard to case, its bytes kept")
    func question() throws {
        let query = try #require(Packet.read(Packet.query("Web.Example", type: DNSRecordType.aaaa)))
        #expect(query.id == 0x1234 && query.recursionDesired)
        #expect(query.name == DNSName(text: Array("web.example".utf8)))
        #expect(query.type == DNSRecordType.aaaa && query.recordClass == 1)
        #expect(query.question == Array(Packet.query("Web.Example", type: DNSRecordType.aaaa)[12...]))
        #expect(query.payloadSize == nil)
    }

    @Test("the size an asker takes is read from its OPT record, and kept within bounds")
    func payloadSize() throws {
        let large = try #require(Packet.read(Packet.query("web", payloadSize: 4096)))
        #expect(large.payloadSize == 4096 && DNSResponse.datagramLimit(for: large) == 1232)
        let tiny = try #require(Packet.read(Packet.query("web", payloadSize: 12)))
        #expect(DNSResponse.datagramLimit(for: tiny) == 512)
    }

    @Test("replies and fragments are ignored, other operations and bad questions rejected")
    func verdicts() {
        var reply = Packet.query("web")
        reply[2] |= 0x80
        var update = Packet.query("web")
        update[2] = 5 << 3
        var two = Packet.query("web")
        two[5] = 2
        #expect(isIgnored(reply) && isIgnored(Array(Packet.query("web")[..<11])) && isIgnored([]))
        #expect(rejection(update)?[3] == 0x84)
        #expect(rejection(two)?[3] == 0x81)
        #expect(rejection(Array(Packet.query("web").dropLast()))?.count == 12)
    }

    @Test("compression pointers that go forward, to themselves or in circles end the reading")
    func pointers() {
        for target in [UInt8(12), 13, 14, 40, 255] {
            let packet = Array(Packet.query("web")[..<12]) + [1, 0x61, 0xC0, target, 0, 1, 0, 1]
            #expect(Packet.read(packet) == nil)
        }
        var offset = 4
        let chain: [UInt8] = [1, 0x61, 0xC0, 0, 0xC0, 2]
        #expect(DNSName(reading: chain, at: &offset) == nil)
    }

    @Test("a name that was compressed is read through backward pointers")
    func compressed() {
        let message: [UInt8] = [3, 0x77, 0x77, 0x77, 0, 1, 0x61, 0xC0, 0, 9]
        var offset = 5
        #expect(DNSName(reading: message, at: &offset) == DNSName(text: Array("a.www".utf8)))
        #expect(offset == 9)
    }

    @Test("labels over 63 and names over 255 bytes are refused")
    func lengths() {
        let label = [UInt8](repeating: 0x61, count: 63)
        #expect(DNSName(text: label) != nil && DNSName(text: label + [0x61]) == nil)
        let four = Array([label, label, label, label].joined(separator: [0x2E]))
        #expect(DNSName(text: four) == nil && DNSName(text: Array(four.dropLast(2))) != nil)
        #expect(
            DNSName(text: []) == nil && DNSName(text: Array("a..b".utf8)) == nil
                && DNSName(text: Array(".".utf8)) == nil)
        #expect(DNSName(text: Array("a.b.".utf8)) == DNSName(text: Array("a.b".utf8)))
    }

    @Test("a reverse name gives its address, and nothing else does")
    func reverse() {
        #expect(DNSName(text: Array("2.0.89.10.in-addr.arpa".utf8))?.reverseAddress == 0x0A59_0002)
        for text in [
            "0.89.10.in-addr.arpa", "256.0.89.10.in-addr.arpa", "2.0.89.10.ip6.arpa", "x.0.89.10.in-addr.arpa", "web",
        ] {
            #expect(DNSName(text: Array(text.utf8))?.reverseAddress == nil)
        }
    }

    @Test("no bytes whatever stop the reader", arguments: 0..<8)
    func hostileBytes(seed: UInt64) {
        var random = SplitMix(state: seed)
        for _ in 0..<20_000 {
            var packet = Packet.query("some.name.example", payloadSize: 1232)
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                packet[Int.random(in: packet.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            packet.removeLast(Int.random(in: 0...packet.count, using: &random))
            guard let query = Packet.read(packet) else { continue }
            var table = NameTable()
            table.admit([1], networks: [[2]], forwards: false)
            guard case .reply(let reply) = table.answer(query, from: [1], limit: 512) else { continue }
            #expect(reply.count >= 12 && reply[0] == packet[0] && reply[2] & 0x80 != 0)
            _ = DNSResponse.isReply(packet, id: query.id, to: query)
            _ = NameServiceMessage(decoding: packet)
        }
    }

    private func isIgnored(_ packet: [UInt8]) -> Bool {
        if case .ignore = DNSQuery.read(packet) { true } else { false }
    }

    private func rejection(_ packet: [UInt8]) -> [UInt8]? {
        if case .reject(let reply) = DNSQuery.read(packet) { reply } else { nil }
    }
}

/// A generator whose numbers are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
