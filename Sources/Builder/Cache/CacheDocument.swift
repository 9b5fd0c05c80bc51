import ImageStore
import JSONText
import Linux
import OCI

/// What a cache that is given on says: results by the keys of their steps, and the layers they are.
///
/// Keys are this engine's own, made of other facts than BuildKit's are, so that neither can use the other's caches; the
/// media type is therefore another one than BuildKit's `application/vnd.buildkit.cacheconfig.v0`.
struct CacheDocument: Sendable, Hashable {
    /// The document as the config of a manifest, whose layers are those of the results.
    static let mediaType = "application/vnd.stackctl.buildcache.config.v1+json"
    /// The document as an annotation of an image's manifest: `type=inline`.
    static let annotation = "org.stackctl.buildcache.v1"
    /// Most bytes of a document.
    static let limit = 32 << 20
    private static let recordLimit = 100_000

    /// Which results are given on.
    enum Scope: String, Sendable, Hashable {
        /// Those of which the result is made.
        case minimal = "min"
        /// Those of all stages.
        case maximal = "max"
    }

    private(set) var results: [CachedResult] = []
    /// How the cache has a layer, by the digest of its tar; empty for `type=inline`, where the image tells.
    private(set) var layers: [Digest: BlobDescriptor] = [:]

    /// - Parameter layers: the layers that are given on; results that need another are left out, unless there are none.
    init(_ steps: [BuiltStep], scope: Scope, layers: [(Digest, BlobDescriptor)]) {
        self.layers = Dictionary(layers) { first, _ in first }
        var seen: Set<String> = []
        for step in steps where !step.key.isEmpty && (scope == .maximal || step.isOfResult) {
            if let layer = step.layer, !layers.isEmpty, self.layers[layer] == nil { continue }
            guard seen.insert(step.key).inserted else { continue }
            results.append(
                CachedResult(
                    key: step.key, layer: step.layer, newest: step.newest, title: step.title, created: step.created))
        }
        results.sort { $0.key < $1.key }
    }

    /// Reads a document; nil where it is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.limit, let root = try? JSONValue.parse(bytes), root["version"]?.intValue == 1,
            let records = root["results"]?.arrayValue, records.count <= Self.recordLimit
        else { return nil }
        for record in records {
            guard let key = record["key"]?.stringValue, Digest(key) != nil else { return nil }
            let layer = record["layer"]?.stringValue
            let digest = layer.flatMap { Digest($0) }
            guard layer == nil || digest?.algorithm == .sha256 else { return nil }
            results.append(
                CachedResult(
                    key: key, layer: digest,
                    newest: record["newest"]?.intValue.map { Timestamp(nanosecondsSinceEpoch: $0) },
                    title: record["title"]?.stringValue ?? "",
                    created: Timestamp(nanosecondsSinceEpoch: record["created"]?.intValue ?? 0)))
        }
        for entry in root["layers"]?.arrayValue ?? [] {
            guard let text = entry["diffID"]?.stringValue, let diffID = Digest(text),
                let type = entry["mediaType"]?.stringValue, MediaType.isLayer(type),
                let name = entry["digest"]?.stringValue, let digest = Digest(name), digest.algorithm == .sha256,
                let size = entry["size"]?.intValue, size >= 0
            else { return nil }
            layers[diffID] = BlobDescriptor(mediaType: type, digest: digest, size: size)
        }
    }

    /// The same with the layers of an image.
    func with(_ layers: [Digest: BlobDescriptor]) -> CacheDocument {
        var copy = self
        copy.layers = layers
        return copy
    }

    /// Adds results.
    mutating func append(_ more: [CachedResult]) { results += more }

    /// The document; equal values give equal text.
    var text: String {
        var root = JSONObject()
        root["version"] = 1
        root["results"] = .array(
            results.map { result in
                var record = JSONObject()
                record["key"] = .string(result.key)
                if let layer = result.layer { record["layer"] = .string(layer.description) }
                if let newest = result.newest { record["newest"] = .int(newest.nanosecondsSinceEpoch) }
                record["title"] = .string(result.title)
                record["created"] = .int(result.created.nanosecondsSinceEpoch)
                return .object(record)
            })
        if !layers.isEmpty {
            root["layers"] = .array(
                layers.sorted { $0.key < $1.key }.map { diffID, layer in
                    var entry = layer.json
                    entry["diffID"] = .string(diffID.description)
                    return .object(entry)
                })
        }
        return JSONValue.object(root).serialized(.compact)
    }
}
