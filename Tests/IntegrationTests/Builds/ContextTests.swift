import Archives
import Builder
import Diagnostics
import Dockerfile
import Engine
import Linux
import Testing

@Suite(.timeLimit(.minutes(15)))
struct ContextTests {
    /// What a client does: lists a directory, sends what is wanted, and has the tree.
    private static func synchronise(
        _ lab: TransferLab, key: String = "host /source", wanting: [String]? = nil
    ) async throws -> FileTree {
        let builder = try await lab.lab.engine.builder
        let root = try Files.open(lab.source, [.readOnly, .directory]).shared()
        let listing = try ContextListing(
            decoding: try ContextListing(walking: root, ignoring: nil).encoded())
        let transfer = try await builder.beginContext(key: key, listing: listing)
        if let wanting {
            #expect(transfer.needed.map { String(decoding: listing.files[$0].path, as: UTF8.self) } == wanting)
        }
        if !transfer.needed.isEmpty {
            let archive = try MemoryFile.make(name: "archive").shared()
            try listing.writeArchive(of: transfer.needed, root: root) { try archive.writeAll($0) }
            try archive.seek(0)
            try await transfer.receive(archive: archive)
        }
        return try await transfer.tree()
    }

    private static func text(_ tree: FileTree, _ path: String) throws -> String {
        let file = try Files.openInRoot(tree.root.raw, path).shared()
        return String(decoding: try file.readAll(), as: UTF8.self)
    }

    private static func names(_ tree: FileTree, _ path: String = ".") throws -> [String] {
        let directory = try Files.openInRoot(tree.root.raw, path, [.readOnly, .directory]).shared()
        return try Files.list(descriptor: directory.raw).map(\.name)
    }

    @Test func onlyWhatChangedIsSentAndATreeStaysAsItIs() async throws {
        try await TransferLab.run { lab in
            try lab.write("a", "one", mode: 0o640)
            try lab.write("dir/b", "two", mode: 0o755)
            try lab.write("dir/empty", "")
            try Files.symlink("dir/b", at: lab.source + "/link")
            do {
                let first = try await Self.synchronise(lab, wanting: ["a", "dir/b"])
                #expect(try Self.text(first, "a") == "one")
                #expect(try Self.names(first) == ["a", "dir", "link"])
                #expect(first.known?.digest(of: Array("a".utf8)) == SHA256.hex(of: Array("one".utf8)))
                #expect(first.known?.digest(of: Array("dir/empty".utf8)) == SHA256.hex(of: []))
                #expect(first.known?.digest(of: Array("none".utf8)) == nil)
                // While the first tree is used, a second build changes what is there.
                try lab.write("a", "another", mode: 0o600)
                try Files.unlink(lab.source + "/link")
                try lab.write("link/now", "a directory")
                try Files.unlink(lab.source + "/dir/empty")
                let second = try await Self.synchronise(lab, wanting: ["a", "link/now"])
                #expect(try Self.text(second, "a") == "another")
                #expect(try Self.text(second, "dir/b") == "two")
                #expect(try Self.text(first, "a") == "one")
                #expect(try Self.names(first) == ["a", "dir", "link"])
                #expect(try Self.names(first, "dir") == ["b", "empty"])
                #expect(try Self.names(second, "dir") == ["b"])
                #expect(try await lab.lab.engine.builder.usage().map(\.isInUse) == [true])
            }
            // Nobody uses it: it is changed in its place.
            try lab.write("dir/b", "three", mode: 0o755)
            let third = try await Self.synchronise(lab, wanting: ["dir/b"])
            #expect(try Self.text(third, "dir/b") == "three")
            #expect(try Self.names(third, "link") == ["now"])
            let again = try await Self.synchronise(lab, wanting: [])
            #expect(again.known?.digest(of: Array("dir/b".utf8)) == SHA256.hex(of: Array("three".utf8)))
            // Another directory's files are others.
            _ = try await Self.synchronise(lab, key: "host /other", wanting: ["a", "dir/b", "link/now"])
        }
    }

    @Test func aContextOutlivesTheDaemonUnlessItIsDamaged() async throws {
        try await TransferLab.run { lab in
            try lab.write("a", "one")
            try lab.write("b", "two")
            do { _ = try await Self.synchronise(lab, wanting: ["a", "b"]) }
            try await lab.lab.stop()
            try await lab.lab.start()
            do { _ = try await Self.synchronise(lab, wanting: []) }
            try await lab.lab.stop()
            let contexts = lab.lab.root + "/builds/contexts"
            let key = try #require(try Files.list(contexts).first { !$0.name.contains("-") }?.name)
            let files = try #require(try Files.list("\(contexts)/\(key)").first { $0.name != "index" }?.name)
            try Files.write("\(contexts)/\(key)/\(files)/b", [])
            try await lab.lab.start()
            do { _ = try await Self.synchronise(lab, wanting: ["a", "b"]) }
            // What nobody uses can go.
            let builder = try await lab.lab.engine.builder
            // The thread that made the tree may let go of it a little later.
            try await lab.lab.eventually("nobody uses it") { try await builder.usage().allSatisfy { !$0.isInUse } }
            let stored = try #require(try await builder.usage().first)
            #expect(stored.size == 6 && stored.kind == .context)
            var everything = CachePruning()
            everything.all = true
            #expect(try await builder.prune(everything).freedBytes == 6)
            #expect(try await builder.usage() == [])
            do { _ = try await Self.synchronise(lab, wanting: ["a", "b"]) }
        }
    }

    @Test func anArchiveThatIsNotWhatIsWantedIsRefused() async throws {
        try await TransferLab.run { lab in
            try lab.write("a", "one")
            let builder = try await lab.lab.engine.builder
            let root = try Files.open(lab.source, [.readOnly, .directory]).shared()
            let listing = try ContextListing(walking: root)
            let transfer = try await builder.beginContext(key: "k", listing: listing)
            await #expect(throws: BuildFailure.self) { try await transfer.tree() }
            var other = TarEntry(path: Array("b".utf8), kind: .regular)
            other.size = 3
            let head = try TarWriter.header(of: other)
            let archive = try MemoryFile.make(name: "archive").shared()
            try archive.writeAll(head + Array("two".utf8) + TarWriter.padding(after: 3) + TarWriter.endMarker)
            try archive.seek(0)
            await #expect(throws: BuildFailure.self) { try await transfer.receive(archive: archive) }
            await #expect(throws: BuildFailure.self) { try await transfer.tree() }
        }
    }

    @Test func aTarIsUnpackedAndNothingOutsideIsTouched() async throws {
        try await TransferLab.run { lab in
            try lab.write("a", "one", mode: 0o4750)
            try lab.write("dir/b", "two")
            try Files.link("\(lab.source)/a", at: "\(lab.source)/dir/same")
            try Files.symlink("/etc", at: lab.source + "/out")
            let builder = try await lab.lab.engine.builder
            for compression in ["", "-z", "--zstd"] {
                let path = lab.lab.root + "/context.tar"
                let words = ["-C", lab.source, "-cf", path] + (compression.isEmpty ? [] : [compression]) + ["."]
                _ = try await Spawn.run(SpawnRequest("/usr/bin/tar", words))
                let tree = try await builder.context(unpacking: try Files.open(path).shared())
                #expect(try Self.names(tree) == ["a", "dir", "out"])
                #expect(try Self.text(tree, "dir/same") == "one")
                #expect(tree.known?.digest(of: Array("dir/same".utf8)) == SHA256.hex(of: Array("one".utf8)))
                let status = try Files.status("a", at: tree.root.raw)
                #expect(status.mode == 0o4750)
                #expect(status.linkCount == 2)
            }
            // A link, and then a file behind it.
            var link = TarEntry(path: Array("escape".utf8), kind: .symbolicLink)
            link.linkTarget = Array(lab.source.utf8)
            var file = TarEntry(path: Array("escape/planted".utf8), kind: .regular)
            file.size = 1
            let archive = try MemoryFile.make(name: "archive").shared()
            try archive.writeAll(
                try TarWriter.header(of: link) + TarWriter.header(of: file) + [65] + TarWriter.padding(after: 1)
                    + TarWriter.endMarker)
            try archive.seek(0)
            await #expect(throws: BuildFailure.self) { try await builder.context(unpacking: archive) }
            #expect(!Files.exists(lab.source + "/planted"))
            // A Dockerfile alone.
            let text = try MemoryFile.make(name: "text").shared()
            try text.writeAll(Array("FROM scratch\n".utf8))
            try text.seek(0)
            let alone = try await builder.context(unpacking: text)
            #expect(try Self.text(alone, "Dockerfile") == "FROM scratch\n")
        }
    }
}
