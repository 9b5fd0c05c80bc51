import JSONText

/// An index: the manifests of one image for several platforms, or of several images.
///
/// Source: OCI image specification, image-index.md; Docker's manifest list has the same shape.
package struct ImageIndex: Sendable, Hashable {
    /// The index's own media type; absent in many OCI indexes, which then count as OCI.
    package var mediaType: String

    /// What it lists, in its order.
    package var manifests: [Descriptor]

    /// Free key and value pairs.
    package var annotations: [String: String]

    package init(
        manifests: [Descriptor], annotations: [String: String] = [:], mediaType: String = MediaType.ociIndex
    ) {
        self.manifests = manifests
        self.annotations = annotations
        self.mediaType = mediaType
    }

    /// Reads an index.
    ///
    /// - Throws: `OCIError`, with the field that is missing or wrong.
    package init(bytes: [UInt8]) throws(OCIError) {
        let document = "index"
        let fields = try FieldReader(document: document, bytes: bytes)
        mediaType = try fields.string("mediaType") ?? MediaType.ociIndex
        guard MediaType.isIndex(mediaType) else {
            throw .unsupportedMediaType(document: document, mediaType: mediaType)
        }
        guard try fields.integer("schemaVersion") == 2 else { throw fields.bad("schemaVersion", "2") }
        guard let values = try fields.array("manifests") else {
            throw .missingField(document: document, field: "manifests")
        }
        manifests = []
        for value in values {
            guard let object = value.objectValue else { throw fields.bad("manifests", "a list of descriptors") }
            manifests.append(try Descriptor(FieldReader(document: "index's manifest", object: object)))
        }
        annotations = try fields.dictionary("annotations")
    }

    /// Chooses the manifest whose programs run on a platform.
    ///
    /// Of several that fit equally the first counts, as with Docker. A manifest without a platform is for any.
    ///
    /// - Throws: `OCIError.noSuchPlatform`, with those there are.
    package func manifest(for platform: Platform) throws(OCIError) -> Descriptor {
        let candidates = images
        for accepted in platform.accepted {
            if let match = candidates.first(where: { $0.platform?.normalized == accepted }) { return match }
        }
        if let anywhere = candidates.first(where: { $0.platform == nil }) { return anywhere }
        throw .noSuchPlatform(wanted: platform, available: candidates.compactMap(\.platform))
    }

    /// The images and indexes of images it lists, and not, say, attestations.
    package var images: [Descriptor] { manifests.filter(Self.isImage) }

    /// Whether a descriptor is an image or an index of some, and not, say, an attestation of one.
    private static func isImage(_ descriptor: Descriptor) -> Bool {
        guard MediaType.isManifest(descriptor.mediaType) || MediaType.isIndex(descriptor.mediaType) else {
            return false
        }
        return descriptor.platform?.os != "unknown"
            && descriptor.annotations["vnd.docker.reference.type"] != "attestation-manifest"
    }

    /// The bytes of an index made here.
    package func serialized() -> [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = .int(2)
        object["mediaType"] = .string(mediaType)
        object["manifests"] = .array(manifests.map { .object($0.json) })
        if !annotations.isEmpty { object["annotations"] = .object(.strings(annotations)) }
        return JSONValue.object(object).serializedBytes(.compact)
    }
}

/// What the bytes of a document are that came as an answer to the name of an image.
package enum ImageDocument: Sendable, Hashable {
    case manifest(ImageManifest)
    case index(ImageIndex)

    /// Reads a manifest or an index.
    ///
    /// - Parameter mediaType: what the sender says it is; nil where only the document can tell.
    /// - Throws: `OCIError`; also when the document contradicts `mediaType`, which could make two readers see two
    ///   images in the same bytes.
    package init(bytes: [UInt8], mediaType: String? = nil) throws(OCIError) {
        let fields = try FieldReader(document: "manifest", bytes: bytes)
        let inside = try fields.string("mediaType")
        if let inside, let mediaType, inside != mediaType {
            throw fields.bad("mediaType", "`\(mediaType)`, as which it was given")
        }
        let hasManifests = fields.object["manifests"] != nil
        let hasLayers = fields.object["layers"] != nil || fields.object["config"] != nil
        guard !(hasManifests && hasLayers) else {
            throw fields.bad("manifests", "absent where there are layers")
        }
        let kind = inside ?? mediaType ?? (hasManifests ? MediaType.ociIndex : MediaType.ociManifest)
        if MediaType.isIndex(kind) {
            self = .index(try ImageIndex(bytes: bytes))
        } else {
            self = .manifest(try ImageManifest(bytes: bytes))
        }
    }
}
