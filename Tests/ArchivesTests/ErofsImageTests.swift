import Archives
import Linux
import Testing

@Suite("EROFS images")
struct ErofsImageTests {
    private let archive =
        TarFixture.header("d", type: "5") + TarFixture.file("d/f", String(repeating: "x", count: 5000))
        + TarFixture.header("l", type: "2", link: "d/f") + TarFixture.header("h", type: "1", link: "d/f")
        + TarFixture.end

    @Test("equal archives give equal images")
    func deterministic() throws {
        let first = try TarFixture.layer(archive)
        let second = try TarFixture.layer(archive)
        #expect(first.image == second.image)
        #expect(first.layer.diffHex == SHA256.hex(of: archive))
    }

    @Test("the superblock is where the kernel looks, and says what is in the image")
    func superblock() throws {
        let (layer, image) = try TarFixture.layer(archive)
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            image[1024 + offset..<1024 + offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        #expect(number(0, 4) == 0xE0F5_E1E2)
        #expect(number(12, 1) == 12)
        #expect(number(16, 8) == 4)
        #expect(number(36, 4) * 4096 == UInt64(image.count))
        #expect(layer.image.inodes == 4 && layer.image.size == UInt64(image.count))
        #expect(Array(image[4096..<9096]) == [UInt8](repeating: UInt8(ascii: "x"), count: 5000))
    }

    @Test("the checksum is that of the file as it lies there, holes and all, and every changed byte changes it")
    func checksum() throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-archives-")
        defer { try? Files.removeTree(directory) }
        let file = try Files.open(directory + "/image", [.readWrite, .create], mode: 0o600).shared()
        let image = try ErofsImage(file)
        var entry = TarEntry(path: Array("holes".utf8), kind: .regular)
        entry.size = 300_003
        #expect(try image.add(entry))
        try image.append(.hole(200_000))
        try [UInt8](repeating: 7, count: 100_003).withUnsafeBytes { try image.append(.bytes($0)) }
        try image.endContents()
        let summary = try image.finish()
        #expect(try ErofsImage.checksum(of: file) == summary.checksum)
        for offset in stride(from: Int64(0), to: Int64(summary.size), by: 4093) {
            let before = try file.pread(upTo: 1, at: offset)
            try file.pwriteAll([before[0] ^ 1], at: offset)
            #expect(try ErofsImage.checksum(of: file) != summary.checksum, "byte \(offset)")
            try file.pwriteAll(before, at: offset)
        }
        #expect(try ErofsImage.checksum(of: file) == summary.checksum)
    }

    @Test("bytes behind the archive's end belong to the diff id")
    func trailing() throws {
        let longer = archive + [UInt8](repeating: 0, count: 9216)
        #expect(try TarFixture.layer(longer).layer.diffHex == SHA256.hex(of: longer))
    }

    @Test("wanted files are kept as they pass by")
    func capture() throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-archives-")
        defer { try? Files.removeTree(directory) }
        let file = try Files.open(directory + "/image", [.readWrite, .create], mode: 0o600).shared()
        let capture = FileCapture(["d/f", "missing"])
        _ = try LayerWriter.write(tar: MemorySource(archive), to: file, capture: capture)
        #expect(capture.files[Array("d/f".utf8)]?.count == 5000)
        #expect(capture.files.count == 1)
    }
}
