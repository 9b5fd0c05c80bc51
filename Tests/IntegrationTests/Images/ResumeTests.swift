import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Synchronization
import Testing

@Suite("Going on with a layer that came in part", .serialized)
struct ResumeTests {
    /// One gzip layer of a megabyte that does not compress.
    private static let image =
        ImageArchiveFixture.functions + """
            mkdir big; dd if=/dev/urandom of=big/data bs=100k count=10 status=none
            pack big big.tar; gzip -nk big.tar; config image.json big.tar
            printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' \
                "$(layer image.json application/vnd.oci.image.config.v1+json)" \
                "$(layer big.tar.gz application/vnd.oci.image.layer.v1.tar+gzip)" > manifest.json
            for file in image.json big.tar.gz; do blob $file; done

            """

    /// A layout whose layers break off, and which tells what was asked for.
    private final class Breaking: BlobSource {
        private let layout: LayoutSource
        private let isSeekable: Bool
        private let state: Mutex<(limit: Int64?, offsets: [Int64])>

        init(_ directory: String, breakingAt limit: Int64? = nil, isSeekable: Bool = true) {
            layout = LayoutSource(directory: directory + "/oci")
            self.isSeekable = isSeekable
            state = Mutex((limit, []))
        }

        /// Where each layer that was opened began.
        var offsets: [Int64] { state.withLock { $0.offsets } }

        func open(_ blob: BlobDescriptor) throws -> any ByteSource {
            guard let source = try open(blob, from: 0) else { throw SystemError(call: "open", errno: .EIO) }
            return source
        }

        func open(_ blob: BlobDescriptor, from offset: Int64) throws -> (any ByteSource)? {
            guard blob.mediaType.contains("layer") else { return try layout.open(blob) }
            if offset > 0, !isSeekable { return nil }
            let limit = state.withLock { state in
                state.offsets.append(offset)
                return state.limit
            }
            let file = try Files.open(layout.directory + "/blobs/sha256/" + blob.digest.hex).shared()
            try file.seek(offset)
            return Limited(DescriptorSource(file), limit: limit.map { $0 - offset })
        }
    }

    private final class Limited: ByteSource {
        private let source: any ByteSource
        private var left: Int64?

        init(_ source: any ByteSource, limit: Int64?) {
            self.source = source
            left = limit
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
            guard let left else { return try source.read(into: buffer) }
            guard left > 0 else { throw .source(Diagnostic(code: "SC9999", summary: "the cable is out")) }
            let count = try source.read(into: .init(rebasing: buffer.prefix(Int(clamping: min(left, 4096)))))
            self.left = left - Int64(count)
            return count
        }
    }

    private func with(
        backing: LayerBacking? = nil, _ body: (TemporaryStore, String, [UInt8]) async throws -> Void
    ) async throws {
        try await LayerFixture.withDirectory(Self.image) { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                try await body(temporary, directory, try Files.readAll(directory + "/manifest.json", limit: 1 << 20))
            }
        }
    }

    private func partials(_ temporary: TemporaryStore) throws -> [(name: String, size: Int64)] {
        let directory = temporary.root + "/blobs/partial"
        guard Files.exists(directory) else { return [] }
        return try Files.list(directory).map { ($0.name, try Files.status(directory + "/" + $0.name).size) }
    }

    /// Takes the image in from a source that breaks off after so many bytes of the layer.
    private func interrupt(_ temporary: TemporaryStore, _ directory: String, _ manifest: [UInt8]) async throws {
        let source = Breaking(directory, breakingAt: 600_000)
        let error = await #expect(throws: Diagnostic.self) {
            try await temporary.store.ingest(manifest: manifest, blobs: source)
        }
        #expect(error?.summary == "the cable is out")
        #expect(try partials(temporary).map(\.size) == [600_000])
        #expect(try Files.list(temporary.root + "/layers/.incoming").isEmpty)
    }

    @Test("what came is not asked for again, by the same daemon or the next", arguments: [false, true])
    func resumed(isRestarted: Bool) async throws {
        try await with { first, directory, manifest in
            try await interrupt(first, directory, manifest)
            let temporary = isRestarted ? try first.reopened() : first
            let source = Breaking(directory)
            let seen = Mutex<[Int64]>([])
            let image = try await temporary.store.ingest(manifest: manifest, blobs: source) { update in
                if update.phase == .receiving { seen.withLock { $0.append(update.current) } }
            }
            #expect(source.offsets == [600_000])
            #expect(try partials(temporary).isEmpty)
            #expect(try await temporary.store.verify().isEmpty)
            try await temporary.store.withExports(of: [image]) { exports in
                for layer in try #require(exports.first).layers { try temporary.store.readLayer(layer) { _ in } }
            }
        }
    }

    @Test("a part that is not of the blob is thrown away, and all of it is asked for")
    func damagedPart() async throws {
        try await with { temporary, directory, manifest in
            for damage in [Int64(0), 300_000, 599_999] {
                try await interrupt(temporary, directory, manifest)
                let name = try #require(try partials(temporary).first).name
                let file = try Files.open(temporary.root + "/blobs/partial/" + name, .readWrite)
                let byte = try file.pread(upTo: 1, at: damage)
                try file.pwriteAll([byte[0] ^ 0x55], at: damage)
                let source = Breaking(directory)
                let image = try await temporary.store.ingest(manifest: manifest, blobs: source)
                #expect(source.offsets.last == 0, "\(source.offsets)")
                #expect(try await temporary.store.verify().isEmpty)
                _ = try await temporary.store.remove(image.id.description, inUse: [])
            }
        }
    }

    @Test("a source that cannot begin in the middle is read from its start; what is complete is not asked for at all")
    func ends() async throws {
        try await with { temporary, directory, manifest in
            try await interrupt(temporary, directory, manifest)
            let source = Breaking(directory, isSeekable: false)
            let image = try await temporary.store.ingest(manifest: manifest, blobs: source)
            #expect(source.offsets == [0])
            _ = try await temporary.store.remove(image.id.description, inUse: [])

            try await interrupt(temporary, directory, manifest)
            let name = try #require(try partials(temporary).first).name
            try Files.copy(
                directory + "/oci/blobs/sha256/" + name, to: temporary.root + "/blobs/partial/" + name, mode: 0o644)
            let unasked = Breaking(directory)
            _ = try await temporary.store.ingest(manifest: manifest, blobs: unasked)
            #expect(unasked.offsets.isEmpty)
            #expect(try await temporary.store.verify().isEmpty)
        }
    }

    @Test("a part is counted, kept by garbage collection for a day, and then garbage")
    func garbage() async throws {
        try await with { temporary, directory, manifest in
            try await interrupt(temporary, directory, manifest)
            let store = temporary.store
            #expect(try await store.diskUsage().partialsBytes >= 600_000)
            _ = try await store.collectGarbage(inUse: [], removeUntagged: true)
            let path = temporary.root + "/blobs/partial/" + (try #require(try partials(temporary).first).name)
            let old = Timestamp(seconds: Clock.now().seconds - 25 * 3600)
            try Files.setTimes(path, accessed: old, modified: old)
            let report = try await store.collectGarbage(inUse: [], removeUntagged: true)
            #expect(report.freedBytes >= 600_000)
            #expect(try partials(temporary).isEmpty)
        }
    }
}
