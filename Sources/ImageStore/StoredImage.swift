import JSONText
import OCI

/// An image in the store.
package struct StoredImage: Sendable, Hashable {
    /// The image id: the digest of the config's bytes.
    package let id: Digest

    /// The names with a tag it has, sorted.
    package var references: [ImageReference]

    /// The repositories of registries that have it, each with the digest it has there, sorted.
    ///
    /// That of the index where the image came through one.
    package var repoDigests: [ImageReference]

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

    /// - Parameter names: with a tag or with a digest.
    init(
        id: Digest, names: [ImageReference], config: ImageConfig, size: Int64, manifestDigest: Digest?,
        attributes: JSONObject
    ) {
        self.id = id
        references = names.filter { $0.digest == nil }
        repoDigests = names.filter { $0.digest != nil }
        self.config = config
        self.layers = config.diffIDs
        self.size = size
        self.manifestDigest = manifestDigest
        self.attributes = attributes
    }
}

/// What removing a name or an image did.
package struct ImageRemoval: Sendable, Hashable {
    /// Names that are gone, those with a digest too.
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
    /// Its names with a tag.
    package let references: [ImageReference]
    /// Its names with a digest.
    package let repoDigests: [ImageReference]

    /// - Parameter names: with a tag or with a digest.
    init(id: Digest, names: [ImageReference]) {
        self.id = id
        references = names.filter { $0.digest == nil }
        repoDigests = names.filter { $0.digest != nil }
    }

    /// All names.
    package var names: [ImageReference] { references + repoDigests }

    /// The names that go when a user removes one.
    ///
    /// With the last tag of a repository go the digests the image has there, as with Docker. Empty when `name` is none
    /// of the image's.
    package func namesGoing(with name: ImageReference) -> [ImageReference] {
        if let digest = name.digest {
            return repoDigests.filter { $0.repository == name.repository && $0.digest == digest }
        }
        let tagged = name.withDefaultTag
        guard references.contains(tagged) else { return [] }
        let isLast = !references.contains { $0 != tagged && $0.repository == tagged.repository }
        return [tagged] + (isLast ? repoDigests.filter { $0.repository == tagged.repository } : [])
    }

    /// Whether all names are one tag and digests of one repository, so that the id stands for them.
    package var hasOneName: Bool { references.count <= 1 && Set(names.map(\.repository)).count <= 1 }
}
