import JSONText

/// One image of a Docker archive's `manifest.json`.
///
/// Source: moby, `image/tarexport`; the file is a list of these.
package struct DockerArchiveImage: Sendable, Hashable {
    /// The path of the config in the archive.
    package var config: String

    /// The names of the image.
    package var tags: [String]

    /// The paths of the layers in the archive, lowest first.
    package var layers: [String]

    package init(config: String, tags: [String], layers: [String]) {
        self.config = config
        self.tags = tags
        self.layers = layers
    }

    /// Reads `manifest.json`.
    ///
    /// - Throws: `OCIError`, with the field that is missing or wrong.
    package static func list(bytes: [UInt8]) throws(OCIError) -> [DockerArchiveImage] {
        let document = "archive's manifest.json"
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            throw .notJSON(document: document, reason: error.reason)
        }
        guard let items = value.arrayValue else { throw .notJSON(document: document, reason: "it is not a list") }
        var images: [DockerArchiveImage] = []
        for item in items {
            guard let object = item.objectValue else {
                throw .notJSON(document: document, reason: "it is not a list of objects")
            }
            let fields = FieldReader(document: document, object: object)
            images.append(
                DockerArchiveImage(
                    config: try fields.requiredString("Config"), tags: try fields.strings("RepoTags") ?? [],
                    layers: try fields.strings("Layers") ?? []))
        }
        return images
    }

    /// The bytes of a `manifest.json`.
    package static func serialized(_ images: [DockerArchiveImage]) -> [UInt8] {
        let items = images.map { image in
            var object = JSONObject()
            object["Config"] = .string(image.config)
            object["RepoTags"] = image.tags.isEmpty ? .null : .strings(image.tags)
            object["Layers"] = .strings(image.layers)
            return JSONValue.object(object)
        }
        return JSONValue.array(items).serializedBytes(.compact)
    }
}
