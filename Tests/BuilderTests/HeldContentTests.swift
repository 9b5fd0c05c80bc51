import Archives
import ImageStore
import Linux
import Testing

@testable import Builder

struct HeldContentTests {
    private static let size = 1 << 20

    /// A tree with two directories whose files are held, and what the client has of them.
    private struct Sample {
        let path: String
        let tree: FileTree

        init() throws {
            path = try Files.temporaryDirectory(prefix: "builder-tests-")
            try Files.makeDirectory(path + "/spool")
            let allowance = HeldAllowance()
            var held: [[UInt8]: HeldContent] = [:]
            for name in ["a", "b", "ab"] {
                try Files.makeDirectories("\(path)/tree/\(name)")
                try Files.open("\(path)/tree/\(name)/big", [.writeOnly, .create], mode: 0o640)
                    .truncate(to: Int64(HeldContentTests.size))
                let content = [UInt8](repeating: UInt8(name.utf8.count), count: HeldContentTests.size)
                try Files.write("\(path)/\(name)", content)
                let file = try #require(allowance.keep(try Files.open("\(path)/\(name)").shared()))
                let place = Array("\(name)/big".utf8)
                held[place] = HeldContent(
                    path: place, file: file, size: UInt64(HeldContentTests.size), digest: nil, spool: path + "/spool"
                ) { _ in true }
            }
            try Files.symlink("a", at: "\(path)/tree/link")
            tree = FileTree(
                root: try Files.open(path + "/tree", [.readOnly, .directory]).shared(), known: nil,
                belongsToRoot: true, memo: DigestMemo(), held: held, lifetime: allowance)
        }

        func remove() { try? Files.removeTree(path) }

        /// What was under way there is removed by somebody else.
        func spoolIsEmpty(_ place: SourceLocation = #_sourceLocation) async throws {
            for _ in 0..<1_200 where try !Files.list(path + "/spool").isEmpty {
                try await EventLoop.shared.sleep(for: .milliseconds(50))
            }
            #expect(try Files.list(path + "/spool").isEmpty, sourceLocation: place)
        }

        func isStored(_ name: String) throws -> Bool {
            try Files.readAll("\(path)/tree/\(name)/big") == Files.readAll("\(path)/\(name)")
        }
    }

    @Test(arguments: ["a", "link", "a/big", "link/big"]) func onlyWhatIsSeenOfATreeIsStored(source: String) async throws
    {
        let sample = try Sample()
        defer { sample.remove() }
        try sample.tree.storeContents(below: TreePath.clean(source), CancellationFlag())
        #expect(try sample.isStored("a"))
        #expect(try !sample.isStored("b"))
        #expect(try !sample.isStored("ab"))
        #expect(try Files.status("\(sample.path)/tree/a/big").mode & 0o7777 == 0o640)
        try sample.tree.storeContents(below: [], CancellationFlag())
        #expect(try sample.isStored("b"))
        try await sample.spoolIsEmpty()
    }

    @Test func whatIsStoredIsNotStoredAgain() throws {
        let sample = try Sample()
        defer { sample.remove() }
        try sample.tree.storeContents(below: [], CancellationFlag())
        let before = try Files.status("\(sample.path)/tree/a/big").inode
        try sample.tree.storeContents(below: [], CancellationFlag())
        #expect(try Files.status("\(sample.path)/tree/a/big").inode == before)
    }

    @Test func readingEndsWhenNobodyWantsItAnyMore() async throws {
        let sample = try Sample()
        defer { sample.remove() }
        let content = try #require(sample.tree.held[Array("a/big".utf8)])
        let cancellation = CancellationFlag()
        var pieces = 0
        #expect(throws: ArchiveError.self) {
            try content.read(cancellation) { _ in
                pieces += 1
                cancellation.cancel()
            }
        }
        #expect(pieces == 1)
        #expect(throws: ArchiveError.self) { try sample.tree.storeContents(below: [], cancellation) }
        #expect(content.digest == nil)
        #expect(try !sample.isStored("a"))
        try await sample.spoolIsEmpty()
    }

    @Test func readingIsCancelledWithItsTask() async throws {
        let sample = try Sample()
        defer { sample.remove() }
        let tree = sample.tree
        let task = Task {
            try await tree.reading { (cancellation: CancellationFlag) throws -> Void in
                // The flag comes from another thread.
                while true { try cancellation.check() }
            }
        }
        task.cancel()
        await #expect(throws: ArchiveError.self) { try await task.value }
    }

    @Test func noMoreFilesAreKeptThanMayBe() throws {
        let allowance = HeldAllowance(2)
        let file = try Files.open("/dev/null").shared()
        var kept = [allowance.keep(file), allowance.keep(file)]
        #expect(kept.allSatisfy { $0 != nil })
        #expect(allowance.keep(file) == nil)
        kept.removeLast()
        let again = allowance.keep(file)
        #expect(again != nil)
        #expect(allowance.keep(file) == nil)
        withExtendedLifetime((kept, again)) {}
    }
}
