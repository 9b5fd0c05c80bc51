import Archives
import Diagnostics
import OCI

/// An image of an archive, checked, with all it needs.
struct ArchiveImage: Sendable {
    let configBytes: [UInt8]
    let config: ImageConfig
    /// The manifest, byte for byte, where the archive has one.
    let manifest: [UInt8]?
    let layers: [ImageArchive.Layer]
    let references: [ImageReference]
}

/// Finds the images of an archive: of Docker's `manifest.json`, else of an OCI layout's `index.json`.
struct ArchiveImages {
    let archive: ImageArchive
    let platform: Platform

    /// - Throws: `Diagnostic`, naming the file that is missing or wrong.
    func list() throws -> [ArchiveImage] {
        if let bytes = archive.documents["manifest.json"] {
            return try DockerArchiveImage.list(bytes: bytes).map(docker)
        }
        if let bytes = archive.documents["index.json"] { return try layout(ImageIndex(bytes: bytes)) }
        throw ImageArchive.refusal(
            "this is no archive of images", "it has neither `manifest.json` nor `index.json`",
            hint: "a root file system becomes an image with `import`")
    }

    // MARK: Docker

    private func docker(_ item: DockerArchiveImage) throws -> ArchiveImage {
        let configBytes = try archive.document(item.config, for: "an image config")
        let id = try BlobStore.digest(of: configBytes)
        if let claimed = ImageArchive.digest(inName: try archive.resolve(item.config)), claimed != id {
            throw ImageStore.wrongDigest("image config", claimed, is: id)
        }
        let config = try ImageConfig(bytes: configBytes)
        let layers = try item.layers.map { path in
            let layer = try archive.layer(path, for: "a layer of image \(item.tags.first ?? id.shortHex)")
            try check(layer, inName: try archive.resolve(path))
            return layer
        }
        try check(layers, config)
        let manifest = manifest(of: id, layers: layers)
        let references = try item.tags.map(reference)
        return ArchiveImage(
            configBytes: configBytes, config: config, manifest: manifest, layers: layers, references: references)
    }

    /// The manifest of an image in the OCI layout that newer archives have as well.
    private func manifest(of config: Digest, layers: [ImageArchive.Layer]) -> [UInt8]? {
        let digests = layers.map(\.digest)
        for path in archive.documents.keys.sorted() where path.hasPrefix("blobs/") {
            guard let bytes = archive.documents[path], let manifest = try? ImageManifest(bytes: bytes),
                manifest.config.digest == config, manifest.layers.map(\.digest) == digests,
                (try? manifest.checkLayers()) != nil
            else { continue }
            return bytes
        }
        return nil
    }

    private func reference(_ text: String) throws -> ImageReference {
        do {
            return try ImageReference(text)
        } catch {
            throw Diagnostic(
                code: StoreCode.badReference, summary: "the archive has an image of the name `\(text)`",
                detail: "\(error)")
        }
    }

    // MARK: OCI layouts

    private func layout(_ index: ImageIndex) throws -> [ArchiveImage] {
        var names: [Digest: [ImageReference]] = [:]
        var order: [Descriptor] = []
        for (name, group) in Dictionary(grouping: index.images, by: Self.name).sorted(by: { $0.key < $1.key }) {
            for descriptor in try chosen(group) {
                let digest = descriptor.digest
                if names[digest] == nil { order.append(descriptor) }
                let reference = name.isEmpty ? nil : try reference(name)
                names[digest, default: []] += reference.map { [$0] } ?? []
            }
        }
        guard !order.isEmpty else {
            throw ImageArchive.refusal("the archive has no images", "its `index.json` lists none")
        }
        return try order.map { try image($0, references: names[$0.digest] ?? [], depth: 0) }
    }

    /// Of several images of one name, or of none, those for this platform.
    private func chosen(_ group: [Descriptor]) throws -> [Descriptor] {
        let platforms = group.compactMap(\.platform?.normalized)
        let isChoice = group.count > 1 && platforms.count == group.count && Set(platforms).count == group.count
        return isChoice ? [try ImageIndex(manifests: group).manifest(for: platform)] : group
    }

    /// The full name an index gives an image; empty where it gives none, or a tag only.
    private static func name(of descriptor: Descriptor) -> String {
        if let name = descriptor.annotations["io.containerd.image.name"] { return name }
        let name = descriptor.annotations["org.opencontainers.image.ref.name"] ?? ""
        return name.contains(":") || name.contains("/") ? name : ""
    }

    private func image(_ descriptor: Descriptor, references: [ImageReference], depth: Int) throws -> ArchiveImage {
        let bytes = try blob(descriptor, for: "a manifest")
        switch try ImageDocument(bytes: bytes, mediaType: descriptor.mediaType) {
        case .index(let index):
            guard depth < 4 else {
                throw ImageArchive.refusal("index \(descriptor.digest) is too deep", "more than 4 are in one another")
            }
            return try image(try index.manifest(for: platform), references: references, depth: depth + 1)
        case .manifest(let manifest):
            try manifest.checkLayers()
            let configBytes = try blob(manifest.config, for: "an image config")
            let config = try ImageConfig(bytes: configBytes)
            let layers = try manifest.layers.map { descriptor in
                let path = Self.path(of: descriptor.digest)
                let layer = try archive.layer(path, for: "a layer of manifest \(Digest.short(bytes))")
                try check(layer, inName: path)
                return layer
            }
            try check(layers, config)
            return ArchiveImage(
                configBytes: configBytes, config: config, manifest: bytes, layers: layers, references: references)
        }
    }

    private func blob(_ descriptor: Descriptor, for purpose: String) throws -> [UInt8] {
        let bytes = try archive.document(Self.path(of: descriptor.digest), for: purpose)
        guard descriptor.digest.algorithm == .sha256 else {
            throw OCIError.unsupportedDigest(document: "index", digest: descriptor.digest)
        }
        let digest = try BlobStore.digest(of: bytes)
        guard digest == descriptor.digest else { throw ImageStore.wrongDigest("blob", descriptor.digest, is: digest) }
        return bytes
    }

    private static func path(of digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    // MARK: Both

    /// A name that is a digest has to be right; other tools go by it.
    private func check(_ layer: ImageArchive.Layer, inName path: String) throws {
        guard let claimed = ImageArchive.digest(inName: path), claimed != layer.digest, claimed != layer.diffID else {
            return
        }
        throw ImageStore.wrongDigest("layer", claimed, is: layer.digest)
    }

    private func check(_ layers: [ImageArchive.Layer], _ config: ImageConfig) throws {
        guard config.diffIDs.count == layers.count else {
            throw OCIError.layerCount(config: config.diffIDs.count, manifest: layers.count)
        }
        for (layer, diffID) in zip(layers, config.diffIDs) where layer.diffID != diffID {
            throw Diagnostic(
                code: StoreCode.wrongDigest, summary: "layer \(layer.digest) is not the one the image config names",
                detail: "its tar has the digest \(layer.diffID); the config's `diff_ids` have \(diffID)",
                hint: "the archive was changed, or made wrongly")
        }
    }
}

extension Digest {
    /// The first digits of the digest of bytes, for messages.
    fileprivate static func short(_ bytes: [UInt8]) -> String { String(SHA256.hex(of: bytes).prefix(12)) }
}
