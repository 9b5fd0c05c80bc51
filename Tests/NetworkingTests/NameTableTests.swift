import Testing

@testable import Networking

@Suite("Names of containers")
struct NameTableTests {
    private let web = Array("web-container".utf8)
    private let database = Array("db-container".utf8)
    private let network = Array("network".utf8)

    private func name(_ text: String) throws -> DNSName { try #require(DNSName(text: Array(text.utf8))) }

    private func table(forwards: Bool = true) throws -> NameTable {
        var table = NameTable()
        table.admit(web, networks: [network], forwards: forwards)
        table.setNames([try name("web")], of: web, in: network, address: 0x0A59_0002)
        table.setNames([try name("db"), try name("store")], of: database, in: network, address: 0x0A59_0003)
        return table
    }

    private func ask(
        _ table: inout NameTable, _ text: String, type: UInt16 = DNSRecordType.a, limit: Int = 512
    ) throws -> [UInt8]? {
        let query = try #require(Packet.read(Packet.query(text, type: type)))
        if case .reply(let reply) = table.answer(query, from: web, limit: limit) { return reply }
        return nil
    }

    @Test("a name and an alias of a neighbour give its address")
    func address() throws {
        var table = try table()
        for text in ["db", "store", "DB"] {
            let reply = try #require(try ask(&table, text))
            #expect(reply[3] & 0x0F == 0 && reply[7] == 1)
            #expect(Array(reply.suffix(4)) == [10, 89, 0, 3])
        }
    }

    @Test("a container with IPv6 is found by both addresses, and by its name from either")
    func bothFamilies() throws {
        var table = try table()
        let address6 = [0xFD, 0x12] + [UInt8](repeating: 0, count: 13) + [0xAB]
        table.setNames([try name("db")], of: database, in: network, address: 0x0A59_0003, address6: address6)
        let reply = try #require(try ask(&table, "db", type: DNSRecordType.aaaa))
        #expect(reply[3] & 0x0F == 0 && reply[7] == 1)
        #expect(Array(reply.suffix(16)) == address6)
        let reply4 = try #require(try ask(&table, "db"))
        #expect(Array(reply4.suffix(4)) == [10, 89, 0, 3])
        let digits = address6.reversed().flatMap { [$0 & 15, $0 >> 4] }.map { String($0, radix: 16) }
        let reverse = digits.joined(separator: ".") + ".ip6.arpa"
        #expect(try name(reverse).reverseAddress6 == address6)
        let pointer = try #require(try ask(&table, reverse, type: DNSRecordType.ptr))
        #expect(pointer[7] == 1 && Array(pointer.suffix(4)) == [2, 0x64, 0x62, 0])
        for text in ["1.ip6.arpa", String(reverse.dropFirst(2)), "g" + reverse.dropFirst()] {
            #expect(try name(text).reverseAddress6 == nil)
        }
    }

    @Test("a link is a name that one container alone has for another")
    func links() throws {
        var table = try table()
        table.setLinks([(try name("store2"), try name("db"))], of: web)
        let reply = try #require(try ask(&table, "store2"))
        #expect(Array(reply.suffix(4)) == [10, 89, 0, 3])
        table.setLinks([], of: web)
        let forwarded = try ask(&table, "store2")
        #expect(forwarded == nil)
    }

    @Test("a known name asked for another type exists without records, so nobody concludes that it does not exist")
    func noData() throws {
        var table = try table()
        for type in [DNSRecordType.aaaa, 15, 16, 65] {
            let reply = try #require(try ask(&table, "db", type: type))
            #expect(reply[3] & 0x0F == 0 && reply[7] == 0)
        }
    }

    @Test("other names are forwarded, and do not exist where nothing is forwarded")
    func unknown() throws {
        var open = try table()
        #expect(try ask(&open, "example.org") == nil)
        var closed = try table(forwards: false)
        #expect(try #require(try ask(&closed, "example.org"))[3] & 0x0F == 3)
    }

    @Test("an address of ours leads back to the container's first name")
    func pointer() throws {
        var table = try table()
        let reply = try #require(try ask(&table, "3.0.89.10.in-addr.arpa", type: DNSRecordType.ptr))
        #expect(reply[7] == 1 && Array(reply.suffix(4)) == [2, 0x64, 0x62, 0])
        #expect(try ask(&table, "9.0.89.10.in-addr.arpa", type: DNSRecordType.ptr) == nil)
    }

    @Test("replicas that share a name take turns in being first")
    func rotation() throws {
        var table = try table()
        table.setNames([try name("db")], of: [9], in: network, address: 0x0A59_0009)
        let first = try #require(try ask(&table, "db"))
        let second = try #require(try ask(&table, "db"))
        #expect(first[7] == 2 && second[7] == 2 && first != second)
    }

    @Test("too many addresses for a datagram are cut, and marked so")
    func truncation() throws {
        var table = try table()
        for index in 0..<60 {
            table.setNames([try name("many")], of: [UInt8(index)], in: network, address: UInt32(index))
        }
        let short = try #require(try ask(&table, "many"))
        #expect(short.count <= 512 && short[2] & 0x02 != 0 && short[7] == 0)
        let long = try #require(try ask(&table, "many", limit: 65_535))
        #expect(long[2] & 0x02 == 0 && long[7] == 60)
    }

    @Test("names of other networks are not known, and containers that are gone are neither asked nor found")
    func scopes() throws {
        var table = try table()
        table.setNames([try name("secret")], of: [7], in: [8], address: 1)
        #expect(try ask(&table, "secret") == nil)
        table.remove(database)
        #expect(try ask(&table, "db") == nil)
        table.remove(web)
        #expect(try #require(try ask(&table, "web"))[3] & 0x0F == 5)
        #expect(table.containers.isEmpty)
    }

    @Test("only an answer to the very question with its number counts")
    func forgery() throws {
        let query = try #require(Packet.read(Packet.query("example.org")))
        var reply = Packet.query("Example.ORG", id: 7)
        reply[2] |= 0x80
        #expect(DNSResponse.isReply(reply, id: 7, to: query))
        #expect(!DNSResponse.isReply(reply, id: 8, to: query))
        var other = Packet.query("example.com", id: 7)
        other[2] |= 0x80
        #expect(!DNSResponse.isReply(other, id: 7, to: query))
        #expect(!DNSResponse.isReply(Packet.query("example.org", id: 7), id: 7, to: query))
    }
}

@Suite("Messages to the name server")
struct NameServiceMessageTests {
    @Test("every message reads back as it was written")
    func roundTrip() throws {
        let messages: [NameServiceMessage] = [
            .attach(container: [1, 2], forwards: true, networks: [[3], [4]]),
            .networks(container: [1], forwards: false, networks: []),
            .names(
                container: [1], network: [2], address: 0xDEAD_BEEF,
                names: [try #require(DNSName(text: Array("a.b".utf8)))]),
            .unname(container: [1], network: [2]), .remove(container: [1]),
            .upstreams([Array("192.0.2.1".utf8)]), .list(after: []), .shutdown,
        ]
        for message in messages { #expect(NameServiceMessage(decoding: message.encoded()) == message) }
        for reply in [NameServiceReply.ok([[1], [2]]), .ok([]), .error(Array("no".utf8))] {
            #expect(NameServiceReply(decoding: reply.encoded()) == reply)
        }
    }

    @Test(
        "what is no message is refused",
        arguments: ["", "attach", "attach\0a\02", "names\0a\0b\0xyz", "names\0a\0b\000000000\0..", "boo"])
    func nonsense(text: String) {
        #expect(NameServiceMessage(decoding: Array(text.utf8)) == nil)
    }
}
