import OCI

/// What the name of an image stands for in its registry at this moment.
package struct RemoteImage: Sendable, Hashable {
    /// The name that was asked for, with its tag or digest.
    package let reference: ImageReference
    /// What the registry has under it: an index, or the manifest of one image.
    package let descriptor: Descriptor

    package init(reference: ImageReference, descriptor: Descriptor) {
        self.reference = reference
        self.descriptor = descriptor
    }

    /// The digest: of the index where it is one.
    package var digest: Digest { descriptor.digest }

    /// The media type of what the digest names.
    package var mediaType: String { descriptor.mediaType }

    /// The repository with the digest: the same content for ever.
    package var pinned: ImageReference { reference.at(digest) }
}

/// The manifest of one image, as a registry has it for a platform, and the image's config.
package struct RemoteManifest: Sendable, Hashable {
    /// The manifest.
    package let manifest: ImageManifest
    /// Its bytes, exactly.
    package let bytes: [UInt8]
    /// Its digest.
    package let digest: Digest
    /// The config's bytes, exactly.
    package let config: [UInt8]
    /// What the config says the image is for.
    package let platform: Platform
}

/// One image of a registry: finds what its name stands for, and chooses the manifest for a platform.
///
/// Every call blocks. What it throws is a `RegistryError` or an `OCIError`.
package struct RemoteImageReader: Sendable {
    /// The name, with its tag or digest.
    package let reference: ImageReference
    /// The client of its repository.
    package let client: RegistryClient

    /// Most indexes between a name and a manifest.
    private static let depthLimit = 4
    /// Most bytes of a config.
    private static let configLimit = 8 << 20

    /// A reader for a name; `latest` is added to a name without a tag.
    package init(_ reference: ImageReference, options: RegistryOptions) throws(RegistryError) {
        self.reference = reference.withDefaultTag
        client = try RegistryClient(reference, options: options)
    }

    private var target: String { reference.digest?.description ?? reference.tag ?? ImageReference.defaultTag }

    /// Asks what the registry has under the name.
    package func find() throws(RegistryError) -> RemoteImage {
        RemoteImage(reference: reference, descriptor: try client.resolve(target))
    }

    /// The platforms there are images for: those an index lists, else the one in the image's config.
    package func platforms(of image: RemoteImage) throws -> [Platform] {
        let fetched = try client.manifest(image.digest)
        switch try ImageDocument(bytes: fetched.bytes, mediaType: fetched.mediaType) {
        case .index(let index): return index.images.compactMap(\.platform)
        case .manifest(let manifest): return [try config(of: manifest).platform]
        }
    }

    /// Fetches the manifest and the config of the image for a platform.
    ///
    /// - Parameter platform: nil for that of this host, or, of an image that has only one, for that.
    /// - Throws: `OCIError.noSuchPlatform`, with those there are.
    package func manifest(of image: RemoteImage, for platform: Platform?) throws -> RemoteManifest {
        var digest = image.digest
        var mediaType = image.mediaType
        for _ in 0...Self.depthLimit {
            let fetched = try client.manifest(digest)
            guard fetched.mediaType == mediaType else {
                throw OCIError.badField(
                    document: "manifest \(digest)", field: "mediaType", expected: "`\(mediaType)`, as it was announced")
            }
            switch try ImageDocument(bytes: fetched.bytes, mediaType: fetched.mediaType) {
            case .index(let index):
                let chosen = try index.manifest(for: platform ?? .host)
                (digest, mediaType) = (chosen.digest, chosen.mediaType)
            case .manifest(let manifest):
                try manifest.checkLayers()
                let config = try config(of: manifest)
                try Self.check(config.platform, fits: platform)
                return RemoteManifest(
                    manifest: manifest, bytes: fetched.bytes, digest: fetched.digest, config: config.bytes,
                    platform: config.platform)
            }
        }
        throw OCIError.badField(
            document: "index \(image.digest)", field: "manifests",
            expected: "manifests within \(Self.depthLimit) indexes of indexes")
    }

    /// An image may say that it is for another processor, which the kernel may know how to run; not so when a platform
    /// was asked for.
    private static func check(_ found: Platform, fits wanted: Platform?) throws(OCIError) {
        let isFitting =
            wanted.map { $0.accepted.contains(found.normalized) } ?? (found.os == Platform.host.os)
        guard isFitting else { throw .noSuchPlatform(wanted: wanted ?? .host, available: [found]) }
    }

    private func config(of manifest: ImageManifest) throws -> (bytes: [UInt8], platform: Platform) {
        let bytes = try client.blobBytes(
            manifest.config.digest, size: manifest.config.size, limit: Self.configLimit)
        return (bytes, try ImageConfig(bytes: bytes).platform)
    }
}
