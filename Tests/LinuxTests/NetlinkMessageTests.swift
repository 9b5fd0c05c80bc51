import Testing

@testable import Linux

@Suite("Netlink messages")
struct NetlinkMessageTests {
    @Test("attributes nest, are padded to four bytes and carry their length")
    func building() {
        var message = NetlinkMessage(type: 16, flags: 5)
        message.append(UInt32(7))
        message.nested(18) { $0.attribute(1, "abc") }
        message.attribute(4, UInt32(9))
        let bytes = message.finished(sequence: 3, port: 4)
        #expect(bytes.count == 16 + 4 + 12 + 8)
        #expect(bytes[0..<16] == [40, 0, 0, 0, 16, 0, 5, 0, 3, 0, 0, 0, 4, 0, 0, 0])
        #expect(bytes[20..<32] == [12, 0, 18, 0x80, 8, 0, 1, 0, 97, 98, 99, 0])
        #expect(bytes[32..<40] == [8, 0, 4, 0, 9, 0, 0, 0])
        let attributes = NetlinkAttributes(bytes[20...])
        #expect(attributes.nested(18)?.text(1) == "abc")
        #expect(attributes.number(4) == 9)
        #expect(attributes.number(5) == nil)
    }

    @Test("answers that are cut short, empty or of absurd length end the list")
    func hostileAnswers() {
        let good = NetlinkMessage(type: 2, flags: 0).finished(sequence: 1, port: 2)
        #expect(NetlinkAnswer.parse(good + good).count == 2)
        #expect(NetlinkAnswer.parse(good + good.dropLast()).count == 1)
        #expect(NetlinkAnswer.parse([]).isEmpty)
        #expect(NetlinkAnswer.parse([UInt8](repeating: 0xff, count: 64)).isEmpty)
        #expect(NetlinkAnswer.parse([UInt8](repeating: 0, count: 64)).isEmpty)
    }

    @Test("any bytes at all can be read as attributes, links, addresses and routes")
    func anyBytes() throws {
        for round in 0..<2_000 {
            let bytes = try Random.bytes(round % 96)
            _ = NetlinkAttributes(bytes[...])
            _ = Link(bytes[...])
            _ = LinkAddress(bytes[...])
            _ = Route(bytes[...])
            _ = NetlinkAnswer.parse(bytes).map { NetlinkSocket.error($0, "test") }
            _ = InotifyEvent.parse(bytes)
            _ = ProcessHandle.parseStartTime(bytes)
        }
    }
}
