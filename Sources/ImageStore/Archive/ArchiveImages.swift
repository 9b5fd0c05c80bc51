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
///
/// Each document is read once, however many images name it.
struct ArchiveImages {
    private let archive: ImageArchive
    private let platform: Platform
    private var configs: [String: Config] = [:]

    /// A config as it is in the archive.
    private struct Config {
        let bytes: [UInt8]
        let id: Digest
        let value: ImageConfig
    }

    /// Images of one archive, and layers of one image: an overlay takes 500.
    private static let limits = (images: 1000, layers: 500)

    init(archive: ImageArchive, platform: Platform) {
        self.archive = archive
        self.platform = platform
    }

    /// - Throws: `Diagnostic`, naming the file that is missing or wrong.
    mutating func list() throws -> [ArchiveImage] {
        if let bytes = archive.documents["manifest.json"] {
            let items = try DockerArchiveImage.list(bytes: bytes)
            try checkCount(items.count, "manifest.json")
            let manifests = archivedManifests()
            return try items.map { try docker($0, manifests) }
        }
        if let bytes = archive.documents["index.json"] { return try layout(ImageIndex(bytes: bytes)) }
        throw ImageArchive.refusal(
            "this is no archive of images", "it has neither `manifest.json` nor `index.json`",
            hint: "a root file system becomes an image with `import`")
    }

    private func checkCount(_ count: Int, _ name: String) throws {
        guard count <= Self.limits.images else {
            throw ImageArchive.refusal(
                "the archive has too many images", "`\(name)` lists \(count), and \(Self.limits.images) are the limit")
        }
    }

    private mutating func config(_ path: String) throws -> Config {
        let name = try archive.resolve(path)
        if let known = configs[name] { return known }
        let bytes = try archive.document(path, for: "an image config")
        let config = Config(bytes: bytes, id: try BlobStore.digest(of: bytes), value: try ImageConfig(bytes: bytes))
        configs[name] = config
        return config
    }

    // MARK: Docker

    private mutating func docker(
        _ item: DockerArchiveImage, _ manifests: [Digest: [ArchivedManifest]]
    ) throws -> ArchiveImage {
        let config = try config(item.config)
        let id = config.id
        if let claimed = ImageArchive.digest(inName: try archive.resolve(item.config)), claimed != id {
            throw ImageStore.wrongDigest("image config", claimed, is: id)
        }
        let layers = try item.layers.map { path in
            let layer = try archive.layer(path, for: "a layer of image \(item.tags.first ?? id.shortHex)")
            try check(layer, inName: try archive.resolve(path))
            return layer
        }
        try check(layers, item.layers, config.value)
        let digests = layers.map(\.digest)
        let manifest = manifests[id]?.first { $0.layers == digests }
        let references = try item.tags.map(reference)
        return ArchiveImage(
            configBytes: config.bytes, config: config.value, manifest: manifest?.bytes, layers: layers,
            references: references)
    }

    private struct ArchivedManifest {
        let bytes: [UInt8]
        let layers: [Digest]
    }

    /// The manifests of the OCI layout that newer archives have as well, by the digest of their config.
    private func archivedManifests() -> [Digest: [ArchivedManifest]] {
        var found: [Digest: [ArchivedManifest]] = [:]
        for path in archive.documents.keys.sorted() where path.hasPrefix("blobs/") {
            guard let bytes = archive.documents[path], let manifest = try? ImageManifest(bytes: bytes),
                (try? manifest.checkLayers()) != nil
            else { continue }
            found[manifest.config.digest, default: []].append(
                ArchivedManifest(bytes: bytes, layers: manifest.layers.map(\.digest)))
        }
        return found
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

    private mutating func layout(_ index: ImageIndex) throws -> [ArchiveImage] {
        try checkCount(index.images.count, "index.json")
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

    private mutating func image(_ descriptor: Descriptor, references: [ImageReference], depth: Int) throws
        -> ArchiveImage
    {
        let bytes = try blob(descriptor, for: "a manifest")
        switch try ImageDocument(bytes: bytes, mediaType: descriptor.mediaType) {
        case .index(let index):
            guard depth < 4 else {
                throw ImageArchive.refusal("index \(descriptor.digest) is too deep", "more than 4 are in one another")
            }
            return try image(try index.manifest(for: platform), references: references, depth: depth + 1)
        case .manifest(let manifest):
            try manifest.checkLayers()
            try checkDigest(manifest.config)
            let config = try config(Self.path(of: manifest.config.digest))
            guard config.id == manifest.config.digest else {
                throw ImageStore.wrongDigest("blob", manifest.config.digest, is: config.id)
            }
            let layers = try manifest.layers.map { descriptor in
                let path = Self.path(of: descriptor.digest)
                let layer = try archive.layer(path, for: "a layer of manifest \(Digest.short(bytes))")
                try check(layer, inName: path)
                return layer
            }
            try check(layers, manifest.layers.map { Self.path(of: $0.digest) }, config.value)
            return ArchiveImage(
                configBytes: config.bytes, config: config.value, manifest: bytes, layers: layers,
                references: references)
        }
    }

    private func blob(_ descriptor: Descriptor, for purpose: String) throws -> [UInt8] {
        try checkDigest(descriptor)
        let bytes = try archive.document(Self.path(of: descriptor.digest), for: purpose)
        let digest = try BlobStore.digest(of: bytes)
        guard digest == descriptor.digest else { throw ImageStore.wrongDigest("blob", descriptor.digest, is: digest) }
        return bytes
    }

    private func checkDigest(_ descriptor: Descriptor) throws {
        guard descriptor.digest.algorithm == .sha256 else {
            throw OCIError.unsupportedDigest(document: "index", digest: descriptor.digest)
        }
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

    private func check(_ layers: [ImageArchive.Layer], _ paths: [String], _ config: ImageConfig) throws {
        guard layers.count <= Self.limits.layers else {
            throw ImageArchive.refusal(
                "an image of the archive has \(layers.count) layers", "\(Self.limits.layers) are the limit")
        }
        guard config.diffIDs.count == layers.count else {
            throw OCIError.layerCount(config: config.diffIDs.count, manifest: layers.count)
        }
        for ((layer, path), diffID) in zip(zip(layers, paths), config.diffIDs) where layer.diffID != diffID {
            throw Diagnostic(
                code: StoreCode.wrongDigest, summary: "layer `\(path)` is not the one the image config names",
                detail: "its tar has the digest \(layer.diffID); the config's `diff_ids` have \(diffID)",
                hint: "the archive was changed, or made wrongly")
        }
    }
}

extension Digest {
    /// The first digits of the digest of bytes, for messages.
    fileprivate static func short(_ bytes: [UInt8]) -> String { String(SHA256.hex(of: bytes).prefix(12)) }
}
