import Archives
import JSONText
import OCI
import StateStore

/// A compressed form of a layer, in which it came or was given on, kept so that it is given on byte for byte.
struct LayerBlob: Sendable, Hashable {
    let digest: Digest
    /// Bytes.
    let size: Int64
    let compression: Compression
    /// Of what was compressed here; nil of what came compressed.
    let level: Int?

    init(digest: Digest, size: Int64, compression: Compression, level: Int? = nil) {
        self.digest = digest
        self.size = size
        self.compression = compression
        self.level = level
    }

    /// Reads what `json` gives; nil when it is anything else.
    init?(_ value: JSONValue) {
        guard let object = value.objectValue, let digest = object["digest"]?.stringValue.flatMap({ Digest($0) }),
            let size = object["size"]?.intValue,
            let compression = object["compression"]?.stringValue.flatMap(Compression.init)
        else { return nil }
        self.init(
            digest: digest, size: Int64(size), compression: compression,
            level: object["level"]?.intValue.map { Int(clamping: $0) })
    }

    var json: JSONValue {
        var object = JSONObject()
        object["digest"] = .string(digest.description)
        object["size"] = .int(size)
        object["compression"] = .string(compression.rawValue)
        if let level { object["level"] = .int(Int64(level)) }
        return .object(object)
    }

    /// How a manifest made here describes it.
    var descriptor: Descriptor {
        let mediaType = compression == .zstd ? MediaType.ociLayerZstd : MediaType.ociLayerGzip
        return Descriptor(mediaType: mediaType, digest: digest, size: size)
    }
}

extension LayerRow {
    /// The compressed forms that are kept of the layer.
    var blobs: [LayerBlob] {
        get { (spec["blobs"]?.arrayValue ?? []).compactMap { LayerBlob($0) } }
        set {
            var object = spec.objectValue ?? JSONObject()
            object["blobs"] = newValue.isEmpty ? nil : .array(newValue.map(\.json))
            spec = .object(object)
        }
    }

    /// Bytes of the uncompressed tar.
    var tarBytes: Int64 { Int64(spec["tarBytes"]?.intValue ?? 0) }

    /// Bytes of the recipe that gives back the tar; 0 where there is none.
    var recipeBytes: Int64 { Int64(spec["recipeBytes"]?.intValue ?? 0) }

    /// Whether its tar is given back without any of its compressed forms.
    var isMadeHere: Bool { recipeBytes > 0 }

    /// How a manifest made here describes the layer; nil when its tar cannot be given back.
    var descriptor: Descriptor? {
        if let blob = blobs.first { return blob.descriptor }
        guard let digest = Digest(diffID) else { return nil }
        return Descriptor(mediaType: MediaType.ociLayerTar, digest: digest, size: tarBytes)
    }
}
