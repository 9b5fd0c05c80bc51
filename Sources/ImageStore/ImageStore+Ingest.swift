import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Takes an image in whose manifest is known and whose blobs come from elsewhere.
    ///
    /// Layers that are in the store already are not asked for. Several come in at once, each in one pass. Memory does
    /// not grow with their size. Layers that are complete when another fails stay until garbage is collected, so that
    /// the next try goes on from there.
    ///
    /// - Parameters:
    ///   - bytes: the manifest, byte for byte; not an index.
    ///   - references: names the image gets.
    ///   - attributes: what the store keeps of its origin.
    /// - Throws: `Diagnostic`, naming the blob that is refused. The store has the images it had before then.
    package func ingest(
        manifest bytes: [UInt8], blobs source: some BlobSource, references: [ImageReference] = [],
        attributes: JSONObject = JSONObject(), progress: LayerProgressHandler? = nil
    ) async throws -> StoredImage {
        let cancellation = CancellationFlag()
        return try await withTaskCancellationHandler {
            let (manifest, config, configBytes) = try await documents(bytes, source, cancellation)
            leases.take(config.diffIDs)
            defer { leases.giveBack(config.diffIDs) }
            try await receive(manifest, config, from: source, cancellation, attributes, progress)
            try reporting("storing the image") { () throws in try cancellation.check() }
            let image = NewImage(
                configBytes: configBytes, config: config, manifest: bytes, references: references,
                attributes: attributes)
            let saved = try await write(layers: [], images: [image], origin: attributes)
            guard let first = saved.first else { throw Self.noSuchImage(manifest.config.digest.description) }
            return first
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Takes one layer in, which no image here has yet; nothing is asked for where the store has it.
    ///
    /// The caller keeps it (`keep`) before and after.
    ///
    /// - Throws: `Diagnostic`, where the bytes are not those of the digests or do not come.
    package func ingest(
        layer descriptor: BlobDescriptor, diffID: Digest, from source: any BlobSource, origin: JSONObject,
        progress: LayerProgressHandler? = nil
    ) async throws {
        guard try await !hasLayer(diffID) else { return }
        let cancellation = CancellationFlag()
        try await withTaskCancellationHandler {
            try await receive(descriptor, diffID, from: source, cancellation, origin, progress)
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Whether the store has a layer, by the digest of its tar.
    package func hasLayer(_ diffID: Digest) async throws -> Bool {
        let row = try await read { tables in try tables.layer(diffID: diffID.description) }
        return row.map { layers.hasFiles(of: diffID, form: $0.form) } ?? false
    }

    private func documents(
        _ bytes: [UInt8], _ source: some BlobSource, _ cancellation: CancellationFlag
    ) async throws -> (ImageManifest, ImageConfig, [UInt8]) {
        let blobs = blobs
        return try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
            try reporting("reading the manifest") {
                guard bytes.count <= BlobStore.sizeLimit else {
                    throw OCIError.badField(
                        document: "manifest", field: "size", expected: "at most \(BlobStore.sizeLimit) bytes")
                }
                let manifest = try ImageManifest(bytes: bytes)
                try manifest.checkLayers()
                let configBytes = try Self.readConfig(manifest.config, from: source, blobs, cancellation)
                let config = try ImageConfig(bytes: configBytes)
                try Self.check(config, against: manifest)
                return (manifest, config, configBytes)
            }
        }
    }

    private static func readConfig(
        _ descriptor: BlobDescriptor, from source: some BlobSource, _ blobs: BlobStore, _ cancellation: CancellationFlag
    ) throws -> [UInt8] {
        if blobs.has(descriptor.digest), let kept = try? blobs.read(descriptor.digest, what: "the config") {
            return kept
        }
        guard descriptor.size <= Int64(BlobStore.sizeLimit) else {
            throw OCIError.badField(
                document: "manifest", field: "config", expected: "of at most \(BlobStore.sizeLimit) bytes")
        }
        let incoming = IncomingBlob(try source.open(descriptor), of: descriptor, cancellation: cancellation)
        let bytes = try incoming.readAll(limit: BlobStore.sizeLimit)
        let digest = try BlobStore.digest(of: bytes)
        guard digest == descriptor.digest else { throw wrongDigest("config", descriptor.digest, is: digest) }
        return bytes
    }

    /// Checks that config and manifest speak of the same layers.
    static func check(_ config: ImageConfig, against manifest: ImageManifest) throws {
        guard config.diffIDs.count == manifest.layers.count else {
            throw OCIError.layerCount(config: config.diffIDs.count, manifest: manifest.layers.count)
        }
        for diffID in config.diffIDs where diffID.algorithm != .sha256 {
            throw OCIError.unsupportedDigest(document: "image config", digest: diffID)
        }
    }

    static func wrongDigest(_ what: String, _ wanted: Digest, is found: Digest) -> Diagnostic {
        Diagnostic(
            code: StoreCode.wrongDigest, summary: "the \(what) \(wanted) has another digest",
            detail: "its bytes have the digest \(found)", hint: "whoever sent it changed or damaged it")
    }

    private func receive(
        _ manifest: ImageManifest, _ config: ImageConfig, from source: some BlobSource,
        _ cancellation: CancellationFlag, _ attributes: JSONObject, _ progress: LayerProgressHandler?
    ) async throws {
        var seen: Set<Digest> = []
        var wanted: [(BlobDescriptor, Digest)] = []
        for (descriptor, diffID) in zip(manifest.layers, config.diffIDs) where seen.insert(diffID).inserted {
            if try await hasLayer(diffID) {
                progress?(
                    LayerProgress(
                        digest: descriptor.digest, diffID: diffID, phase: .exists, current: descriptor.size,
                        total: descriptor.size))
            } else {
                wanted.append((descriptor, diffID))
            }
        }
        // More threads than processors, since one of them waits for the network or the disk most of the time.
        let width = max(3, HostProcessors.count)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                do {
                    for (index, layer) in wanted.enumerated() {
                        if index >= width { try await group.next() }
                        group.addTask {
                            try await self.receive(layer.0, layer.1, from: source, cancellation, attributes, progress)
                        }
                    }
                    while try await group.next() != nil {}
                } catch {
                    // The others are not wanted without this one.
                    cancellation.cancel()
                    throw error
                }
            }
        } catch let error as Diagnostic where error.code == StoreCode.diskFull {
            await makeRoom(wanted.map(\.0.digest))
            throw error
        }
    }

    /// Removes what has come of layers: it must not be what fills the disk.
    private func makeRoom(_ digests: [Digest]) async {
        let (partials, flights) = (partials, flights)
        await BlockingExecutor.shared.run {
            for digest in digests where flights.flight(of: digest) == nil { try? partials.remove(digest) }
        }
    }

    /// Brings a layer in, or waits for whoever does.
    private func receive(
        _ descriptor: BlobDescriptor, _ diffID: Digest, from source: some BlobSource, _ cancellation: CancellationFlag,
        _ attributes: JSONObject, _ progress: LayerProgressHandler?
    ) async throws {
        @Sendable func report(_ phase: LayerProgress.Phase, _ current: Int64) {
            progress?(
                LayerProgress(
                    digest: descriptor.digest, diffID: diffID, phase: phase, current: current, total: descriptor.size))
        }
        while true {
            switch flights.join([diffID, descriptor.digest], kind: .fetch) {
            case .lead(let flight):
                var arrived = false
                defer { flights.end(flight, arrived: arrived) }
                // It may have come between the look at the store and now.
                if try await !hasLayer(diffID) {
                    try await fetch(descriptor, diffID, from: source, cancellation, attributes) { phase, current in
                        report(phase, current)
                        flight.report(phase, part: Double(current) / Double(max(1, descriptor.size)))
                    }
                }
                arrived = true
                return report(.done, descriptor.size)
            case .follow(let flight):
                report(.receiving, 0)
                let outcome = await flight.wait { phase, part in
                    if phase != .done { report(phase, Int64(part * Double(descriptor.size))) }
                }
                try reporting("receiving layer \(descriptor.digest)") { () throws in
                    if outcome == .cancelled { throw CancellationError() }
                    try cancellation.check()
                }
                // Whoever brought it in may have meant another layer by one of the digests.
                if outcome == .arrived, try await hasLayer(diffID) { return report(.done, descriptor.size) }
            }
        }
    }

    private func fetch(
        _ descriptor: BlobDescriptor, _ diffID: Digest, from source: some BlobSource, _ cancellation: CancellationFlag,
        _ attributes: JSONObject, _ report: @escaping @Sendable (LayerProgress.Phase, Int64) -> Void
    ) async throws {
        let receiver = LayerReceiver(
            layers: layers, partials: partials, descriptor: descriptor, diffID: diffID, cancellation: cancellation
        ) { report(.receiving, $0) }
        let staged = try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
            try reporting("receiving layer \(descriptor.digest)") { try receiver.receive(from: source) }
        }
        report(.storing, descriptor.size)
        _ = try await write(layers: [try await settle(staged)], images: [], origin: attributes)
    }

    static func check(_ staged: LayerStore.Staged, is digest: Digest, _ diffID: Digest) throws {
        guard staged.sourceDigest == digest else { throw wrongDigest("layer", digest, is: staged.sourceDigest) }
        guard staged.diffID == diffID else {
            throw Diagnostic(
                code: StoreCode.wrongDigest, summary: "layer \(digest) is not the one the image config names",
                detail: "its tar has the digest \(staged.diffID); the config's `diff_ids` have \(diffID)",
                hint: "the image was made wrongly; whoever made it must push it again")
        }
    }
}
