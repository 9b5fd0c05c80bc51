import Archives
import Diagnostics
import Linux
import OCI

@testable import ImageStore

extension FuzzTarget {
    /// An archive of images, as `load` reads it: what is refused leaves nothing, and what is not has right digests.
    static let imageArchive = FuzzTarget("image-archive", mutations: 25) { input in
        let root = try Files.temporaryDirectory(prefix: "stackctl-fuzz-")
        defer { try? Files.removeTree(root) }
        let layout = StoreLayout(root: root)
        try Files.makeDirectories(layout.incoming, mode: 0o700)
        try readImages(input, layout)
        try readImages(TarSeal.sealed(input), layout)
    }

    private static func readImages(_ input: [UInt8], _ layout: StoreLayout) throws {
        let reader = try ImageArchiveReader(
            layers: LayerStore(layout: layout, backing: .fileBacked, steps: .none), leases: StoreLeases(),
            claims: LoadClaims(LayerFlights()), lookUp: { [:] }, cancellation: CancellationFlag(), progress: nil)
        do {
            let archive = try reader.read(MemorySource(input))
            defer { reader.discard(archive.layers.values.compactMap(\.staged)) }
            var finder = ArchiveImages(archive: archive, platform: Platform(os: "linux", architecture: "amd64"))
            for image in try finder.list() {
                try require(
                    image.layers.map(\.diffID) == image.config.diffIDs, "layers and config differ: \(image.config)")
            }
        } catch let error as Violation {
            throw error
        } catch {
            // Refused, as most of what comes here has to be.
        }
        let left = try Files.list(layout.incoming)
        try require(left.isEmpty, "files are left: \(left.map(\.name))")
    }

    /// Manifests, indexes, configs and lists of Docker's: what is read is the same in its written form.
    static let documents = FuzzTarget("documents") { input in
        if let manifest = parsed({ () throws(OCIError) in try ImageManifest(bytes: input) }) {
            try requireSame(manifest, as: "manifest") { () throws(OCIError) in
                try ImageManifest(bytes: manifest.serialized())
            }
            _ = parsed { () throws(OCIError) in try manifest.checkLayers() }
        }
        if let index = parsed({ () throws(OCIError) in try ImageIndex(bytes: input) }) {
            try requireSame(index, as: "index") { () throws(OCIError) in try ImageIndex(bytes: index.serialized()) }
            _ = parsed { () throws(OCIError) in try index.manifest(for: .host) }
        }
        if let config = parsed({ () throws(OCIError) in try ImageConfig(bytes: input) }) {
            try requireSame(config, as: "config") { () throws(OCIError) in try ImageConfig(bytes: config.serialized()) }
        }
        if let images = parsed({ () throws(OCIError) in try DockerArchiveImage.list(bytes: input) }) {
            try requireSame(images, as: "list of images") { () throws(OCIError) in
                try DockerArchiveImage.list(bytes: DockerArchiveImage.serialized(images))
            }
        }
        _ = parsed { () throws(OCIError) in try ImageDocument(bytes: input) }
    }

    /// Names of images, digests and platforms.
    static let references = FuzzTarget("references", mutations: 400) { input in
        let text = String(decoding: input, as: UTF8.self)
        if let reference = parsed({ () throws(ImageReferenceError) in try ImageReference(text) }) {
            for form in [reference.description, reference.familiar] {
                try requireSame(reference, as: "`\(text)` as `\(form)`") { () throws(ImageReferenceError) in
                    try ImageReference(form)
                }
            }
            let tagged = reference.withDefaultTag
            try requireSame(tagged, as: "`\(tagged)`") { () throws(ImageReferenceError) in
                try ImageReference(tagged.description)
            }
        }
        if let digest = Digest(text) {
            try require(digest.description == text && Digest(digest.description) == digest, "digest `\(text)`")
        }
        if let platform = Platform(text) {
            try require(Platform(platform.description) == platform, "platform `\(text)`")
            try require(platform.normalized.normalized == platform.normalized, "platform `\(text)` is never normal")
            try require(!platform.accepted.isEmpty, "platform `\(text)` runs nothing")
        }
    }
}
