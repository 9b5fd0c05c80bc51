import Archives
import ImageStore
import JSONText
import Linux
import OCI

/// Bytes that are named by their digest.
struct AssembledBlob: Sendable, Hashable {
    let bytes: [UInt8]
    let descriptor: BlobDescriptor

    init(_ bytes: [UInt8], mediaType: String, annotations: [String: String] = [:]) throws {
        self.bytes = bytes
        descriptor = BlobDescriptor(
            mediaType: mediaType, digest: try Self.digest(of: bytes), size: Int64(bytes.count),
            annotations: annotations)
    }

    static func digest(of bytes: [UInt8]) throws -> Digest {
        guard let digest = Digest(sha256Hex: SHA256.hex(of: bytes)) else {
            throw OCIError.badField(document: "blob", field: "digest", expected: "64 hexadecimal digits")
        }
        return digest
    }
}

/// The image of one platform with what is said of it.
struct AssembledImage: Sendable {
    let platform: Platform
    let config: AssembledBlob
    let manifest: AssembledBlob
    /// The manifest as an index lists it.
    let listed: BlobDescriptor
    /// Lowest first, with the digests of their tars.
    let layers: [(export: LayerExport, diffID: Digest)]
    /// Statements, and the manifest that has them; empty where nothing is said.
    var statements: [AssembledBlob] = []
    var attestation: AssembledBlob?

    /// - Parameter cache: what is said of the steps, for `type=inline`.
    init(
        _ result: BuildProduct.Result, layers: [LayerExport], annotations: AnnotationPlacement, cache: String?
    ) throws {
        platform = result.platform
        self.layers = Array(zip(layers, result.layers)).map { ($0, $1) }
        config = try AssembledBlob(result.config.serialized(), mediaType: MediaType.ociConfig)
        var own = annotations.of(.manifest, platform: platform)
        own[CacheDocument.annotation] = cache
        manifest = try AssembledBlob(
            ImageManifest(config: config.descriptor, layers: layers.map(\.descriptor), annotations: own).serialized(),
            mediaType: MediaType.ociManifest)
        var listed = manifest.descriptor
        listed.platform = platform
        listed.annotations = annotations.of(.manifestDescriptor, platform: platform)
        self.listed = listed
    }

    /// Adds statements about the image.
    ///
    /// They are found in both ways there are: an index lists their manifest as BuildKit does
    /// (`vnd.docker.reference.type`), and its `subject` makes it a referrer of the image's manifest.
    ///
    /// Source: BuildKit, docs/attestations/attestation-storage.md; OCI distribution specification, referrers.
    mutating func attest(_ statements: [(predicateType: String, bytes: [UInt8])]) throws {
        guard !statements.isEmpty else { return }
        self.statements = try statements.map { statement in
            try AssembledBlob(
                statement.bytes, mediaType: MediaType.inToto,
                annotations: ["in-toto.io/predicate-type": statement.predicateType])
        }
        let empty = try Self.emptyConfig().descriptor
        let manifest = ImageManifest(
            config: empty, layers: self.statements.map(\.descriptor), artifactType: MediaType.attestations,
            subject: self.manifest.descriptor)
        attestation = try AssembledBlob(manifest.serialized(), mediaType: MediaType.ociManifest)
    }

    /// The config of a manifest that is no image's.
    static func emptyConfig() throws -> AssembledBlob {
        try AssembledBlob(Array("{}".utf8), mediaType: MediaType.ociEmpty)
    }

    /// The manifest of the statements as an index lists it.
    var listedAttestation: BlobDescriptor? {
        guard var listed = attestation?.descriptor else { return nil }
        listed.platform = Platform(os: "unknown", architecture: "unknown")
        listed.annotations = [
            "vnd.docker.reference.digest": manifest.descriptor.digest.description,
            "vnd.docker.reference.type": "attestation-manifest",
        ]
        return listed
    }

    /// The manifest of the statements as it is listed among referrers.
    var referrer: BlobDescriptor? {
        guard var listed = attestation?.descriptor else { return nil }
        listed.artifactType = MediaType.attestations
        return listed
    }
}

/// The images of a product, and the index where there is one.
struct Assembly: Sendable {
    let images: [AssembledImage]
    /// Nil for the image of one platform of which nothing is said.
    let index: AssembledBlob?
    /// What names stand for, with the annotations that whoever lists it gives it.
    let root: BlobDescriptor

    init(_ images: [AssembledImage], annotations: AnnotationPlacement) throws {
        self.images = images
        let attestations = images.compactMap(\.listedAttestation)
        if images.count == 1, attestations.isEmpty, let image = images.first {
            index = nil
            root = image.listed
            return
        }
        let index = try AssembledBlob(
            ImageIndex(
                manifests: images.map(\.listed) + attestations, annotations: annotations.of(.index)
            ).serialized(), mediaType: MediaType.ociIndex)
        self.index = index
        var root = index.descriptor
        root.annotations = annotations.of(.indexDescriptor)
        self.root = root
    }

    /// The OCI layout of it.
    ///
    /// - Parameters:
    ///   - names: what the layout calls it.
    ///   - created: the moment of the image, RFC 3339.
    func archive(named names: [ImageReference], created: String) throws -> LayoutArchive {
        var archive = LayoutArchive()
        for image in images {
            for layer in image.layers { archive.add(layer.export) }
            for blob in [image.config, image.manifest] + image.statements {
                archive.add(blob.bytes, blob.descriptor.digest)
            }
            if let attestation = image.attestation {
                let empty = try AssembledImage.emptyConfig()
                for blob in [attestation, empty] { archive.add(blob.bytes, blob.descriptor.digest) }
            }
        }
        if let index { archive.add(index.bytes, index.descriptor.digest) }
        var listed = root
        listed.annotations["org.opencontainers.image.created"] = created
        archive.index = ImageIndex(manifests: LayoutArchive.entries(of: listed, named: names))
        return archive
    }

    /// The archive that `docker load` reads: the image without what is said of it.
    func dockerArchive(named names: [ImageReference], created: String) throws -> LayoutArchive {
        var archive = try Assembly(images.map { $0.withoutStatements }, annotations: AnnotationPlacement([:]))
            .archive(named: names, created: created)
        archive.list = images.map { image in
            DockerArchiveImage(
                config: LayoutArchive.path(of: image.config.descriptor.digest), tags: names.map(\.familiar),
                layers: image.layers.map { LayoutArchive.path(of: $0.export.descriptor.digest) })
        }
        return archive
    }
}

extension AssembledImage {
    fileprivate var withoutStatements: AssembledImage {
        var copy = self
        copy.statements = []
        copy.attestation = nil
        return copy
    }
}
