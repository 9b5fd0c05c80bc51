import JSONText

/// An image manifest: one config and the layers in order, lowest first.
///
/// Source: OCI image specification, manifest.md; Docker's schema 2 has the same shape.
package struct ImageManifest: Sendable, Hashable {
    /// The manifest's own media type; absent in some OCI manifests, which then count as OCI.
    package var mediaType: String

    /// The image config.
    package var config: Descriptor

    /// The layers, lowest first.
    package var layers: [Descriptor]

    /// Free key and value pairs.
    package var annotations: [String: String]

    /// The kind of artifact, where it is no image.
    package var artifactType: String?

    /// The manifest this one says something of, such as how it was made.
    package var subject: Descriptor?

    package init(
        config: Descriptor, layers: [Descriptor], annotations: [String: String] = [:],
        mediaType: String = MediaType.ociManifest, artifactType: String? = nil, subject: Descriptor? = nil
    ) {
        self.artifactType = artifactType
        self.subject = subject
        self.config = config
        self.layers = layers
        self.annotations = annotations
        self.mediaType = mediaType
    }

    /// Reads a manifest.
    ///
    /// - Throws: `OCIError`, with the field that is missing or wrong.
    package init(bytes: [UInt8]) throws(OCIError) {
        let document = "manifest"
        let fields = try FieldReader(document: document, bytes: bytes)
        mediaType = try fields.string("mediaType") ?? MediaType.ociManifest
        guard try fields.integer("schemaVersion") != 1 else { throw .schemaOne }
        guard mediaType == MediaType.ociManifest || mediaType == MediaType.dockerManifest else {
            throw .unsupportedMediaType(document: document, mediaType: mediaType)
        }
        guard try fields.integer("schemaVersion") == 2 else { throw fields.bad("schemaVersion", "2") }
        guard let config = try fields.reader("config") else {
            throw .missingField(document: document, field: "config")
        }
        self.config = try Descriptor(config)
        layers = []
        for value in try fields.array("layers") ?? [] {
            guard let object = value.objectValue else { throw fields.bad("layers", "a list of descriptors") }
            layers.append(try Descriptor(FieldReader(document: "manifest's layer", object: object)))
        }
        annotations = try fields.dictionary("annotations")
        artifactType = try fields.string("artifactType")
        subject = try fields.reader("subject").map { fields throws(OCIError) in try Descriptor(fields) }
    }

    /// Checks that everything the manifest names is something an image can be made of.
    ///
    /// - Throws: `OCIError`, naming the layer that is foreign or of a kind that is not read here.
    package func checkLayers() throws(OCIError) {
        guard config.digest.algorithm == .sha256 else {
            throw .unsupportedDigest(document: "manifest", digest: config.digest)
        }
        for layer in layers {
            guard !MediaType.isForeignLayer(layer.mediaType) else {
                throw .foreignLayer(digest: layer.digest, mediaType: layer.mediaType, urls: layer.urls)
            }
            guard MediaType.isLayer(layer.mediaType) else {
                throw .unsupportedMediaType(document: "manifest's layer \(layer.digest)", mediaType: layer.mediaType)
            }
            guard layer.digest.algorithm == .sha256 else {
                throw .unsupportedDigest(document: "manifest", digest: layer.digest)
            }
        }
    }

    /// The bytes of a manifest made here.
    ///
    /// One that was read keeps its own bytes, which this need not equal.
    package func serialized() -> [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = .int(2)
        object["mediaType"] = .string(mediaType)
        if let artifactType { object["artifactType"] = .string(artifactType) }
        object["config"] = .object(config.json)
        object["layers"] = .array(layers.map { .object($0.json) })
        if let subject { object["subject"] = .object(subject.json) }
        if !annotations.isEmpty { object["annotations"] = .object(.strings(annotations)) }
        return JSONValue.object(object).serializedBytes(.compact)
    }
}
