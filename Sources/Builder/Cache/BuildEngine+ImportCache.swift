import Archives
import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI
import Registry

extension BuildEngine {
    /// Reads what the caches of a request say; their layers stay where they are until they are asked for.
    ///
    /// A cache that is not there, or is none, is left out with a remark: the build goes on without it, as with BuildKit.
    ///
    /// - Parameter firstStep: the number of the next step of the build's events.
    /// - Returns: the caches in their order, and the number of the step after these.
    /// - Throws: `BuildFailure` (invalid) where a place, one to write to as well, makes no sense.
    package func importCaches(
        _ request: BuildRequest, firstStep: Int, events: @escaping BuildEventSink
    ) async throws -> (caches: [any ImportedCache], nextStep: Int) {
        for target in request.cacheTargets { _ = try CachePlace(target, isTarget: true) }
        let places = try request.cacheSources.map { location throws(BuildFailure) in
            try CachePlace(location, isTarget: false)
        }
        let steps = ExportSteps(from: firstStep, events)
        var caches: [any ImportedCache] = []
        for place in places {
            do {
                let cache = try await steps.run("importing cache manifest from \(place.name)") { step in
                    let cache = try await importCache(place, request)
                    step.done("\(cache.count) results")
                    return cache
                }
                caches.append(cache)
            } catch {
                try Task.checkCancellation()
                host.note("cache of a build: \(place.name): \(error)")
            }
        }
        return (caches, firstStep + places.count)
    }

    private func importCache(_ place: CachePlace, _ request: BuildRequest) async throws -> StoredCache {
        switch place {
        case .inline: throw Self.noCache(place)
        case .registry(let name):
            let document = try await host.withRegistry(of: name, isPush: false, access: request.access) { reader in
                try await BlockingExecutor.transfers.run { () throws in try Self.read(reader) }
            }
            guard let document else { throw Self.noCache(place) }
            let (host, access) = (host, request.access)
            return StoredCache(name: place.name, document, images: images) { use in
                try await host.withRegistry(of: name, isPush: false, access: access) { reader in
                    try await use(RegistryBlobs(reader.client))
                }
            }
        case .directory(let path, let tag):
            let layout = LayoutDirectory(path)
            let document = try await BlockingExecutor.shared.run { () throws -> CacheDocument? in
                guard let manifest = try layout.manifest(tag: tag),
                    manifest.config.mediaType == CacheDocument.mediaType
                else { return nil }
                return CacheDocument(try layout.document(manifest.config, limit: CacheDocument.limit))
            }
            guard let document else { throw Self.noCache(place) }
            return StoredCache(name: place.name, document, images: images) { use in try await use(layout) }
        }
    }

    private static func noCache(_ place: CachePlace) -> BuildFailure {
        BuildFailure(
            .notFound,
            Diagnostic(
                code: BuildCode.notFound, summary: "\(place.name) has no cache of this engine",
                detail: "caches of BuildKit have other keys and cannot be used"))
    }

    /// A cache of its own, or that of an image and of each platform of one.
    ///
    /// Blocking.
    private static func read(_ reader: RemoteImageReader) throws -> CacheDocument? {
        let found = try reader.find()
        let fetched = try reader.client.manifest(found.digest)
        switch try ImageDocument(bytes: fetched.bytes, mediaType: fetched.mediaType) {
        case .manifest(let manifest): return try read(manifest, reader.client)
        case .index(let index):
            var whole: CacheDocument?
            for entry in index.images.prefix(32) {
                let manifest = try ImageManifest(bytes: reader.client.manifest(entry.digest).bytes)
                guard let part = try read(manifest, reader.client) else { continue }
                whole = whole?.merging(part) ?? part
            }
            return whole
        }
    }

    private static func read(_ manifest: ImageManifest, _ client: RegistryClient) throws -> CacheDocument? {
        if manifest.config.mediaType == CacheDocument.mediaType {
            return CacheDocument(
                try client.blobBytes(
                    manifest.config.digest, size: manifest.config.size, limit: CacheDocument.limit))
        }
        guard let text = manifest.annotations[CacheDocument.annotation], let document = CacheDocument(Array(text.utf8))
        else { return nil }
        let config = try ImageConfig(
            bytes: client.blobBytes(manifest.config.digest, size: manifest.config.size, limit: 8 << 20))
        return document.with(Dictionary(zip(config.diffIDs, manifest.layers)) { first, _ in first })
    }
}

/// A cache that was read, and the way to its layers.
struct StoredCache: ImportedCache {
    /// Runs a body with the place the layers are in.
    typealias Opening = @Sendable (@escaping @Sendable (any BlobSource) async throws -> Void) async throws -> Void

    let name: String
    private let results: [String: CachedResult]
    private let layers: [Digest: BlobDescriptor]
    private let images: ImageStore
    private let opening: Opening

    init(name: String, _ document: CacheDocument, images: ImageStore, opening: @escaping Opening) {
        self.name = name
        results = Dictionary(document.results.map { ($0.key, $0) }) { first, _ in first }
        layers = document.layers
        self.images = images
        self.opening = opening
    }

    var count: Int { results.count }

    func result(of key: String) -> CachedResult? {
        guard let result = results[key] else { return nil }
        if let layer = result.layer, layers[layer] == nil { return nil }
        return result
    }

    func bring(_ result: CachedResult, progress: @escaping @Sendable (LayerProgress) -> Void) async throws {
        guard let layer = result.layer else { return }
        guard let descriptor = layers[layer] else {
            throw BuildFailure(
                .notFound, Diagnostic(code: BuildCode.notFound, summary: "\(name) does not have layer \(layer)"))
        }
        images.keep([layer])
        do {
            var origin = JSONObject()
            origin["cache"] = .string(name)
            let (images, attributes) = (images, origin)
            try await opening { source in
                try await images.ingest(
                    layer: descriptor, diffID: layer, from: source, origin: attributes, progress: progress)
            }
        } catch {
            images.giveBack([layer])
            throw error
        }
    }
}

extension CacheDocument {
    /// Both of two.
    fileprivate func merging(_ other: CacheDocument) -> CacheDocument {
        var whole = with(layers.merging(other.layers) { first, _ in first })
        whole.append(other.results)
        return whole
    }
}
