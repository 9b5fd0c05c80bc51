import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import StateStore
import Testing

@Suite("Images on a disk that fills up", .serialized)
struct StoreDiskFullTests {
    /// The image of three layers as a layout and as an archive; about 1.5 MB on the disk.
    private static let image =
        ImageArchiveFixture.threeLayerImage + """
            printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
            printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
                application/vnd.oci.image.manifest.v1+json "$(digest manifest.json)" "$(size manifest.json)" > oci/index.json
            tar -cf archive.tar -C oci .

            """

    /// Runs a body with a store on a file system of its own, of so many bytes beyond what an empty store takes.
    private func withDisk(_ body: (TemporaryStore, _ resize: (Int64) throws -> Void) async throws -> Void) async throws
    {
        let root = try Files.temporaryDirectory(prefix: "stackctl-full-")
        defer { try? Files.removeDirectory(root) }
        try Mounts.mount(source: "tmpfs", target: root, type: "tmpfs", data: "size=64m")
        defer { try? Mounts.unmount(root, .detach) }
        let temporary = try TemporaryStore(root: root)
        let space = try Files.diskSpace(root)
        let used = Int64(clamping: space.total) - Int64(clamping: space.available)
        try await body(temporary) { room in
            try Mounts.mount(
                source: "tmpfs", target: root, type: "tmpfs", flags: .remount, data: "size=\((used + room) / 1024)k")
        }
    }

    private func expectWhole(_ temporary: TemporaryStore, _ what: String) async throws {
        #expect(try await temporary.store.verify().isEmpty, "\(what)")
        let incoming = temporary.root + "/layers/.incoming"
        #expect(try !Files.exists(incoming) || Files.list(incoming).isEmpty, "\(what)")
        let partial = temporary.root + "/blobs/partial"
        #expect(try !Files.exists(partial) || Files.list(partial).isEmpty, "\(what)")
    }

    @Test(
        "taking in and loading say so, leave nothing half made, and succeed when there is room",
        arguments: [false, true])
    func full(isLoad: Bool) async throws {
        try await LayerFixture.withDirectory(ImageArchiveFixture.layers + Self.image) { directory in
            let manifest = try Files.readAll(directory + "/manifest.json", limit: 1 << 20)
            try await withDisk { temporary, resize in
                let store = temporary.store
                func takeIn() async throws {
                    if isLoad {
                        _ = try await ImageArchiveFixture.load(directory + "/archive.tar", into: store)
                    } else {
                        _ = try await store.ingest(
                            manifest: manifest, blobs: LayoutSource(directory: directory + "/oci"))
                    }
                }
                var failures = 0
                for room in stride(from: Int64(16), to: 3000, by: 100) {
                    try resize(room << 10)
                    do {
                        try await takeIn()
                        break
                    } catch let error as Diagnostic {
                        failures += 1
                        #expect(error.code == StoreCode.diskFull, "\(room)k: \(error)")
                    }
                    try resize(64 << 20)
                    try await expectWhole(temporary, "\(room)k")
                    _ = try await store.collectGarbage(inUse: [], removeUntagged: true)
                    #expect(try temporary.files() == [], "\(room)k")
                }
                #expect(failures > 4)
                try resize(64 << 20)
                try await takeIn()
                #expect(try await store.list().count == 1)
                try await expectWhole(temporary, "with room")
            }
        }
    }
}
