import JSONText
import OCI

/// What the registry needs to know of a manifest or an index.
struct ManifestFacts: Sendable, Hashable {
    /// Something the document names.
    struct Reference: Sendable, Hashable {
        let digest: Digest
        /// In bytes.
        let size: Int64
        /// Whether it is a manifest or an index itself.
        let isManifest: Bool
    }

    let mediaType: String
    /// What must be in the repository too; layers that only their vendor gives out are left out.
    let references: [Reference]
    /// What the document is attached to.
    let subject: Digest?
    /// What kind of artifact it is; an image's is the media type of its config.
    let artifactType: String?
    let annotations: [String: String]

    /// Reads a document.
    ///
    /// - Parameter mediaType: as which it was sent; nil where that was not said.
    /// - Throws: `OCIError`.
    init(_ bytes: [UInt8], mediaType: String?) throws(OCIError) {
        let document = try ImageDocument(bytes: bytes, mediaType: mediaType)
        let object = (try? JSONValue.parse(bytes))?.objectValue ?? JSONObject()
        subject = try Self.subject(object)
        let written = object["artifactType"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        switch document {
        case .manifest(let manifest):
            self.mediaType = manifest.mediaType
            references = ([manifest.config] + manifest.layers).filter { !MediaType.isForeignLayer($0.mediaType) }
                .map { Reference(digest: $0.digest, size: $0.size, isManifest: false) }
            artifactType = written ?? manifest.config.mediaType
            annotations = manifest.annotations
        case .index(let index):
            self.mediaType = index.mediaType
            references = index.manifests.map { Reference(digest: $0.digest, size: $0.size, isManifest: true) }
            artifactType = written
            annotations = index.annotations
        }
    }

    private static func subject(_ object: JSONObject) throws(OCIError) -> Digest? {
        guard let value = object["subject"], !value.isNull else { return nil }
        guard let digest = value["digest"]?.stringValue.flatMap({ Digest($0) }) else {
            throw .badField(document: "manifest", field: "subject", expected: "a descriptor")
        }
        return digest
    }

    /// How a list of referrers names the document.
    func descriptor(_ digest: Digest, size: Int64) -> Descriptor {
        Descriptor(
            mediaType: mediaType, digest: digest, size: size, annotations: annotations, artifactType: artifactType)
    }
}
