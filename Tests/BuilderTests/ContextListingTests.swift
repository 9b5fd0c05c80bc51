import Dockerfile
import Linux
import Testing

@testable import Builder

struct ContextListingTests {
    private static func file(
        _ path: String, _ kind: ContextListing.File.Kind = .regular, size: UInt64 = 1
    ) -> ContextListing.File {
        var file = ContextListing.File(path: Array(path.utf8), kind: kind)
        if kind == .regular { (file.size, file.changed, file.inode) = (size, -5, 1 << 40) }
        if kind == .link { file.target = Array("../elsewhere".utf8) }
        file.modified = -1_500_000_000
        return file
    }

    private static let sample = ContextListing([
        file("a", .directory), file("a/b", .directory), file("a/b/c"), file("a/b/d", .link), file("a-b"),
        file("empty", size: 0),
    ])

    @Test func whatIsEncodedIsDecoded() throws {
        #expect(try ContextListing(decoding: Self.sample.encoded()) == Self.sample)
        #expect(try ContextListing(decoding: ContextListing([]).encoded()) == ContextListing([]))
    }

    @Test(arguments: [
        ["/abs"], ["../up"], ["a/../b"], ["a//b"], ["b", "a"], ["a", "a"], ["a/b"], ["a\0b"], [""],
        [String(repeating: "n", count: 256)],
    ])
    func pathsThatLeadAstrayAreRefused(_ paths: [String]) throws {
        let listing = ContextListing(paths.map { Self.file($0) })
        #expect(throws: ContextListingError.self) { try ContextListing(decoding: listing.encoded()) }
    }

    @Test func aFileIsNoDirectory() throws {
        let listing = ContextListing([Self.file("a"), Self.file("a/b")])
        #expect(throws: ContextListingError.self) { try ContextListing(decoding: listing.encoded()) }
    }

    @Test func everyCutAndEveryChangedByteEndsInAnAnswer() throws {
        let bytes = Self.sample.encoded()
        for count in bytes.indices {
            #expect(throws: ContextListingError.self) { try ContextListing(decoding: Array(bytes[..<count])) }
        }
        for index in bytes.indices {
            for value in [UInt8(0), 1, 0x7F, 0x80, 0xFF] {
                var changed = bytes
                changed[index] = value
                guard let listing = try? ContextListing(decoding: changed) else { continue }
                #expect(try ContextListing(decoding: listing.encoded()) == listing)
            }
        }
    }

    @Test func whatChangedIsFoundInOnePass() {
        var next = Self.sample
        next.files.removeAll { $0.path == Array("a-b".utf8) }
        next.files[2].modified = 7
        next.files.append(Self.file("z"))
        let comparison = ContextComparison(next, with: Self.sample)
        #expect(comparison.needed == [2, 5])
        #expect(comparison.vanished == [4])
        #expect(ContextComparison(Self.sample, with: Self.sample).needed == [])
        #expect(ContextComparison(Self.sample, with: nil).needed == [2, 4])
        var turned = Self.sample
        turned.files[5] = Self.file("empty", .link)
        #expect(ContextComparison(turned, with: Self.sample).vanished == [5])
    }

    @Test func aWalkListsWhatIsNotIgnoredInOrder() throws {
        let root = try Files.temporaryDirectory()
        defer { try? Files.removeTree(root) }
        for directory in ["dir/deep", "out/kept", "gone"] { try Files.makeDirectories("\(root)/\(directory)") }
        for file in ["dir/deep/x", "dir-x", "out/kept/in", "out/other", "gone/x", "a"] {
            try Files.write("\(root)/\(file)", [1, 2])
        }
        try Files.symlink("/etc/passwd", at: "\(root)/link")
        try Files.makeFIFO("\(root)/pipe")
        let directory = try Files.open(root, [.readOnly, .directory]).shared()
        let rules = IgnoreRules(patterns: ["out", "!out/kept/in", "gone", "*-x"])
        let listing = try ContextListing(walking: directory, ignoring: rules)
        #expect(
            listing.files.map { String(decoding: $0.path, as: UTF8.self) }
                == ["a", "dir", "dir/deep", "dir/deep/x", "link", "out", "out/kept", "out/kept/in"])
        #expect(listing.files[4].target == Array("/etc/passwd".utf8))
        #expect(listing.files[0].size == 2)
        #expect(try ContextListing(decoding: listing.encoded()) == listing)
    }
}
