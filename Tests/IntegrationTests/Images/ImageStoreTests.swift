import Diagnostics
import ImageStore
import Linux
import OCI
import StateStore
import Synchronization
import Testing

/// Two trees of one file each.
private let twoTrees = "mkdir one two; echo 1 > one/a; echo 2 > two/b"

/// How many want a layer now.
private final class Wishes: Sendable {
    private let count = Mutex(0)

    var areThere: Bool { count.withLock { $0 > 0 } }

    func change(by difference: Int) { count.withLock { $0 += difference } }
}

@Suite("The image store", .serialized)
struct ImageStoreTests {
    @Test("an image is found by its name, its id and the start of its id")
    func resolve() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                let reference = try ImageReference("demo/one:1")
                let image = try await store.importDirectory(path: directory + "/one", reference: reference)
                #expect(image.references.map(\.familiar) == ["demo/one:1"])
                for text in [
                    "demo/one:1", "docker.io/demo/one:1", image.id.description, image.id.hex, image.id.shortHex,
                ] {
                    #expect(try await store.resolve(text)?.id == image.id)
                }
                #expect(try await store.resolve("demo/one") == nil)
                #expect(try await store.resolve("demo/other:1") == nil)
                try await store.tag(image.id, as: try ImageReference("demo/one"))
                #expect(try await store.resolve("demo/one:latest")?.references.count == 2)
                #expect(try await store.list().map(\.id) == [image.id])
            }
        }
    }

    @Test("equal files and configuration give the equal id; a changed configuration shares the layer")
    func identity() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                var changes = ConfigurationChanges()
                changes.command = ["/a"]
                changes.env = ["B": "2", "A": "1"]
                changes.exposed = ["80"]
                let store = temporary.store
                let first = try await store.importDirectory(path: directory + "/one", reference: nil, changes: changes)
                let second = try await store.importDirectory(path: directory + "/one", reference: nil, changes: changes)
                #expect(first.id == second.id)
                #expect(first.config.execution.env == ["A=1", "B=2"])
                #expect(first.config.execution.exposedPorts == ["80/tcp"])
                changes.command = ["/b"]
                let other = try await store.derive(from: first, reference: nil, changes: changes)
                #expect(other.id != first.id)
                #expect(other.layers == first.layers)
                #expect(try await store.diskUsage().uniqueBytes[other.id] == 0)
                let same = try await store.derive(from: first, reference: try ImageReference("x"), changes: .init())
                #expect(same.id == first.id)
            }
        }
    }

    @Test(
        "a layer is mounted once, stays for those who ask again, and goes when unused", arguments: LayerBacking.allCases
    )
    func mounts(backing: LayerBacking) async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let store = temporary.store
                let one = try await store.importDirectory(path: directory + "/one", reference: nil)
                let two = try await store.importDirectory(path: directory + "/two", reference: nil)
                async let again = store.mountLayers(of: one)
                let paths = try await store.mountLayers(of: one)
                #expect(try await again == paths)
                _ = try await store.mountLayers(of: two)
                let expected = backing == .directory ? 0 : 2
                #expect(try mountCount(temporary.root) == expected)
                let loops = try Mounts.table().count {
                    $0.target.hasPrefix(temporary.root) && $0.source.hasPrefix("/dev/loop")
                }
                #expect(loops == (backing == .loop ? 2 : 0))
                try await store.unmountUnused(keeping: [one])
                #expect(try mountCount(temporary.root) == expected / 2)
                #expect(try Files.readText(#require(paths.first) + "/a") == "1\n")
            }
        }
    }

    @Test("after kill -9 the mounts are found again, and half-made things are gone")
    func recovery() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/one", reference: nil)
                let paths = try await temporary.store.mountLayers(of: image)
                let whole = try temporary.files()
                let layers = temporary.root + "/layers/"
                try Files.makeDirectories(layers + ".incoming/0123")
                try Files.write(layers + ".incoming/0123/layer.erofs", [1, 2, 3])
                let orphan = String(repeating: "ab", count: 32)
                try Files.makeDirectories(layers + orphan + "/mnt")
                try Files.write(temporary.root + "/blobs/sha256/" + orphan, [1])

                let next = try temporary.reopened()
                #expect(try next.files() == whole)
                #expect(try await next.store.resolve(image.id.description) == image)
                #expect(try await next.store.mountLayers(of: image) == paths)
                #expect(try mountCount(temporary.root) == 1)
            }
        }
    }

    @Test("files that are in nobody's way, or cannot be removed, are named and passed over")
    func foreignFiles() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/one", reference: nil)
                let orphan = String(repeating: "ab", count: 32)
                let (layers, blobs) = (temporary.root + "/layers/", temporary.root + "/blobs/sha256/")
                try Files.write(layers + orphan, [1])
                try Files.makeDirectories(blobs + orphan + "/inside")
                try Files.write(layers + "notes.txt", [1])
                try Files.makeDirectories(layers + ".incoming/busy")
                try Mounts.mount(source: "tmpfs", target: layers + ".incoming/busy", type: "tmpfs")
                defer { try? Mounts.unmount(layers + ".incoming/busy", .detach) }
                let next = try temporary.reopened()
                #expect(try await next.store.list() == [image])
                #expect(next.store.recoveryNotes.contains { $0.hasPrefix(blobs + orphan + " cannot be removed") })
                #expect(next.store.recoveryNotes.contains { $0.hasPrefix(layers + ".incoming cannot be removed") })
                #expect(Files.exists(layers + "notes.txt") && !Files.exists(layers + orphan))
                // The store works on.
                let two = try await next.store.importDirectory(path: directory + "/two", reference: nil)
                #expect(try await next.store.list().count == 2)
                _ = try await next.store.mountLayers(of: two)
            }
        }
    }

    @Test("a damaged image hides no other and can be removed; a missing layer is named with its image")
    func damagedImage() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let one = try await temporary.store.importDirectory(
                    path: directory + "/one", reference: try ImageReference("one"))
                let two = try await temporary.store.importDirectory(
                    path: directory + "/two", reference: try ImageReference("demo/two:1"))
                try Files.write(temporary.root + "/blobs/sha256/" + one.id.hex, Array("{}".utf8))
                let layer = try #require(two.layers.first)
                try Files.removeTree(temporary.root + "/layers/" + layer.hex)
                let next = try temporary.reopened()
                #expect(try await next.store.list() == [two])
                let unreadable = await #expect(throws: Diagnostic.self) { try await next.store.resolve("one") }
                #expect(unreadable?.code == StoreCode.damaged)
                let missing = await #expect(throws: Diagnostic.self) { try await next.store.mountLayers(of: two) }
                #expect(missing?.summary == "layer \(layer) of image demo/two:1 is not in the store")
                #expect(try await next.store.remove("one", inUse: []).deletedImages == [one.id])
                #expect(try await next.store.remove("demo/two:1", inUse: []).deletedImages == [two.id])
                #expect(try temporary.files().isEmpty)
            }
        }
    }

    @Test("layers that are asked for while unused ones go stay mounted", arguments: LayerBacking.allCases)
    func sweepRace(backing: LayerBacking) async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let store = temporary.store
                let image = try await store.importDirectory(path: directory + "/one", reference: nil)
                let wanted = Wishes()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<200 { try await store.unmountLayers { _ in wanted.areThere } }
                    }
                    for _ in 0..<2 {
                        group.addTask {
                            for _ in 0..<200 {
                                wanted.change(by: 1)
                                let path = try #require(try await store.mountLayers(of: image).first)
                                #expect(Files.exists(path + "/a"))
                                wanted.change(by: -1)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("removing the last name removes the image and the layers only it had")
    func removal() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                var changes = ConfigurationChanges()
                changes.user = "1000"
                let one = try await store.importDirectory(
                    path: directory + "/one", reference: try ImageReference("one"))
                let derived = try await store.derive(
                    from: one, reference: try ImageReference("derived"), changes: changes)
                try await store.tag(one.id, as: try ImageReference("uno"))
                _ = try await store.mountLayers(of: one)

                let untagged = try await store.remove("uno", inUse: [])
                #expect(untagged.untagged.map(\.familiar) == ["uno:latest"] && untagged.deletedImages.isEmpty)
                let inUse = await #expect(throws: Diagnostic.self) { try await store.remove("one", inUse: [one.id]) }
                #expect(inUse?.code == StoreCode.imageInUse)
                let first = try await store.remove("one", inUse: [])
                #expect(first.deletedImages == [one.id] && first.deletedLayers.isEmpty)
                let last = try await store.remove(derived.id.shortHex, inUse: [])
                #expect(last.deletedLayers == one.layers)
                #expect(try temporary.files().isEmpty)
                #expect(try mountCount(temporary.root) == 0)
                let missing = await #expect(throws: Diagnostic.self) { try await store.remove("one", inUse: []) }
                #expect(missing?.code == StoreCode.noSuchImage)
            }
        }
    }

    @Test("garbage is what nothing names or uses")
    func garbage() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                let one = try await store.importDirectory(path: directory + "/one", reference: nil)
                let two = try await store.importDirectory(path: directory + "/two", reference: nil)
                #expect(try await store.collectGarbage(inUse: [], removeUntagged: false).images.isEmpty)
                let report = try await store.collectGarbage(inUse: [one.id], removeUntagged: true)
                #expect(report.images == [two.id] && report.layers == two.layers && report.freedBytes > 0)
                #expect(try await store.list().map(\.id) == [one.id])
            }
        }
    }

    @Test(
        "verify finds a changed layer, a missing one and a changed config, and names them",
        arguments: LayerBacking.allCases)
    func verify(backing: LayerBacking) async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let store = temporary.store
                let one = try await store.importDirectory(path: directory + "/one", reference: nil)
                let two = try await store.importDirectory(path: directory + "/two", reference: nil)
                #expect(try await store.verify().isEmpty)
                let (first, second) = (try #require(one.layers.first), try #require(two.layers.first))
                let layers = temporary.root + "/layers/"
                let target = backing == .directory ? "/tree/a" : "/layer.erofs"
                let file = try Files.open(layers + first.hex + target, .readWrite)
                try file.pwriteAll([0xff], at: 0)
                try Files.removeTree(layers + second.hex)
                try Files.write(temporary.root + "/blobs/sha256/" + one.id.hex, Array("{}".utf8))
                let found = try await store.verify()
                #expect(found.allSatisfy { $0.code == StoreCode.damaged })
                #expect(found.contains { $0.summary.contains(one.id.hex) })
                #expect(
                    found.contains {
                        $0.summary == "layer \(first) is damaged" && $0.notes == ["used by image \(one.id)"]
                    })
                #expect(found.contains { $0.summary == "layer \(second) is missing" })
                #expect(found.count == 3)
            }
        }
    }

    @Test("a full disk is said so, and the store is as before")
    func diskFull() async throws {
        let root = try Files.temporaryDirectory(prefix: "stackctl-full-")
        defer { try? Files.removeDirectory(root) }
        try Mounts.mount(source: "tmpfs", target: root, type: "tmpfs", data: "size=6m")
        defer { try? Mounts.unmount(root, .detach) }
        try await LayerFixture.withDirectory(
            twoTrees + "; mkdir big; dd if=/dev/urandom of=big/x bs=1M count=8; tar cf big.tar -C big . 2>/dev/null"
        ) { directory in
            let temporary = try TemporaryStore(root: root)
            let one = try await temporary.store.importDirectory(path: directory + "/one", reference: nil)
            let before = try temporary.files()
            for path in ["/big", "/big.tar"] {
                let failure = await #expect(throws: Diagnostic.self) {
                    if path == "/big" {
                        try await temporary.store.importDirectory(path: directory + path, reference: nil)
                    } else {
                        try await temporary.store.importTar(path: directory + path, reference: nil)
                    }
                }
                #expect(failure?.code == StoreCode.diskFull)
                #expect(try temporary.files() == before)
            }
            #expect(try await temporary.store.verify().isEmpty)
            #expect(try await temporary.store.list() == [one])
        }
    }

    @Test("what is not there, or not of the kind, is said so")
    func badSources() async throws {
        try await LayerFixture.withDirectory(twoTrees) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                for path in ["/missing", "/one"] {
                    let failure = await #expect(throws: Diagnostic.self) {
                        try await store.importTar(path: directory + path, reference: nil)
                    }
                    #expect(failure?.code == StoreCode.badSource)
                }
                let failure = await #expect(throws: Diagnostic.self) {
                    try await store.importDirectory(path: directory + "/one/a", reference: nil)
                }
                #expect(failure?.code == StoreCode.badSource)
            }
        }
    }

    private func mountCount(_ root: String) throws -> Int {
        try Mounts.table().count { $0.target.hasPrefix(root + "/layers/") }
    }
}

@Suite("Refused archives", .serialized)
struct RefusedArchiveTests {
    @Test(
        "a refused archive is named with its entry, and the store is as before",
        arguments: [
            ("tar cf a.tar -P ../$(basename $PWD)/one", "entry `../"),
            ("tar cf a.tar -P $PWD/one", "absolute"),
            (
                "tar cf b.tar one; head -c 1100 b.tar > a.tar",
                "entry `one/a` at byte 512: the archive ends in the middle"
            ),
            ("tar czf b.tar one; head -c 60 b.tar > a.tar", "the gzip stream is damaged"),
            (
                "tar czf a.tar one; printf corrupted | dd of=a.tar bs=1 seek=60 conv=notrunc",
                "the gzip stream is damaged"
            ),
            ("echo this is no archive at all > a.tar; truncate -s 2048 a.tar", "checksum is wrong"),
            (": > a.tar", "ends in the middle"),
            ("printf '\\050\\265\\057\\375zzzzzzzz' > a.tar", "the zstd stream is damaged"),
        ], LayerBacking.allCases)
    func refused(archive: (script: String, reason: String), backing: LayerBacking) async throws {
        try await LayerFixture.withDirectory(twoTrees + "\n" + archive.script) { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                _ = try await temporary.store.importDirectory(path: directory + "/two", reference: nil)
                let before = try temporary.files()
                let failure = await #expect(throws: Diagnostic.self) {
                    try await temporary.store.importTar(path: directory + "/a.tar", reference: nil)
                }
                #expect(failure?.code == StoreCode.badArchive)
                #expect(failure?.detail?.contains(archive.reason) == true, "\(failure?.detail ?? "")")
                #expect(try temporary.files() == before)
            }
        }
    }
}
