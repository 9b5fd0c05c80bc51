import Archives
import Builder
import Diagnostics
import Engine
import HTTP
import JSONText
import Linux
import OCI
import Testing

/// Large files of a context that the client has open, and the daemon reads where they are.
@Suite(.timeLimit(.minutes(15)))
struct HeldContextTests {
    private static let size = 33 << 20

    /// A large file whose bytes begin with a text, and small ones.
    private static func write(_ lab: TransferLab, _ text: String) throws {
        try lab.write("small", "one")
        try lab.write("dir/big", text)
        let file = try Files.open("\(lab.source)/dir/big", [.readWrite])
        try file.truncate(to: Int64(size))
        try file.pwriteAll(Array("in the middle".utf8), at: Int64(size / 2 + 5))
        try file.pwriteAll(Array("end".utf8), at: Int64(size - 3))
    }

    private static func listing(_ lab: TransferLab) throws -> (ContextListing, SharedDescriptor) {
        let root = try Files.open(lab.source, [.readOnly, .directory]).shared()
        return (try ContextListing(decoding: try ContextListing(walking: root).encoded()), root)
    }

    /// What a client does that can hand over open files.
    private static func synchronise(_ lab: TransferLab, sending names: [String]) async throws -> FileTree {
        let (listing, root) = try listing(lab)
        let transfer = try await lab.lab.engine.builder.beginContext(key: "k", listing: listing, opens: true)
        #expect(transfer.needed.map { String(decoding: listing.files[$0].path, as: UTF8.self) } == names)
        #expect(transfer.openable.map { String(decoding: listing.files[$0].path, as: UTF8.self) } == ["dir/big"])
        #expect(await transfer.hold(try listing.open(transfer.openable, root: root)) == [])
        if !transfer.needed.isEmpty {
            try await transfer.receive(archive: try archive(listing, transfer.needed, root))
        }
        return try await transfer.tree()
    }

    private static func archive(
        _ listing: ContextListing, _ places: [Int], _ root: SharedDescriptor
    ) throws -> SharedDescriptor {
        let archive = try MemoryFile.make(name: "archive").shared()
        try listing.writeArchive(of: places, root: root) { try archive.writeAll($0) }
        try archive.seek(0)
        return archive
    }

    private static func step(_ lab: TransferLab, _ tree: FileTree, isAdd: Bool = false) throws -> TransferStep {
        var step = try lab.step(["."], "/copied/", isAdd: isAdd)
        step.origin = tree
        return step
    }

    private static func hash(_ path: String) throws -> String {
        let hash = SHA256()
        try DescriptorSource(try Files.open(path).shared()).forEachPiece { hash.update($0) }
        return hash.finishHex()
    }

    private static func hash(_ result: TransferLab.Result, _ path: String) throws -> String {
        let hash = SHA256()
        let file = try Files.openInRoot(result.tree.root.raw, path).shared()
        try DescriptorSource(file).forEachPiece { hash.update($0) }
        return hash.finishHex()
    }

    @Test func aLargeFileIsReadWhereItIsAndItsDigestIsKnownAfterwards() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let expected = try Self.hash("\(lab.source)/dir/big")
            let path = Array("dir/big".utf8)
            let digest: String
            let layer: Digest?
            do {
                let tree = try await Self.synchronise(lab, sending: ["small"])
                #expect(tree.known?.digest(of: path) == nil)
                // Nothing of it is kept a second time.
                #expect(try await lab.lab.engine.builder.usage().map(\.size) == [3])
                let result = try await lab.result(of: try Self.step(lab, tree))
                #expect(try Self.hash(result, "copied/dir/big") == expected)
                #expect(tree.known?.digest(of: path) == expected)
                digest = try await lab.digest(of: try Self.step(lab, tree))
                layer = result.layer.layer
            }
            // What was read is known to the next build, and to the next daemon.
            try await lab.lab.stop()
            try await lab.lab.start()
            do {
                let tree = try await Self.synchronise(lab, sending: [])
                #expect(tree.known?.digest(of: path) == expected)
                #expect(try await lab.digest(of: try Self.step(lab, tree)) == digest)
            }
            // A client that sends its files gives the same layer.
            let (listing, root) = try Self.listing(lab)
            let transfer = try await lab.lab.engine.builder.beginContext(key: "k", listing: listing)
            #expect(transfer.needed.map { listing.files[$0].path } == [path])
            try await transfer.receive(archive: try Self.archive(listing, transfer.needed, root))
            let tree = try await transfer.tree()
            #expect(try await lab.digest(of: try Self.step(lab, tree)) == digest)
            #expect(try await lab.result(of: try Self.step(lab, tree)).layer.layer == layer)
        }
    }

    @Test(arguments: ["other bytes", "longer", "shorter"])
    func aLargeFileThatIsChangedWhileItIsReadIsAnError(change: String) async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let tree = try await Self.synchronise(lab, sending: ["small"])
            let step = try Self.step(lab, tree)
            _ = try await lab.digest(of: step)
            let file = try Files.open("\(lab.source)/dir/big", [.readWrite])
            switch change {
            case "longer": try file.truncate(to: Int64(Self.size + 1))
            case "shorter": try file.truncate(to: Int64(Self.size - 1))
            default: try file.pwriteAll(Array("BEGIN".utf8), at: 0)
            }
            let builder = try await lab.lab.engine.builder
            let error = await #expect(throws: (any Error).self) { _ = try await builder.transfer(step) { _ in } }
            #expect("\(String(describing: error))".contains("changed while it was copied"))
        }
    }

    @Test func buildsOfOneListingDoNotTakeOverWhatEachOtherRead() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let (listing, root) = try Self.listing(lab)
            let builder = try await lab.lab.engine.builder
            var digests: [String] = []
            for change in ["first", "other"] {
                let transfer = try await builder.beginContext(key: "k", listing: listing, opens: true)
                #expect(await transfer.hold(try listing.open(transfer.openable, root: root)) == [])
                if !transfer.needed.isEmpty {
                    try await transfer.receive(archive: try Self.archive(listing, transfer.needed, root))
                }
                let tree = try await transfer.tree()
                // It is not the file that was listed any more.
                try Files.open("\(lab.source)/dir/big", [.readWrite]).pwriteAll(Array(change.utf8), at: 0)
                let expected = try Self.hash("\(lab.source)/dir/big")
                let result = try await lab.result(of: try Self.step(lab, tree))
                #expect(try Self.hash(result, "copied/dir/big") == expected)
                #expect(tree.known?.digest(of: Array("dir/big".utf8)) == expected)
                digests.append(try await lab.digest(of: try Self.step(lab, tree)))
            }
            #expect(Set(digests).count == 2)
        }
    }

    @Test func anotherFileInItsPlaceDoesNotMatter() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let expected = try Self.hash("\(lab.source)/dir/big")
            let tree = try await Self.synchronise(lab, sending: ["small"])
            // No path of the client's is opened: a link that comes into it leads nowhere.
            try Files.unlink("\(lab.source)/dir/big")
            try Files.symlink("/etc/passwd", at: "\(lab.source)/dir/big")
            let result = try await lab.result(of: try Self.step(lab, tree))
            #expect(try Self.hash(result, "copied/dir/big") == expected)
        }
    }

    @Test func whatItsSenderCannotReadIsNotReadForHim() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let (listing, root) = try Self.listing(lab)
            let path = "\(lab.source)/dir/big"
            let files = [
                try Files.open(path, [.path]).shared(), try Files.open(path, [.writeOnly]).shared(), root,
                try Files.open("\(lab.source)/small").shared(), try Files.open("/dev/zero").shared(),
            ]
            for (index, file) in files.enumerated() {
                let transfer = try await lab.lab.engine.builder.beginContext(
                    key: "k\(index)", listing: listing, opens: true)
                #expect(await transfer.hold([file]) == transfer.openable)
                #expect(transfer.needed.count == 2)
                await #expect(throws: BuildFailure.self) { try await transfer.tree() }
                try await transfer.receive(archive: try Self.archive(listing, transfer.needed, root))
                _ = try await transfer.tree()
            }
            // One that is never handed over is missing.
            let transfer = try await lab.lab.engine.builder.beginContext(key: "other", listing: listing, opens: true)
            try await transfer.receive(archive: try Self.archive(listing, transfer.needed, root))
            await #expect(throws: BuildFailure.self) { try await transfer.tree() }
        }
    }

    @Test func aFileOnAFileSystemThatOthersMayServeIsSent() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let root = lab.lab.root
            for name in ["upper", "work", "merged"] { try Files.makeDirectory("\(root)/\(name)") }
            _ = try await Spawn.run(
                SpawnRequest(
                    "/usr/bin/mount",
                    [
                        "-t", "overlay", "-o", "lowerdir=\(lab.source),upperdir=\(root)/upper,workdir=\(root)/work",
                        "overlay", "\(root)/merged",
                    ]))
            do {
                let (listing, root) = try Self.listing(lab)
                let file = try Files.open("\(lab.lab.root)/merged/dir/big").shared()
                let transfer = try await lab.lab.engine.builder.beginContext(key: "k", listing: listing, opens: true)
                #expect(await transfer.hold([file]) == transfer.openable)
                #expect(transfer.needed.count == 2)
                withExtendedLifetime(root) {}
            }
            // The thread that looked at the file may let go of it a little later.
            try await lab.lab.eventually("nobody has a file of it") {
                try await Spawn.run(SpawnRequest("/usr/bin/umount", ["\(root)/merged"])).status.isSuccess
            }
        }
    }

    @Test func filesOfAllClientsTogetherAreBounded() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let (listing, _) = try Self.listing(lab)
            let file = try Files.open("\(lab.source)/dir/big").shared()
            let builder = try await lab.lab.engine.builder
            do {
                var transfers: [any ContextTransfer] = []
                for number in 0..<513 {
                    let transfer = try await builder.beginContext(key: "\(number)", listing: listing, opens: true)
                    #expect(await transfer.hold([file]) == (number < 512 ? [] : transfer.openable))
                    transfers.append(transfer)
                }
                withExtendedLifetime(transfers) {}
            }
            // They are free again when nobody has the contexts any more.
            let transfer = try await builder.beginContext(key: "later", listing: listing, opens: true)
            #expect(await transfer.hold([file]) == [])
        }
    }

    @Test func aFileThatIsNoArchiveIsNotStoredToBeAdded() async throws {
        try await TransferLab.run { lab in
            try Self.write(lab, "begin")
            let expected = try Self.hash("\(lab.source)/dir/big")
            let tree = try await Self.synchronise(lab, sending: ["small"])
            var step = try lab.step(["dir/big"], "/copied/", isAdd: true)
            step.origin = tree
            let result = try await lab.result(of: step)
            #expect(try Self.hash(result, "copied/big") == expected)
            let kept = try Files.openInRoot(tree.root.raw, "dir/big").shared()
            #expect(try kept.pread(upTo: 5, at: 0) == [0, 0, 0, 0, 0])
        }
    }

    @Test func aContextGoesWithTheClientThatHandedItsFilesOver() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/folder"
        try Files.makeDirectory(folder)
        try Files.open("\(folder)/big", [.writeOnly, .create]).truncate(to: Int64(Self.size))
        let listing = try ContextListing(walking: try Files.open(folder, [.readOnly, .directory]).shared())
        let client = HTTPClient.unix(path: "\(lab.root)/run/stackctl.sock")
        for isHandedOver in [true, false] {
            let begun = try await client.send(
                "POST", "/builds/contexts?key=k\(isHandedOver)&open=1",
                headers: ["Content-Type": "application/vnd.stackctl.context-listing"], body: listing.encoded())
            let answer = try JSONValue.parse(try await begun.collect())
            let id = try #require(answer["id"]?.stringValue)
            let openable = try #require(answer["openable"])
            let (_, upgraded) = try await client.upgrade("POST", "/builds/contexts/\(id)/open")
            let stream = try #require(upgraded)
            if isHandedOver {
                let file = try Files.open("\(folder)/big").shared()
                #expect(try await stream.sendDescriptors([file.raw], with: [0]))
                withExtendedLifetime(file) {}
            }
            // Without files the daemon does not wait for ever.
            var bytes: [UInt8] = []
            while true {
                let piece = try await stream.read()
                if piece.isEmpty { break }
                bytes += piece
            }
            #expect(try JSONValue.parse(bytes)["needed"] == (isHandedOver ? .array([]) : openable))
            stream.close()
            try await lab.eventually("the context is gone") {
                let path = "/builds/contexts/\(id)/files"
                let response = try await client.send("POST", path, body: [])
                _ = try await response.collect()
                return response.status == 404
            }
        }
        try await lab.takeDown()
    }

    @Test func buildsOfOurClientUseLargeFilesInEveryWay() async throws {
        let lab = try await EngineLab()
        let folder = "\(lab.root)/folder"
        try Files.makeDirectories("\(folder)/tree")
        try Files.write("\(folder)/tree/file", Array("in the archive".utf8))
        try Files.open("\(folder)/tree/big", [.writeOnly, .create]).truncate(to: Int64(Self.size))
        _ = try await Spawn.run(
            SpawnRequest("/usr/bin/tar", ["-C", "\(folder)/tree", "-cf", "\(folder)/big.tar", "."]))
        try Files.removeTree("\(folder)/tree")
        let sum = try Self.hash("\(folder)/big.tar")
        try Files.write(
            "\(folder)/Dockerfile",
            Array(
                """
                FROM busybox
                COPY big.tar /big.tar
                RUN test "$(sha256sum /big.tar | cut -c 1-64)" = \(sum)
                ADD big.tar /unpacked/
                RUN grep archive /unpacked/file
                RUN --mount=type=bind,target=/context test "$(sha256sum /context/big.tar | cut -c 1-64)" = \(sum)

                """.utf8))
        let first = try await lab.stackctl("build", "-t", "big", folder)
        #expect(first.error.split(separator: "\n").count { $0.hasSuffix("CACHED") } == 1, "\(first.error)")
        let again = try await lab.stackctl("build", "-t", "big", folder)
        #expect(again.error.split(separator: "\n").count { $0.hasSuffix("CACHED") } == 6, "\(again.error)")
        // The same bytes that were written anew are read again, and found.
        try Files.setTimes("\(folder)/big.tar", modified: Timestamp(seconds: 1_700_000_000))
        let touched = try await lab.stackctl("build", "-t", "big", folder)
        #expect(touched.error.split(separator: "\n").count { $0.hasSuffix("CACHED") } == 6, "\(touched.error)")
        try await lab.takeDown()
    }
}
