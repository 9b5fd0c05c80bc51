import JSONText
import OCI

/// An image in the store.
package struct StoredImage: Sendable, Hashable {
    /// The image id: the digest of the config's bytes.
    package let id: Digest

    /// The names it has, sorted.
    package var references: [ImageReference]

    /// The decoded config.
    package let config: ImageConfig

    /// The diff ids of its layers, lowest first, as in the config.
    package let layers: [Digest]

    /// Bytes of its layers, uncompressed, shared ones included.
    package let size: Int64

    /// The digest of its manifest's bytes, by which registries know it.
    package let manifestDigest: Digest?

    /// When the image was made, in RFC 3339; empty when its config does not say.
    package var created: String { config.created ?? "" }

    /// What the store knows of its origin, such as the Debian packages it was built from.
    package let attributes: JSONObject

    init(
        id: Digest, references: [ImageReference], config: ImageConfig, size: Int64, manifestDigest: Digest?,
        attributes: JSONObject
    ) {
        self.id = id
        self.references = references
        self.config = config
        self.layers = config.diffIDs
        self.size = size
        self.manifestDigest = manifestDigest
        self.attributes = attributes
    }
}

/// What removing a name or an image did.
package struct ImageRemoval: Sendable, Hashable {
    /// Names that are gone.
    package var untagged: [ImageReference] = []
    /// Images that are gone.
    package var deletedImages: [Digest] = []
    /// Layers that are gone.
    package var deletedLayers: [Digest] = []

    package init() {}
}

/// What a garbage collection removed.
package struct GarbageReport: Sendable, Hashable {
    /// Images that are gone.
    package var images: [Digest] = []
    /// Layers that are gone.
    package var layers: [Digest] = []
    /// Blobs that are gone.
    package var blobs: [Digest] = []
    /// Bytes of disk that are free again.
    package var freedBytes: Int64 = 0

    package init() {}
}

/// What the store takes on the disk.
package struct ImageDiskUsage: Sendable, Hashable {
    /// Bytes of all layers, each counted once, with their recipes and what is being written or removed.
    package var layersBytes: Int64 = 0
    /// Bytes of all blobs.
    package var blobsBytes: Int64 = 0
    /// Bytes of layers that have come in part.
    package var partialsBytes: Int64 = 0
    /// Bytes of everything.
    package var totalBytes: Int64 { layersBytes + blobsBytes + partialsBytes }
    /// For each image, bytes of layers that no other image has, uncompressed.
    package var uniqueBytes: [Digest: Int64] = [:]

    package init() {}
}

/// How far a long step of the store is.
package struct ImageProgressUpdate: Sendable, Hashable {
    /// What is being done, one line.
    package var message: String
    /// Units done, where that is known.
    package var current: Int64?
    /// Units in all, where that is known.
    package var total: Int64?

    package init(message: String, current: Int64? = nil, total: Int64? = nil) {
        self.message = message
        self.current = current
        self.total = total
    }
}

/// Receives progress, in order, from any thread.
package typealias ImageProgress = @Sendable (ImageProgressUpdate) -> Void

/// Which image is meant, whether it can be read or not.
package struct ImageIdentity: Sendable, Hashable {
    /// The image.
    package let id: Digest
    /// Its names.
    package let references: [ImageReference]
}
