import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Synchronization
import Testing

@Suite("One layer wanted by several at once", .serialized)
struct SharedIngestTests: WaitingLab {
    /// A layout that counts what is asked for, and holds layers back until it is told to go on.
    private final class Held: BlobSource {
        private struct State {
            var opened: [Digest: Int] = [:]
            var isOpen = false
            var failure: String?
        }

        private let layout: LayoutSource
        private let state = Mutex(State())

        init(_ directory: String) {
            layout = LayoutSource(directory: directory + "/oci")
        }

        func letThrough(failing: String? = nil) {
            state.withLock {
                $0.isOpen = true
                $0.failure = failing
            }
        }

        var opened: [Digest: Int] { state.withLock { $0.opened } }

        func open(_ blob: BlobDescriptor) throws -> any ByteSource {
            guard blob.mediaType.contains("layer") else { return try layout.open(blob) }
            state.withLock { $0.opened[blob.digest, default: 0] += 1 }
            while !state.withLock({ $0.isOpen }) {
                try BlockingWait.run { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
            }
            if let failure = state.withLock({ $0.failure }) {
                throw Diagnostic(code: "SC9999", summary: failure)
            }
            return try layout.open(blob)
        }
    }

    private func with(_ body: (TemporaryStore, String, [UInt8]) async throws -> Void) async throws {
        try await ImageArchiveFixture.withFiles(ImageArchiveFixture.threeLayerImage) { directory in
            try await LayerFixture.withStore { temporary in
                try await body(temporary, directory, try Files.readAll(directory + "/manifest.json", limit: 1 << 20))
            }
        }
    }

    @Test("two that take the same image in fetch each layer once, and both hear how far it is")
    func once() async throws {
        try await with { temporary, directory, manifest in
            let store = temporary.store
            let (first, second) = (Held(directory), Held(directory))
            let phases = Mutex<[LayerProgress.Phase]>([])
            async let leader = store.ingest(manifest: manifest, blobs: first)
            try await eventually("all layers are asked for") { first.opened.count == 3 }
            async let follower = store.ingest(manifest: manifest, blobs: second) { update in
                phases.withLock { $0.append(update.phase) }
            }
            try await eventually("the second waits") { phases.withLock { $0.count } >= 3 }
            second.letThrough()
            #expect(second.opened.isEmpty)
            first.letThrough()
            let images = (try await leader, try await follower)
            #expect(images.0 == images.1)
            #expect(first.opened.values.allSatisfy { $0 == 1 } && second.opened.isEmpty)
            #expect(phases.withLock { $0.filter { $0 == .done }.count } == 3)
            #expect(try await store.verify().isEmpty)
        }
    }

    @Test("when the one that fetches fails or is cancelled, the other goes on by itself", arguments: [false, true])
    func leaderFails(isCancelled: Bool) async throws {
        try await with { temporary, directory, manifest in
            let store = temporary.store
            let (first, second) = (Held(directory), Held(directory))
            second.letThrough()
            let leader = Task { try await store.ingest(manifest: manifest, blobs: first) }
            try await eventually("all layers are asked for") { first.opened.count == 3 }
            let waiting = Mutex(0)
            let follower = Task {
                try await store.ingest(manifest: manifest, blobs: second) { _ in waiting.withLock { $0 += 1 } }
            }
            try await eventually("the second waits") { waiting.withLock { $0 } >= 3 }
            if isCancelled { leader.cancel() }
            first.letThrough(failing: isCancelled ? nil : "the cable is out")
            await #expect(throws: Diagnostic.self) { try await leader.value }
            let image = try await follower.value
            #expect(second.opened.count == 3)
            #expect(try await store.list() == [image])
            #expect(try await store.verify().isEmpty)
        }
    }

    @Test("one that waits and is cancelled ends at once, and the other is none the worse")
    func followerCancelled() async throws {
        try await with { temporary, directory, manifest in
            let store = temporary.store
            let (first, second) = (Held(directory), Held(directory))
            let leader = Task { try await store.ingest(manifest: manifest, blobs: first) }
            try await eventually("all layers are asked for") { first.opened.count == 3 }
            let waiting = Mutex(0)
            let follower = Task {
                try await store.ingest(manifest: manifest, blobs: second) { _ in waiting.withLock { $0 += 1 } }
            }
            try await eventually("the second waits") { waiting.withLock { $0 } >= 3 }
            follower.cancel()
            let error = await #expect(throws: Diagnostic.self) { try await follower.value }
            #expect(error?.code == StoreCode.cancelled)
            first.letThrough()
            _ = try await leader.value
            #expect(try await store.verify().isEmpty)
        }
    }

    @Test("archives that are loaded at once put each layer on the disk once, also when one of them is cut off")
    func loads() async throws {
        let archive =
            ImageArchiveFixture.threeLayerImage + """
                printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
                printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
                    application/vnd.oci.image.manifest.v1+json "$(digest manifest.json)" "$(size manifest.json)" \
                    > oci/index.json
                tar -cf archive.tar -C oci .
                head -c $(($(size archive.tar) - 9000)) archive.tar > cut.tar

                """
        try await ImageArchiveFixture.withFiles(archive) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                let names = ["cut.tar", "archive.tar", "archive.tar", "archive.tar"]
                let images = await withTaskGroup(of: [LoadedImage].self) { group in
                    for name in names {
                        group.addTask {
                            (try? await ImageArchiveFixture.load("\(directory)/\(name)", into: store)) ?? []
                        }
                    }
                    return await group.reduce(into: []) { $0 += $1 }
                }
                #expect(images.count == 3)
                #expect(Set(images.map(\.image.id)).count == 1)
                #expect(try await store.verify().isEmpty)
                _ = try await store.remove(#require(images.first).image.id.description, inUse: [])
                #expect(try temporary.files() == [])
            }
        }
    }
}
