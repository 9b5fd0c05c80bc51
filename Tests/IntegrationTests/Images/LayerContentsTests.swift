import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Testing

/// A tree with everything a layer can have.
private let richTree = """
    mkdir -p files/a/b/c files/empty files/many
    echo one > files/a/one; echo two > files/a/b/two; : > files/a/b/nothing
    ln files/a/one files/a/b/c/same; ln -s ../one files/a/b/up; ln -s /etc/passwd files/a/absolute
    ln -s $(printf 'x%.0s' $(seq 1 300)) files/longlink
    mknod files/null c 1 3; mknod files/disk b 8 300; mkfifo files/pipe; mknod files/big c 511 1000000
    chmod 4755 files/a/one; chmod 1777 files/empty; chmod 600 files/a/b/two
    chown 70000:80000 files/a/b/two; chown 4000000000:3000000000 files/a/b/nothing
    touch -h -d '2020-01-02 03:04:05.123456789' files/a/one files/a/b/up; touch -d '1965-05-05' files/a/b/nothing
    for i in $(seq 1 150); do : > files/many/file-with-a-rather-long-name-$i; done
    : > files/many/+plus; : > files/many/-minus; : > files/many/.hidden; : > 'files/many/ space'
    deep="files/$(printf 'd%.0s' $(seq 1 200))/$(printf 'e%.0s' $(seq 1 200))"; mkdir -p $deep; echo deep > $deep/deep
    dd if=/dev/urandom of=files/blocks bs=4096 count=3 2>/dev/null; dd if=/dev/urandom of=files/odd bs=4097 count=5 2>/dev/null
    truncate -s 3M files/sparse; printf middle | dd of=files/sparse bs=1 seek=1500000 conv=notrunc 2>/dev/null
    """

/// Attributes by file of the tree above.
///
/// Set here, since not every machine has setfattr.
private let richAttributes: [(path: String, name: String, value: [UInt8])] = [
    ("a/one", "user.note", Array("hello".utf8)),
    ("a", "trusted.mine", [0, 255]),
    ("a/absolute", "trusted.link", [1]),
    ("null", "trusted.device", [2, 3]),
    ("a/b/two", "security.capability", [1, 0, 0, 2, 0, 32] + [UInt8](repeating: 0, count: 14)),
    ("empty", "system.posix_acl_access", accessList),
    ("many", "user.long", [UInt8](repeating: 7, count: 900)),
]

/// `u::rwx,u:5:r--,g::rwx,m::rwx,o::rwx` as the kernel has it: version 2, then tag, permissions, id.
private let accessList: [UInt8] = [
    2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 5, 0, 0, 0, 4, 0, 7, 0, 255, 255, 255, 255, 16, 0, 7, 0,
    255, 255, 255, 255, 32, 0, 7, 0, 255, 255, 255, 255,
]

/// Makes the rich tree in a fresh directory, as `files`.
private func withRichTree(_ body: (String) async throws -> Void) async throws {
    try await LayerFixture.withDirectory(richTree) { directory in
        for attribute in richAttributes {
            try ExtendedAttributes.set(directory + "/files/" + attribute.path, attribute.name, attribute.value)
        }
        try await body(directory)
    }
}

@Suite("A layer's files", .serialized)
struct LayerContentsTests {
    @Test(
        "files of every tar dialect are those that tar itself unpacks",
        arguments: [
            "--format=gnu", "--format=gnu --sparse", "--format=posix --xattrs --xattrs-include=* --sparse",
            "--format=posix --sparse --sparse-version=0.0", "--format=posix --sparse --sparse-version=0.1",
            "-z --format=posix",
        ],
        LayerBacking.allCases)
    func tarDialects(options: String, backing: LayerBacking) async throws {
        try await withRichTree { directory in
            try await LayerFixture.tool(
                "/bin/sh", "-ec",
                """
                cd \(directory); set -f; tar -cf all.tar \(options) -C files .; mkdir plain
                tar -xpf all.tar --numeric-owner --xattrs --xattrs-include=* -C plain
                """)
            try await LayerFixture.withStore(backing: backing) { temporary in
                let image = try await temporary.store.importTar(path: directory + "/all.tar", reference: nil)
                let paths = try await temporary.store.mountLayers(of: image)
                #expect(paths.count == 1)
                let expected = try await LayerFixture.listing(directory + "/plain")
                let found = try await LayerFixture.listing(try #require(paths.first))
                #expect(expected == found)
            }
        }
    }

    @Test(
        "a root directory of any size is found, inline or in blocks of its own",
        arguments: [3967, 3968, 3969, 4000, 4031, 4032, 4033, 4064, 4095, 4096, 4097, 4200, 8065, 8128, 8129, 8192])
    func rootSizes(size: Int) async throws {
        // `.` and `..` have 27 bytes, a name 12 and its own.
        var names: [String] = []
        var left = size - 27
        while left > 0 {
            let length = left > 200 ? 88 : left - 12
            names.append(String(names.count + 100) + String(repeating: "n", count: length - 3))
            left -= 12 + length
        }
        try await LayerFixture.withDirectory("mkdir files") { directory in
            for name in names { try Files.write(directory + "/files/" + name, []) }
            try await LayerFixture.withStore { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                let path = try #require(try await temporary.store.mountLayers(of: image).first)
                #expect(try Files.list(path).map(\.name).sorted() == names.sorted())
                let layer = try #require(image.layers.first)
                try await LayerFixture.tool("/usr/bin/fsck.erofs", "\(temporary.root)/layers/\(layer.hex)/layer.erofs")
            }
        }
    }

    @Test("a root directory with attributes as large as a block is found")
    func rootAttributes() async throws {
        try await LayerFixture.withDirectory("mkdir files; echo 1 > files/a") { directory in
            for (name, count) in [("user.one", 2000), ("user.two", 1960)] {
                try ExtendedAttributes.set(directory + "/files", name, [UInt8](repeating: 7, count: count))
            }
            try await LayerFixture.withStore { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                let path = try #require(try await temporary.store.mountLayers(of: image).first)
                #expect(try Files.readText(path + "/a") == "1\n")
                #expect(try ExtendedAttributes.get(path, "user.two")?.count == 1960)
            }
        }
    }

    @Test("a sparse file larger than any image is refused, and one with a hole takes no room for it")
    func hugeSparseFile() async throws {
        try await LayerFixture.withDirectory(
            "mkdir huge hole; truncate -s 7E huge/f 2>/dev/null || truncate -s 15T huge/f; "
                + "truncate -s 200M hole/f; echo end >> hole/f"
        ) { directory in
            try await LayerFixture.withStore { temporary in
                let failure = await #expect(throws: Diagnostic.self) {
                    try await temporary.store.importDirectory(path: directory + "/huge", reference: nil)
                }
                #expect(failure?.code == StoreCode.badArchive)
                #expect(failure?.detail?.contains("bytes together, holes included") == true, "\(failure?.detail ?? "")")
                let image = try await temporary.store.importDirectory(path: directory + "/hole", reference: nil)
                let layer = try #require(image.layers.first)
                let blocks = try await LayerFixture.tool(
                    "/usr/bin/stat", "-c", "%b", "\(temporary.root)/layers/\(layer.hex)/layer.erofs")
                #expect(try #require(Int(blocks.dropLast())) < 4096)
                let path = try #require(try await temporary.store.mountLayers(of: image).first)
                try await LayerFixture.tool("/usr/bin/cmp", "\(path)/f", "\(directory)/hole/f")
            }
        }
    }

    @Test("a directory's files come back as they were", arguments: LayerBacking.allCases)
    func directory(backing: LayerBacking) async throws {
        try await withRichTree { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                let path = try #require(try await temporary.store.mountLayers(of: image).first)
                #expect(try await LayerFixture.listing(directory + "/files") == (try await LayerFixture.listing(path)))
            }
        }
    }

    @Test("the image passes erofs-utils' own check")
    func fsck() async throws {
        try await withRichTree { directory in
            try await LayerFixture.withStore(backing: .fileBacked) { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                let layer = try #require(image.layers.first)
                let file = "\(temporary.root)/layers/\(layer.hex)/layer.erofs"
                try await LayerFixture.tool("/usr/bin/fsck.erofs", file)
                try await LayerFixture.tool("/usr/bin/fsck.erofs", "--extract=\(directory)/out", file)
                #expect(try await LayerFixture.tool("/usr/bin/dump.erofs", "-s", file).contains("sb_csum mtime"))
            }
        }
    }

    @Test("the diff id is the digest of the uncompressed tar, however it is compressed")
    func diffID() async throws {
        let script = "mkdir f; echo x > f/x; tar -cf a.tar -C f .; gzip -k a.tar; sha256sum a.tar | cut -c1-64 > sum"
        try await LayerFixture.withDirectory(script) { directory in
            try await LayerFixture.withStore { temporary in
                let sum = try Files.readText(directory + "/sum").prefix(64)
                let plain = try await temporary.store.importTar(path: directory + "/a.tar", reference: nil)
                let packed = try await temporary.store.importTar(path: directory + "/a.tar.gz", reference: nil)
                #expect(plain.layers.first?.hex == String(sum))
                #expect(plain.id == packed.id)
                #expect(try Files.list(temporary.root + "/layers").count { !$0.name.hasPrefix(".") } == 1)
            }
        }
    }

    @Test("the canonical tar of a directory is one that tar reads back")
    func canonicalTar() async throws {
        let script = "mkdir f; echo x > f/x; ln f/x f/y; ln -s x f/z; touch -d '2020-02-02 02:02:02.5' f/x"
        try await LayerFixture.withDirectory(script) { directory in
            let root = try Files.open(directory + "/f", [.readOnly, .directory]).shared()
            let bytes = try serialized(root)
            try Files.write(directory + "/c.tar", bytes, mode: 0o644)
            try await LayerFixture.tool(
                "/bin/sh", "-ec", "cd \(directory); mkdir out; tar -xpf c.tar --numeric-owner -C out")
            #expect(
                try await LayerFixture.listing(directory + "/f") == (try await LayerFixture.listing(directory + "/out"))
            )
            let again = try LayerWriter.hash(
                directory: try Files.open(directory + "/f", [.readOnly, .directory]).shared())
            #expect(SHA256.hex(of: bytes) == again)
        }
    }

    @Test("whiteouts and opaque directories hide what lies below, as overlayfs does")
    func whiteouts() async throws {
        let script = """
            mkdir -p low/d low/e up/d up/e; echo 1 > low/gone; echo 2 > low/d/a; echo 3 > low/e/b; echo 4 > up/e/c
            : > up/.wh.gone; : > up/e/.wh..wh..opq; : > up/d/.wh.a
            tar -cf low.tar -C low .; tar -cf up.tar -C up .; mkdir merged
            """
        try await LayerFixture.withDirectory(script) { directory in
            try await LayerFixture.withStore { temporary in
                let low = try await temporary.store.importTar(path: directory + "/low.tar", reference: nil)
                let up = try await temporary.store.importTar(path: directory + "/up.tar", reference: nil)
                let lowPath = try #require(try await temporary.store.mountLayers(of: low).first)
                let upPath = try #require(try await temporary.store.mountLayers(of: up).first)
                let merged = directory + "/merged"
                try Mounts.mount(
                    source: "overlay", target: merged, type: "overlay", data: "lowerdir=\(upPath):\(lowPath)")
                defer { try? Mounts.unmount(merged) }
                #expect(
                    try await LayerFixture.tool("/bin/sh", "-c", "cd \(merged); find . | sort | tr '\\n' ' '")
                        == ". ./d ./e ./e/c ")
            }
        }
    }
}

/// A directory's canonical tar, all of it in memory.
private func serialized(_ root: SharedDescriptor) throws -> [UInt8] {
    var walker = try DirectoryWalker(root, limits: .init())
    var bytes: [UInt8] = []
    while let file = try walker.next() {
        bytes += try TarWriter.header(of: file.entry)
        if let contents = file.contents { bytes += try contents.readAll() }
        bytes += TarWriter.padding(after: file.entry.size)
    }
    return bytes + TarWriter.endMarker
}
