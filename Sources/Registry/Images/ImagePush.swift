import Archives
import ImageStore
import Linux
import OCI
import Synchronization

/// How far a push is; layers are told by the digests of their tars.
package enum PushProgress: Sendable, Hashable {
    /// The layers of the image, lowest first.
    case began([Digest])
    /// A layer is being sent: bytes so far, and in all.
    case sending(Digest, Int64, Int64)
    /// The registry has a layer; where it was mounted, the repository it came from.
    case sent(Digest, UploadOutcome, from: String?)
}

/// Receives progress of a push, from any thread; that of one layer in order.
package typealias PushProgressHandler = @Sendable (PushProgress) -> Void

/// Pushes an image of the store.
///
/// Layers go in the form in which they came, so that their digests and the manifest's stay: what came compressed is sent
/// as those same bytes, what came as a plain tar is sent as a plain tar.
package struct ImagePush: Sendable {
    /// What is pushed.
    package let export: ImageExport
    /// The store that has it.
    package let store: ImageStore
    /// The repository it goes to.
    package let client: RegistryClient
    /// Repositories of the same registry that may have a layer, by the digest of its tar.
    package let sources: [Digest: String]

    package init(export: ImageExport, store: ImageStore, client: RegistryClient, sources: [Digest: String] = [:]) {
        self.export = export
        self.store = store
        self.client = client
        self.sources = sources
    }

    /// Sends the layers, the config and then the manifest.
    ///
    /// - Parameter tag: the tag it gets.
    /// - Throws: `RegistryError`, or a `Diagnostic` for a layer that is damaged here.
    /// - Returns: the manifest's digest.
    package func run(tag: String, progress: PushProgressHandler? = nil) async throws -> Digest {
        progress?(.began(export.image.layers))
        let layers = LayersPush(store: store, client: client, sources: sources)
        try await layers.run(Array(zip(export.layers, export.image.layers)), progress: progress)
        return try await BlockingExecutor.transfers.run { [self] () throws(RegistryError) in
            try client.upload(BlobContent(export.config))
            return try client.putManifest(
                export.manifest, mediaType: export.descriptor.mediaType, reference: tag)
        }
    }
}

/// Pushes layers of the store.
package struct LayersPush: Sendable {
    /// The store that has them.
    package let store: ImageStore
    /// The repository they go to.
    package let client: RegistryClient
    /// Repositories of the same registry that may have a layer, by the digest of its tar.
    package let sources: [Digest: String]

    /// Layers sent at once.
    private static let width = 4

    package init(store: ImageStore, client: RegistryClient, sources: [Digest: String] = [:]) {
        self.store = store
        self.client = client
        self.sources = sources
    }

    /// Sends layers, each once, with the digests of their tars.
    ///
    /// - Throws: `RegistryError`, or a `Diagnostic` for a layer that is damaged here.
    package func run(_ layers: [(LayerExport, Digest)], progress: PushProgressHandler? = nil) async throws {
        var seen: Set<Digest> = []
        let distinct = layers.filter { seen.insert($0.0.descriptor.digest).inserted }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, (layer, diffID)) in distinct.enumerated() {
                if index >= Self.width { try await group.next() }
                group.addTask { try await send(layer, diffID, progress) }
            }
            try await group.waitForAll()
        }
    }

    private func send(_ layer: LayerExport, _ diffID: Digest, _ progress: PushProgressHandler?) async throws {
        let source = sources[diffID]
        let outcome = try await BlockingExecutor.transfers.run { () throws in
            let reader = LayerSource(layer, in: store) { sent in
                progress?(.sending(diffID, sent, layer.descriptor.size))
            }
            let content = BlobContent(digest: layer.descriptor.digest.description, size: layer.descriptor.size) {
                offset throws(ArchiveError) in try reader.open(at: offset)
            }
            do throws(RegistryError) {
                return try client.upload(content, mountingFrom: source)
            } catch {
                // A registry that computes another digest may be right about it.
                if case .refused(_, status: 400..<500, _, _) = error { try store.readLayer(layer) { _ in } }
                throw error
            }
        }
        progress?(.sent(diffID, outcome, from: outcome == .mounted ? source : nil))
    }
}

/// A layer's bytes for one upload, which asks for one part after the other.
///
/// A part that begins where the last one ended goes on with it: a layer that is made anew from its recipe is made once.
// SAFETY: an upload reads on one thread, and each layer has an upload of its own.
private final class LayerSource: @unchecked Sendable {  // SAFETY: see above
    private let layer: LayerExport
    private let store: ImageStore
    private let progress: (Int64) -> Void
    private var source: (any ByteSource)?
    private var position: Int64 = 0
    private var reported: Int64 = 0

    init(_ layer: LayerExport, in store: ImageStore, progress: @escaping (Int64) -> Void) {
        self.layer = layer
        self.store = store
        self.progress = progress
    }

    func open(at offset: Int64) throws(ArchiveError) -> any ByteSource {
        if source == nil || position != offset {
            do {
                source = try store.open(layer, at: offset)
            } catch let error as ArchiveError {
                throw error
            } catch {
                throw .source(error)
            }
            position = offset
            reported = offset
            progress(offset)
        }
        return Part(self)
    }

    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard let source else { return 0 }
        let count = try source.read(into: buffer)
        position += Int64(count)
        if position - reported >= 1 << 20 || count == 0 {
            reported = position
            progress(position)
        }
        return count
    }

    /// What one request reads.
    private final class Part: ByteSource {
        private let whole: LayerSource

        init(_ whole: LayerSource) {
            self.whole = whole
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
            try whole.read(into: buffer)
        }
    }
}
