import Archives
import Linux
import Testing

@Suite("Reading tar")
struct TarReaderTests {
    @Test("names, numbers and links come out as they went in")
    func ustar() throws {
        let archive =
            TarFixture.header("./", type: "5") + TarFixture.file("./a//b/./c", "hello")
            + TarFixture.header("d", type: "2", link: "a/../a/b") + TarFixture.header("e", type: "1", link: "./a/b/c")
            + TarFixture.header("old/", type: "\u{0}") + TarFixture.end
        let found = try TarFixture.read(archive)
        #expect(found.map(\.entry.name) == ["", "a/b/c", "d", "e", "old"])
        #expect(found.map(\.entry.kind) == [.directory, .regular, .symbolicLink, .hardLink, .directory])
        #expect(found[1].contents == Array("hello".utf8))
        #expect(found[2].entry.linkTarget == Array("a/../a/b".utf8))
        #expect(found[3].entry.linkTarget == Array("a/b/c".utf8))
        #expect(found.map(\.entry.offset) == [0, 512, 1536, 2048, 2560])
    }

    @Test("a ustar prefix is put in front of the name")
    func prefix() throws {
        let archive = TarFixture.header("name") { TarFixture.put("some/where", at: 345, in: &$0) } + TarFixture.end
        #expect(try TarFixture.read(archive).map(\.entry.name) == ["some/where/name"])
    }

    @Test("base-256 numbers hold huge owners and times before 1970")
    func base256() throws {
        let archive =
            TarFixture.header("a") { block in
                block.replaceSubrange(108..<116, with: [0x80, 0, 0, 0, 0xee, 0x6b, 0x28, 0x00])
                block.replaceSubrange(136..<148, with: [UInt8](repeating: 0xff, count: 11) + [0xfe])
            } + TarFixture.end
        let entry = try #require(try TarFixture.read(archive).first?.entry)
        #expect(entry.userID == 4_000_000_000)
        #expect(entry.modified == Timestamp(seconds: -2))
    }

    @Test("pax records replace what the header says, local ones global ones")
    func pax() throws {
        let long = String(repeating: "x", count: 200)
        let archive =
            TarFixture.pax([("uid", "7"), ("mtime", "5")], global: true)
            + TarFixture.pax([
                ("path", "p/" + long), ("uid", "3000000"), ("gid", "4294967294"), ("mtime", "-1.25"), ("comment", "no"),
                ("SCHILY.xattr.user.a", "b=c\nd"),
            ]) + TarFixture.file("short", "x") + TarFixture.file("next", "") + TarFixture.end
        let found = try TarFixture.read(archive)
        let first = try #require(found.first).entry
        #expect(first.name == "p/" + long)
        #expect(first.userID == 3_000_000 && first.groupID == 4_294_967_294)
        #expect(first.modified == Timestamp(seconds: -2, nanoseconds: 750_000_000))
        #expect(first.attributes == [ExtendedAttribute(name: "user.a", value: Array("b=c\nd".utf8))])
        #expect(found.last?.entry.userID == 7 && found.last?.entry.modified == Timestamp(seconds: 5))
        #expect(found.last?.entry.attributes.isEmpty == true)
    }

    @Test("GNU long names and links are used whole")
    func gnuLong() throws {
        let name = "n/" + String(repeating: "y", count: 250)
        let link = "l/" + String(repeating: "z", count: 150)
        let archive =
            TarFixture.raw(type: "L", Array(name.utf8) + [0]) + TarFixture.raw(type: "K", Array(link.utf8) + [0])
            + TarFixture.header("cut", type: "2", link: "cut") + TarFixture.end
        let entry = try #require(try TarFixture.read(archive).first?.entry)
        #expect(entry.name == name && entry.linkTarget == Array(link.utf8))
    }

    @Test("all pax forms of a sparse file give its holes as zeros")
    func sparse() throws {
        let expected = Array("\0\0AB\0\0\0C\0\0".utf8)
        let version00 = TarFixture.pax([
            ("GNU.sparse.size", "10"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.offset", "2"),
            ("GNU.sparse.numbytes", "2"), ("GNU.sparse.offset", "7"), ("GNU.sparse.numbytes", "1"),
        ])
        let version01 = TarFixture.pax([
            ("GNU.sparse.name", "s"), ("GNU.sparse.size", "10"), ("GNU.sparse.map", "2,2,7,1"),
        ])
        let version10 = TarFixture.pax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"),
            ("GNU.sparse.realsize", "10"),
        ])
        let map = TarFixture.padded(Array("2\n2\n2\n7\n1\n".utf8))
        let inData = TarFixture.header("x", size: 515) + TarFixture.padded(map + Array("ABC".utf8))
        for archive in [
            version00 + TarFixture.file("s", "ABC"), version01 + TarFixture.file("x", "ABC"), version10 + inData,
        ] {
            let found = try TarFixture.read(archive + TarFixture.file("after", "!") + TarFixture.end)
            #expect(found.first?.entry.name == "s" && found.first?.contents == expected)
            #expect(found.last?.entry.name == "after" && found.last?.contents == Array("!".utf8))
        }
    }

    @Test("an entry that is not read is passed over")
    func skipping() throws {
        let reader = TarReader(
            MemorySource(TarFixture.file("a", "0123456789") + TarFixture.file("b", "x") + TarFixture.end))
        #expect(try reader.next()?.name == "a")
        #expect(try reader.next()?.name == "b")
        #expect(try reader.next() == nil)
    }

    @Test("an archive may end with the last byte of its last file where that is allowed, and never before")
    func unpadded() throws {
        let archive = TarFixture.header("a", size: 3) + Array("abc".utf8)
        var limits = TarLimits()
        #expect(throws: ArchiveError.self) { try TarFixture.read(archive, limits: limits) }
        limits.requiresEndMarker = false
        #expect(try TarFixture.read(archive, limits: limits).first?.contents == Array("abc".utf8))
        #expect(throws: ArchiveError.self) { try TarFixture.read(Array(archive.dropLast()), limits: limits) }
    }

    @Test("the canonical form reads back as what was written")
    func canonical() throws {
        var entry = TarEntry(path: Array(("d/" + String(repeating: "n", count: 150)).utf8), kind: .regular)
        entry.mode = 0o4751
        entry.userID = 3_000_000
        entry.groupID = 12
        entry.size = 3
        entry.modified = Timestamp(seconds: -5, nanoseconds: 250_000_000)
        entry.attributes = [ExtendedAttribute(name: "security.capability", value: [0, 1, 10, 61])]
        let archive =
            try TarWriter.header(of: entry) + Array("abc".utf8) + TarWriter.padding(after: 3) + TarWriter.endMarker
        var found = try #require(try TarFixture.read(archive).first)
        #expect(found.contents == Array("abc".utf8))
        found.entry.offset = 0
        #expect(found.entry == entry)
    }
}
