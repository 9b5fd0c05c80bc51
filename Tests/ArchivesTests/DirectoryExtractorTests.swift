import Archives
import Linux
import Testing

@Suite("Archives made files in a directory")
struct DirectoryExtractorTests {
    private func extract(_ archive: [UInt8]) throws -> String {
        let folder = try Files.temporaryDirectory()
        let root = try Files.open(folder, [.directory]).shared()
        do throws(ArchiveError) {
            try DirectoryExtractor.extract(MemorySource(archive + TarFixture.end), into: root)
        } catch {
            try Files.removeTree(folder)
            throw error
        }
        return folder
    }

    @Test("files, links, holes and odd names are made as they are told")
    func everything() throws {
        let zeros = String(repeating: "\0", count: 8192)
        let folder = try extract(
            TarFixture.header("./", type: "5") + TarFixture.file("deep/er/file", "text")
                + TarFixture.header("deep/twin", type: "1", link: "deep/er/file")
                + TarFixture.header("up", type: "2", link: "../../x") + TarFixture.file(".wh.odd", "1")
                + TarFixture.file("sparse", zeros + "x") + TarFixture.file("twice", "1")
                + TarFixture.file("twice", "22"))
        defer { try? Files.removeTree(folder) }
        #expect(try Files.readText(folder + "/deep/twin") == "text")
        #expect(try Files.status(folder + "/deep/twin").linkCount == 2)
        #expect(try Files.readLink(folder + "/up") == "../../x")
        #expect(try Files.readText(folder + "/.wh.odd") == "1")
        #expect(try Files.readText(folder + "/twice") == "22")
        #expect(try Files.status(folder + "/sparse").size == 8193)
    }

    @Test(
        "nothing is made outside the directory, nor through a link",
        arguments: [
            TarFixture.file("../evil", "x"), TarFixture.file("/tmp/evil", "x"),
            TarFixture.header("d", type: "2", link: "/tmp") + TarFixture.file("d/evil", "x"),
            TarFixture.header("d", type: "2", link: "..") + TarFixture.header("d/evil", type: "5"),
            TarFixture.header("d", type: "2", link: "/tmp") + TarFixture.header("d", type: "5"),
            TarFixture.header("x", type: "2", link: "/etc/passwd") + TarFixture.header("y/z", type: "1", link: "x/.."),
            TarFixture.header("d", type: "2", link: "/etc") + TarFixture.header("y", type: "1", link: "d/passwd"),
            TarFixture.file("f", "1") + TarFixture.file("f/g", "2"),
        ])
    func hostile(archive: [UInt8]) throws {
        #expect(throws: ArchiveError.self) { _ = try extract(archive) }
        #expect(!Files.exists("/tmp/evil"))
    }
}
