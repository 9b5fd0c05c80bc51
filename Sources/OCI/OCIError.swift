/// Why an OCI document was refused.
package enum OCIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are not JSON.
    case notJSON(document: String, reason: String)
    /// A field is absent that the specification requires.
    case missingField(document: String, field: String)
    /// A field has another type or form than the specification gives it.
    case badField(document: String, field: String, expected: String)
    /// The document is of a kind that is not read here.
    case unsupportedMediaType(document: String, mediaType: String)
    /// A layer may be fetched from its vendor only.
    case foreignLayer(digest: Digest, mediaType: String, urls: [String])
    /// An index has no image for the platform; `available` are those it has.
    case noSuchPlatform(wanted: Platform, available: [Platform])
    /// A document of the first generation, which names no layers by content.
    case schemaOne
    /// A digest that the store cannot keep things under.
    case unsupportedDigest(document: String, digest: Digest)
    /// The config has another number of layers than the manifest.
    case layerCount(config: Int, manifest: Int)

    package var description: String {
        switch self {
        case .notJSON(let document, let reason): "the \(document) is not JSON: \(reason)"
        case .missingField(let document, let field): "the \(document) has no `\(field)`"
        case .badField(let document, let field, let expected): "`\(field)` of the \(document) is not \(expected)"
        case .unsupportedMediaType(let document, let mediaType):
            "the \(document) has the media type `\(mediaType)`, which is not supported"
        case .foreignLayer(let digest, let mediaType, let urls):
            "the manifest's layer \(digest) is a foreign layer (`\(mediaType)`), which only its vendor gives out"
                + (urls.isEmpty ? "" : ": " + urls.joined(separator: ", "))
        case .noSuchPlatform(let wanted, let available):
            "there is no image for \(wanted); "
                + (available.isEmpty
                    ? "the index has none at all"
                    : "there are images for " + available.map(\.description).joined(separator: ", "))
        case .schemaOne: "the manifest has Docker's schema 1, which is not supported: push the image again"
        case .unsupportedDigest(let document, let digest):
            "the \(document) names \(digest); only sha256 digests are supported"
        case .layerCount(let config, let manifest):
            "the image config has \(config) layers (`diff_ids`), the manifest \(manifest)"
        }
    }
}
