import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Testing

/// Layers that are damaged or lie, as they come in by an archive and by a manifest with blobs.
///
/// Each is refused by the name of the layer and the entry, and the store has what it had.
@Suite("Hostile layers", .serialized)
struct HostileLayerTests {
    /// A store with one good image, of which every test has to find exactly that.
    private func withStore(_ body: (TemporaryStore) async throws -> Void) async throws {
        try await LayerFixture.withStore { temporary in
            let tar = TarBytes.file("good", Array("good".utf8)) + TarBytes.end
            let good = try MemoryImage(layer: tar, of: tar, mediaType: MediaType.ociLayerTar)
            let loaded = try await temporary.store.load(MemorySource(good.dockerArchive))
            let (files, room) = (try temporary.files(), try Self.bytes(below: temporary.root))
            try await body(temporary)
            #expect(try await temporary.store.list().map(\.id) == loaded.map(\.image.id))
            #expect(try temporary.files() == files)
            #expect(try Self.bytes(below: temporary.root) == room)
        }
    }

    /// Bytes of all files of a store but its database.
    private static func bytes(below root: String) throws -> Int64 {
        var sum: Int64 = 0
        for entry in try Files.list(root) where !entry.name.hasPrefix("state.db") {
            let path = root + "/" + entry.name
            switch entry.kind {
            case .directory: sum += try bytes(below: path)
            default: sum += try Files.statusIfPresent(path)?.size ?? 0
            }
        }
        return sum
    }

    /// Expects an image to be refused on each way in, with these words.
    private func expectRefusal(
        _ image: MemoryImage, _ temporary: TemporaryStore, _ words: [String], _ what: String,
        at place: Testing.SourceLocation = #_sourceLocation
    ) async throws {
        let store = temporary.store
        let ways: [(String, String, () async throws -> Void)] = [
            ("load", MemoryImage.layerName, { _ = try await store.load(MemorySource(image.dockerArchive)) }),
            (
                "load a layout", try image.layerDigest.hex,
                { _ = try await store.load(MemorySource(try image.layoutArchive)) }
            ),
            (
                "ingest", try image.layerDigest.description,
                { _ = try await store.ingest(manifest: image.manifest, blobs: image) }
            ),
        ]
        for (way, name, run) in ways {
            do {
                try await run()
                Issue.record("\(what): \(way) took it", sourceLocation: place)
            } catch let error as Diagnostic {
                let text = "\(error.summary): \(error.detail ?? "")"
                for word in [name] + words {
                    #expect(text.contains(word), "\(what), \(way): \(text)", sourceLocation: place)
                }
            }
        }
    }

    private static func packed(_ tar: [UInt8], by tool: String) async throws -> [UInt8] {
        let result = try await Spawn.run(
            SpawnRequest(tool, ["-c"]), input: tar, timeout: .seconds(150), outputLimit: 64 << 20)
        try #require(result.status.isSuccess, "\(tool): \(result.errorText)")
        return result.standardOutput
    }

    @Test(
        "one that is cut or changed anywhere is refused, compressed or not",
        arguments: ["/bin/gzip", "/usr/bin/zstd", ""])
    func damaged(tool: String) async throws {
        let noise = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 7 >> 3) }
        let tar = TarBytes.file("first", noise) + TarBytes.file("second", Array("2".utf8)) + TarBytes.end
        let whole = tool.isEmpty ? tar : try await Self.packed(tar, by: tool)
        // Inside the magic number, the header, the data, at the end of a piece, in the checksum, before the last byte.
        let cuts = [5, 9, 12, 100, 511, 512, 700, whole.count / 2, whole.count - 9, whole.count - 4, whole.count - 1]
        let flips = [2, 3, 6, 12, 130, 600, whole.count / 2, whole.count - 8, whole.count - 1]
        try await withStore { temporary in
            for cut in cuts where tool.isEmpty ? cut >= 512 && cut < whole.count - 1024 : cut < whole.count {
                let image = try MemoryImage(layer: Array(whole.prefix(cut)), of: tar)
                try await expectRefusal(image, temporary, [], "cut at \(cut)")
            }
            // A byte of gzip's header that says nothing of the data, such as its time, may be anything.
            for flip in flips where flip < whole.count - (tool.isEmpty ? 1024 : 0) {
                if flip == 6, tool.hasSuffix("gzip") { continue }
                var changed = whole
                changed[flip] ^= 0x55
                let image = try MemoryImage(layer: changed, of: tar)
                try await expectRefusal(image, temporary, [], "changed at \(flip)")
            }
            if !tool.isEmpty {
                let image = try MemoryImage(layer: whole + Array("more".utf8), of: tar)
                try await expectRefusal(image, temporary, ["stream is damaged"], "followed by something else")
            }
        }
    }

    @Test("an entry that leads out of the layer, or that no file system could hold, is named with its reason")
    func entries() async throws {
        let good = TarBytes.file("fine", Array("1".utf8))
        let long = String(repeating: "n", count: 256)
        let path = Array(repeating: String(repeating: "p", count: 100), count: 41).joined(separator: "/")
        let link = { (name: String, to: String) in TarBytes.header(name, type: "2", link: to) }
        let cases: [([UInt8], [String])] = [
            (TarBytes.file("../up", []), ["`../up`", "goes up with `..`"]),
            (TarBytes.file("a/../../up", []), ["`a/../../up`", "goes up"]),
            (TarBytes.file("/etc/passwd", []), ["`/etc/passwd`", "absolute"]),
            (link("soft", "../../etc/passwd"), ["`soft`", "points out of the root, to `../../etc/passwd`"]),
            (TarBytes.header("hard", type: "1", link: "../etc/passwd"), ["`hard`", "goes up"]),
            (TarBytes.header("hard", type: "1", link: "/etc/passwd"), ["`hard`", "absolute"]),
            (TarBytes.header("hard", type: "1", link: "none"), ["`hard`", "`none`, which is not in the archive"]),
            (link("d", "/etc") + TarBytes.file("d/passwd", []), ["`d/passwd`", "is no directory in this archive"]),
            (
                TarBytes.file("d/x", []) + link("d", "/etc") + TarBytes.file("d/x", []),
                ["`d/x`", "is no directory in this archive"]
            ),
            (TarBytes.header("vol", type: "V"), ["`vol`", "its type `V` is not supported"]),
            (TarBytes.pax("path", long) + TarBytes.file("x", []), ["`nnn", "256 bytes; at most 255"]),
            (TarBytes.pax("path", path) + TarBytes.file("x", []), ["`ppp", "at most 4095"]),
            (TarBytes.pax("uid", "4294967295") + TarBytes.file("x", []), ["`x`", "user id"]),
            (TarBytes.pax("gid", "-5") + TarBytes.file("x", []), ["gid"]),
            (TarBytes.pax("size", "9223372036854775807") + TarBytes.file("x", []), ["`x`", "size"]),
            (TarBytes.pax("GNU.sparse.map", "5,1,2,1") + TarBytes.file("x", []), ["`x`", "sparse map"]),
            (
                TarBytes.pax("GNU.sparse.realsize", "4000000000000") + TarBytes.file("x", []),
                ["`x`", "more than 137438953472 bytes together"]
            ),
            (TarBytes.header("null", type: "3", fields: [329: "7777777"]), ["`null`", "device number"]),
            (TarBytes.header("x", fields: [124: "zzz"]), ["`x`", "size"]),
            (TarBytes.file(".wh...", []), ["`.wh...`", "whiteout names nothing"]),
        ]
        try await withStore { temporary in
            for (entry, words) in cases {
                let tar = good + entry + TarBytes.end
                try await expectRefusal(try MemoryImage(layer: tar, of: tar), temporary, words, "\(words)")
            }
        }
    }

    @Test("what is only unusual is taken: devices, old times, high owners, names twice, sparse files")
    func unusual() async throws {
        let tar =
            TarBytes.header("null", type: "3") + TarBytes.pax("mtime", "-86400.5") + TarBytes.file("old", [])
            + TarBytes.pax("uid", "4294967294") + TarBytes.file("high", [])
            + TarBytes.file("twice", Array("1".utf8)) + TarBytes.file("twice", Array("22".utf8))
            + TarBytes.file("gone/file", Array("1".utf8)) + TarBytes.file("gone", Array("a file".utf8))
            + TarBytes.pax("GNU.sparse.size", "1000000") + TarBytes.file("holes", []) + TarBytes.end
        try await LayerFixture.withStore { temporary in
            let image = try MemoryImage(layer: tar, of: tar, mediaType: MediaType.ociLayerTar)
            let stored = try await temporary.store.ingest(manifest: image.manifest, blobs: image)
            let root = try #require(try await temporary.store.mountLayers(of: stored).first)
            #expect(try Files.readText(root + "/twice") == "22")
            #expect(try Files.readText(root + "/gone") == "a file")
            let told = try await LayerFixture.tool(
                "/bin/sh", "-c", "cd \(root); stat -c '%n %u %s %.1Y %t:%T' null old high holes")
            #expect(
                told == "null 0 0 0.0 1:3\nold 0 0 -86400.5 0:0\nhigh 4294967294 0 0.0 0:0\nholes 0 1000000 0.0 0:0\n")
            // The tar is given back as it came, what was replaced included.
            try await temporary.store.withExports(of: [stored]) { exports in
                let export = try #require(exports.first)
                #expect(export.isExact)
                for layer in export.layers { try temporary.store.readLayer(layer) { _ in } }
            }
            #expect(try await temporary.store.verify().isEmpty)
        }
    }

    @Test(
        "a layer that is somewhere else is refused by its media type and address",
        arguments: [
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        ])
    func foreign(mediaType: String) async throws {
        let tar = TarBytes.file("x", []) + TarBytes.end
        let image = try MemoryImage(
            layer: tar, of: tar, mediaType: mediaType, urls: ["https://elsewhere.example/layer"])
        try await withStore { temporary in
            let store = temporary.store
            let layout = try image.layoutArchive
            for run in [
                { _ = try await store.load(MemorySource(layout)) },
                { _ = try await store.ingest(manifest: image.manifest, blobs: image) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: Diagnostic.self) { try await run() }
                let text = "\(error?.summary ?? ""): \(error?.detail ?? "")"
                for word in [mediaType, try image.layerDigest.description, "https://elsewhere.example/layer"] {
                    #expect(text.contains(word), "\(text)")
                }
            }
        }
    }

    @Test("a layer that would fill the disk is stopped while there is room for others, and leaves nothing")
    func fullDisk() async throws {
        let root = try Files.temporaryDirectory(prefix: "stackctl-small-")
        try await LayerFixture.tool("/bin/mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", root)
        do {
            let part = [UInt8](repeating: 0x41, count: 16 << 20)
            let header = TarBytes.header("large", size: 5 * part.count)
            // As gzip, a few kilobytes in several members.
            let bomb =
                try await Self.packed(header, by: "/bin/gzip")
                + Array(repeatElement(try await Self.packed(part, by: "/bin/gzip"), count: 5).joined())
            let plain = header + Array(repeatElement(part, count: 5).joined()) + TarBytes.end
            let temporary = try TemporaryStore(root: root)
            let before = try Files.diskSpace(root).available
            for layer in [bomb, plain] {
                let image = try MemoryImage(layer: layer, of: [])
                let error = await #expect(throws: Diagnostic.self) {
                    try await temporary.store.load(MemorySource(image.dockerArchive))
                }
                #expect(error?.summary.contains("the disk is full") == true, "\(String(describing: error))")
                #expect(error?.detail?.contains("ENOSPC") == true, "\(String(describing: error))")
                #expect(try temporary.files() == [])
            }
            // The database may have grown by a page or two.
            #expect(try Files.diskSpace(root).available > before - (1 << 20))
        } catch {
            Issue.record(error)
        }
        // The database is open yet.
        try await LayerFixture.tool("/bin/umount", "-l", root)
        try Files.removeTree(root)
    }
}
