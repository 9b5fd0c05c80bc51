import JSONText

/// A typed, sized, content-addressed pointer.
///
/// Source: OCI image specification, descriptor.md.
package struct Descriptor: Sendable, Hashable {
    /// The media type of what is pointed at.
    package var mediaType: String

    /// The digest of its bytes.
    package var digest: Digest

    /// Its size in bytes.
    package var size: Int64

    /// What the image is for, in an index.
    package var platform: Platform?

    /// Free key and value pairs.
    package var annotations: [String: String]

    /// The kind of artifact, where it is not an image.
    package var artifactType: String?

    /// Other places to fetch it from ("foreign layers").
    package var urls: [String]

    package init(
        mediaType: String, digest: Digest, size: Int64, platform: Platform? = nil, annotations: [String: String] = [:],
        artifactType: String? = nil, urls: [String] = []
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.annotations = annotations
        self.artifactType = artifactType
        self.urls = urls
    }

    init(_ fields: FieldReader) throws(OCIError) {
        mediaType = try fields.requiredString("mediaType")
        digest = try fields.digest("digest")
        guard let size = try fields.integer("size") else {
            throw .missingField(document: fields.document, field: "size")
        }
        guard size >= 0 else { throw fields.bad("size", "zero or more") }
        self.size = size
        if let platform = try fields.reader("platform") {
            // A config's descriptor may have a platform without a system; it chooses nothing then.
            if let os = try platform.string("os"), let architecture = try platform.string("architecture") {
                let variant = try platform.string("variant")
                self.platform = Platform(
                    os: os, architecture: architecture, variant: variant?.isEmpty == true ? nil : variant)
            }
        }
        annotations = try fields.dictionary("annotations")
        artifactType = try fields.string("artifactType")
        urls = try fields.strings("urls") ?? []
    }

    /// The descriptor in the specification's order of fields.
    package var json: JSONObject {
        var object = JSONObject()
        object["mediaType"] = .string(mediaType)
        object["digest"] = .string(digest.description)
        object["size"] = .int(size)
        if !urls.isEmpty { object["urls"] = .strings(urls) }
        if !annotations.isEmpty { object["annotations"] = .object(.strings(annotations)) }
        if let artifactType { object["artifactType"] = .string(artifactType) }
        if let platform { object["platform"] = .object(platform.json) }
        return object
    }
}
