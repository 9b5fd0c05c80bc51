import Archives
import Linux
import Testing

@Suite("Hostile archives")
struct HostileArchiveTests {
    @Test(
        "names that lead out of the layer are refused by name and offset",
        arguments: [
            ("../evil", "0", "", "goes up with `..`"), ("a/../../evil", "0", "", "goes up with `..`"),
            ("/etc/passwd", "0", "", "absolute"), ("x", "1", "../../etc/shadow", "its link's target goes up"),
            ("x", "1", "/etc/shadow", "its link's target is absolute"), ("x", "1", "nowhere", "not in the archive"),
            ("a/x", "2", "../../etc/shadow", "points out of the root"), ("x", "2", "", "no target"),
            ("..", "5", "", "goes up"),
        ])
    func escapes(name: String, type: String, link: String, reason: String) throws {
        let kind = try #require(type.first)
        let archive = TarFixture.file("fine", "1") + TarFixture.header(name, type: kind, link: link) + TarFixture.end
        let text = try #require(TarFixture.refusal(archive))
        #expect(text.contains("entry `\(name)` at byte 1024"), "\(text)")
        #expect(text.contains(reason), "\(text)")
    }

    @Test("an absolute symbolic link stays as it is: it is resolved inside the container only")
    func absoluteLink() {
        let archive = TarFixture.header("x", type: "2", link: "/../etc/shadow") + TarFixture.end
        #expect(TarFixture.refusal(archive) == nil)
    }

    @Test("nothing is written through a symbolic link or a file of the same archive")
    func throughLink() throws {
        for first in [TarFixture.header("d", type: "2", link: "/etc"), TarFixture.file("d", "")] {
            let text = try #require(TarFixture.refusal(first + TarFixture.file("d/passwd", "x") + TarFixture.end))
            #expect(text.contains("entry `d/passwd`") && text.contains("`d` in its name is no directory"))
        }
    }

    @Test("of a name that comes twice the last entry counts, as when tar unpacks it")
    func duplicates() throws {
        func node(_ archive: [UInt8], _ path: String) throws -> LayerTree.Node? {
            let tree = try TarFixture.layer(archive + TarFixture.end).layer.tree
            return tree.find(Array(path.utf8)).map { tree.nodes[$0] }
        }
        #expect(try node(TarFixture.file("a", "1") + TarFixture.file("./a", "22"), "a")?.size == 2)
        let directory =
            TarFixture.header("d", type: "5") + TarFixture.file("d/x", "") + TarFixture.header("d", type: "5")
        #expect(try node(directory, "d/x") != nil)
        let link = TarFixture.file("a", "1") + TarFixture.header("a", type: "1", link: "a")
        #expect(try node(link, "a")?.linkCount == 1)
        // The file keeps its other name, and only that.
        let replaced =
            TarFixture.file("a", "1") + TarFixture.header("b", type: "1", link: "a") + TarFixture.file("a", "22")
        #expect(try node(replaced, "b")?.linkCount == 1 && node(replaced, "b")?.size == 1)
        #expect(try node(replaced, "a")?.size == 2)
    }

    @Test("what replaces a directory takes all that was in it along, and nothing is written through it")
    func replacedDirectory() throws {
        let before =
            TarFixture.header("d", type: "5") + TarFixture.file("d/e/f", "1")
            + TarFixture.header("kept", type: "1", link: "d/e/f") + TarFixture.header("d", type: "2", link: "/etc")
        let tree = try TarFixture.layer(before + TarFixture.end).layer.tree
        #expect(tree.find(Array("d/e/f".utf8)) == nil)
        let kept = try #require(tree.find(Array("kept".utf8)))
        #expect(tree.nodes[kept].linkCount == 1)
        // The directory of the entry before is not taken from memory, where it was one.
        let through = try #require(TarFixture.refusal(before + TarFixture.file("d/e/g", "2") + TarFixture.end))
        #expect(through.contains("entry `d/e/g`") && through.contains("`d` in its name is no directory"))
        let again = before + TarFixture.header("d", type: "5") + TarFixture.file("d/e/g", "2") + TarFixture.end
        let last = try TarFixture.layer(again).layer.tree
        #expect(last.find(Array("d/e/g".utf8)) != nil && last.find(Array("d/e/f".utf8)) == nil)
    }

    @Test("a hard link to a name that a whiteout removes is refused")
    func linkToWhiteout() throws {
        let archive = TarFixture.file(".wh.a", "") + TarFixture.header("b", type: "1", link: "a") + TarFixture.end
        #expect(TarFixture.refusal(archive)?.contains("not in the archive before it") == true)
    }

    @Test("an archive cut anywhere is said to be cut")
    func truncated() throws {
        let archive =
            TarFixture.pax([("path", "long")]) + TarFixture.file("a", String(repeating: "x", count: 700))
            + TarFixture.end
        for length in stride(from: 0, to: archive.count - 1024, by: 100) {
            let text = try #require(TarFixture.refusal(Array(archive.prefix(length))), "cut at \(length)")
            #expect(text.contains("ends in the middle"), "cut at \(length): \(text)")
        }
        let body = Array(archive.prefix(1024 + 512 + 600))
        #expect(TarFixture.refusal(body)?.contains("entry `long`") == true)
    }

    @Test("a changed byte in a header is found by its checksum")
    func checksum() throws {
        var archive = TarFixture.file("a", "1") + TarFixture.file("b", "2") + TarFixture.end
        archive[1024 + 3] ^= 1
        #expect(TarFixture.refusal(archive) == "archive at byte 1024: the header's checksum is wrong")
    }

    @Test("names over the kernel's limits are refused")
    func longNames() throws {
        let part =
            TarFixture.pax([("path", String(repeating: "n", count: 256))]) + TarFixture.file("a", "") + TarFixture.end
        #expect(TarFixture.refusal(part)?.contains("has 256 bytes; at most 255") == true)
        let path = (0..<50).map { _ in String(repeating: "p", count: 100) }.joined(separator: "/")
        let whole = TarFixture.raw(type: "L", Array(path.utf8) + [0]) + TarFixture.file("a", "") + TarFixture.end
        #expect(TarFixture.refusal(whole)?.contains("at most 4095") == true)
        let header = TarFixture.header("x", type: "x", size: 2 << 20) + TarFixture.end
        #expect(TarFixture.refusal(header)?.contains("extended header has more than") == true)
    }

    @Test("what would fill the memory with names, directories or attributes is refused")
    func memory() throws {
        var limits = TarLimits()
        limits.metadataBytes = 10_000
        let value = String(repeating: "v", count: 3000)
        let attributes = (0..<4).map { index in
            TarFixture.pax([("SCHILY.xattr.user.a", value)]) + TarFixture.file("f\(index)", "")
        }.reduce([], +)
        #expect(refusal(attributes + TarFixture.end, limits)?.contains("have more than 10000 bytes together") == true)
        // A global header costs its sender nothing for each further entry.
        let global = TarFixture.pax([("SCHILY.xattr.user.a", value)], global: true)
        let files = (0..<4).map { TarFixture.file("f\($0)", "") }.reduce([], +)
        #expect(refusal(global + files + TarFixture.end, limits)?.contains("entry `f3`") == true)
        let targets = (0..<4).map { TarFixture.pax([("linkpath", value)]) + TarFixture.header("l\($0)", type: "2") }
        #expect(refusal(targets.reduce([], +) + TarFixture.end, limits)?.contains("entry `l3`") == true)

        limits = TarLimits()
        limits.entries = 1000
        let deep = TarFixture.pax([("path", String(repeating: "d/", count: 1500) + "f")]) + TarFixture.file("x", "")
        #expect(refusal(deep + TarFixture.end, limits)?.contains("more than 1000 files and directories") == true)
        let many = (0...1024).map { ("SCHILY.xattr.user.\($0)", "") }
        #expect(
            TarFixture.refusal(TarFixture.pax(many) + TarFixture.file("x", "") + TarFixture.end)?
                .contains("more than 1024 extended attributes") == true)
    }

    @Test("a file larger than any image is refused, whatever the limits are")
    func hugeFile() throws {
        var limits = TarLimits()
        limits.totalBytes = .max
        let sparse = TarFixture.pax([("GNU.sparse.size", "\(1 << 61)")]) + TarFixture.file("a", "12") + TarFixture.end
        #expect(refusal(sparse, limits)?.contains("the layer is over 16 TiB") == true)
    }

    private func refusal(_ bytes: [UInt8], _ limits: TarLimits) -> String? {
        do {
            let directory = try Files.temporaryDirectory(prefix: "stackctl-archives-")
            defer { try? Files.removeTree(directory) }
            let file = try Files.open(directory + "/image", [.readWrite, .create], mode: 0o600).shared()
            _ = try LayerWriter.write(tar: MemorySource(bytes), to: file, limits: limits)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "wrong numbers and records are refused, never trapped on",
        arguments: [
            ("size", "99999999999999999999"), ("uid", "-1"), ("uid", "4294967295"), ("mtime", "soon"), ("mtime", "1.x"),
            ("size", "4611686018427387905"), ("GNU.sparse.map", "1,x"), ("GNU.sparse.map", "5,1,2,1"),
            ("GNU.sparse.map", "1"), ("GNU.sparse.size", "3"), ("GNU.sparse.major", "1"),
        ])
    func numbers(key: String, value: String) throws {
        var records = [(key, value)]
        if key == "GNU.sparse.map" { records.append(("GNU.sparse.size", "9")) }
        let archive = TarFixture.pax(records) + TarFixture.file("a", "12") + TarFixture.end
        // A file whose real size is larger and that has no data is legal: all of it is a hole.
        if key == "GNU.sparse.size" {
            #expect(TarFixture.refusal(archive) == nil)
        } else {
            #expect(TarFixture.refusal(archive) != nil)
        }
    }

    @Test("an archive that promises more than the limit is refused before anything is written")
    func totalLimit() {
        let archive =
            TarFixture.pax([("GNU.sparse.size", "4000000000000"), ("GNU.sparse.map", "0,0")]) + TarFixture.file("a", "")
        #expect(TarFixture.refusal(archive + TarFixture.end)?.contains("more than 137438953472 bytes together") == true)
    }

    @Test("an unknown kind of entry is refused, not made a file")
    func unknownKind() {
        #expect(
            TarFixture.refusal(TarFixture.header("v", type: "V") + TarFixture.end)?.contains(
                "type `V` is not supported") == true)
    }

    @Test("attributes of overlayfs in an archive are dropped, since they could redirect a lookup")
    func overlayAttributes() throws {
        let archive =
            TarFixture.pax([
                ("SCHILY.xattr.trusted.overlay.redirect", "/x"), ("SCHILY.xattr.user.overlay.opaque", "y"),
                ("SCHILY.xattr.user.kept", "z"),
            ])
            + TarFixture.header("d", type: "5") + TarFixture.end
        let tree = try TarFixture.layer(archive).layer.tree
        let node = try #require(tree.find(Array("d".utf8)))
        #expect(tree.nodes[node].attributes.map(\.name) == ["user.kept"])
    }

    @Test("bytes of any kind never do more than be refused")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        let valid =
            TarFixture.pax([("path", "p"), ("GNU.sparse.size", "10"), ("GNU.sparse.map", "2,2,7,1")])
            + TarFixture.file("a", "ABC") + TarFixture.header("l", type: "2", link: "a") + TarFixture.end
        for _ in 0..<300 {
            var archive = valid
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                archive[Int.random(in: 0..<archive.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            // A right checksum lets the changed fields be read.
            for start in stride(from: 0, to: archive.count - 1024, by: 512) where start != 512 && start != 1536 {
                var block = Array(archive[start..<start + 512])
                TarFixture.seal(&block)
                archive.replaceSubrange(start..<start + 512, with: block)
            }
            _ = try? TarFixture.read(archive)
        }
    }
}
