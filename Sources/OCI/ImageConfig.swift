import JSONText

/// An image config: what the image is for, how to run it, and the diff ids of its layers.
///
/// Source: OCI image specification, config.md. The digest of its bytes is the image's id, so bytes that were read are
/// kept by the store and never written again from this value.
package struct ImageConfig: Sendable, Hashable {
    /// How one layer came to be.
    package struct History: Sendable, Hashable {
        /// When, in RFC 3339.
        package var created: String?
        /// The command that made the layer.
        package var createdBy: String?
        /// A remark.
        package var comment: String?
        /// Whether the step made no layer.
        package var emptyLayer: Bool

        package init(
            created: String? = nil, createdBy: String? = nil, comment: String? = nil, emptyLayer: Bool = false
        ) {
            self.created = created
            self.createdBy = createdBy
            self.comment = comment
            self.emptyLayer = emptyLayer
        }
    }

    /// What the image runs on.
    package var platform: Platform

    /// When the image was made, in RFC 3339.
    package var created: String?

    /// Who made the image.
    package var author: String?

    /// The defaults of a container made of this image.
    package var execution: ExecutionParameters

    /// The digests of the uncompressed layers, lowest first.
    package var diffIDs: [Digest]

    /// How each layer came to be, lowest first.
    package var history: [History]

    package init(
        platform: Platform = .host, created: String? = nil, author: String? = nil,
        execution: ExecutionParameters = .init(), diffIDs: [Digest] = [], history: [History] = []
    ) {
        self.platform = platform
        self.created = created
        self.author = author
        self.execution = execution
        self.diffIDs = diffIDs
        self.history = history
    }

    /// Reads a config.
    ///
    /// - Throws: `OCIError`, with the field that is missing or wrong.
    package init(bytes: [UInt8]) throws(OCIError) {
        let document = "image config"
        let fields = try FieldReader(document: document, bytes: bytes)
        platform = Platform(
            os: try fields.requiredString("os"), architecture: try fields.requiredString("architecture"),
            variant: try fields.string("variant"))
        created = try fields.string("created")
        author = try fields.string("author")
        execution =
            try fields.reader("config").map { fields throws(OCIError) in try ExecutionParameters(fields) } ?? .init()
        guard let rootfs = try fields.reader("rootfs") else {
            throw .missingField(document: document, field: "rootfs")
        }
        guard try rootfs.string("type") == "layers" else { throw rootfs.bad("type", "`layers`") }
        diffIDs = []
        for text in try rootfs.strings("diff_ids") ?? [] {
            guard let digest = Digest(text) else { throw rootfs.bad("diff_ids", "a list of digests") }
            diffIDs.append(digest)
        }
        history = []
        for value in try fields.array("history") ?? [] {
            guard let object = value.objectValue else { throw fields.bad("history", "a list of objects") }
            history.append(try History(FieldReader(document: "image config's history", object: object)))
        }
    }

    /// The config in the specification's order of fields.
    package var json: JSONObject {
        var object = JSONObject()
        if let created { object["created"] = .string(created) }
        if let author { object["author"] = .string(author) }
        object["architecture"] = .string(platform.architecture)
        if let variant = platform.variant { object["variant"] = .string(variant) }
        object["os"] = .string(platform.os)
        object["config"] = .object(execution.json)
        var rootfs = JSONObject()
        rootfs["type"] = .string("layers")
        rootfs["diff_ids"] = .strings(diffIDs.map(\.description))
        object["rootfs"] = .object(rootfs)
        if !history.isEmpty { object["history"] = .array(history.map { .object($0.json) }) }
        return object
    }

    /// The bytes of a config made here; equal values give equal bytes.
    package func serialized() -> [UInt8] {
        JSONValue.object(json).serializedBytes(.compact)
    }
}

extension ImageConfig.History {
    init(_ fields: FieldReader) throws(OCIError) {
        created = try fields.string("created")
        createdBy = try fields.string("created_by")
        comment = try fields.string("comment")
        emptyLayer = try fields.boolean("empty_layer") ?? false
    }

    var json: JSONObject {
        var object = JSONObject()
        if let created { object["created"] = .string(created) }
        if let createdBy { object["created_by"] = .string(createdBy) }
        if let comment { object["comment"] = .string(comment) }
        if emptyLayer { object["empty_layer"] = .bool(true) }
        return object
    }
}
