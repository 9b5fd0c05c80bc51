import Testing

@testable import Linux

@Suite("Addresses")
struct AddressTests {
    @Test(
        "text is read and written in its shortest form",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::", "::"), ("::1", "::1"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("::ffff:192.0.2.1", "::ffff:c000:201"), ("fe80::", "fe80::"),
            ("1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"),
        ])
    func text(given: String, shortest: String) throws {
        #expect(try #require(IPAddress(given)).description == shortest)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", "1..2.3", ":", ":::", "1::2::3",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "12345::", "g::", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:8::",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("blocks contain and overlap as their bits say")
    func blocks() throws {
        let wide = try #require(IPPrefix("10.0.0.0/8"))
        let narrow = try #require(IPPrefix("10.42.7.9/24"))
        #expect(narrow.network.description == "10.42.7.0/24")
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(try !wide.overlaps(#require(IPPrefix("11.0.0.0/8"))))
        #expect(try narrow.contains(#require(IPAddress("10.42.7.255"))))
        #expect(try !narrow.contains(#require(IPAddress("10.42.8.0"))))
        #expect(try !wide.contains(#require(IPAddress("::1"))))
        #expect(try #require(IPPrefix("0.0.0.0/0")).contains(.loopback))
        #expect(narrow.broadcast?.description == "10.42.7.255")
    }

    @Test(
        "a block with a bad length is refused",
        arguments: ["1.2.3.4", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "::/129"])
    func badBlocks(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test("Ethernet addresses are read, written, and random ones are local and unicast")
    func ethernet() throws {
        #expect(MACAddress("02:42:0A:00:00:02")?.description == "02:42:0a:00:00:02")
        #expect(MACAddress("02:42:0a:00:00") == nil)
        #expect(MACAddress("02:42:0a:00:00:0") == nil)
        #expect(try MACAddress.random().bytes[0] & 0x03 == 0x02)
        #expect(MACAddress.derived(from: .v4(10, 0, 0, 2)).description == "02:42:0a:00:00:02")
    }
}
