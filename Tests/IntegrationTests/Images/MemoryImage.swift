import Archives
import ImageStore
import Linux
import OCI

/// An image of one layer in memory: as an archive that `docker save` could have written, and as a manifest with blobs.
struct MemoryImage: BlobSource {
    let manifest: [UInt8]
    let config: [UInt8]
    let layer: [UInt8]

    /// The layer's name in the archive.
    static let layerName = "base/layer.tar"

    /// - Parameters:
    ///   - layer: the bytes as they travel.
    ///   - tar: what the config takes for the tar of the layer.
    init(layer: [UInt8], of tar: [UInt8], mediaType: String = MediaType.ociLayerGzip, urls: [String] = []) throws {
        self.layer = layer
        config = ImageConfig(diffIDs: [try Self.digest(tar)]).serialized()
        let layers = [
            Descriptor(mediaType: mediaType, digest: try Self.digest(layer), size: Int64(layer.count), urls: urls)
        ]
        manifest = ImageManifest(
            config: Descriptor(
                mediaType: MediaType.ociConfig, digest: try Self.digest(config), size: Int64(config.count)),
            layers: layers
        ).serialized()
    }

    /// The digest of the layer as it travels.
    var layerDigest: Digest { get throws { try Self.digest(layer) } }

    /// A Docker archive of it.
    var dockerArchive: [UInt8] {
        let list = DockerArchiveImage.serialized([
            DockerArchiveImage(config: "config.json", tags: ["bad:1"], layers: [Self.layerName])
        ])
        return TarBytes.file("config.json", config) + TarBytes.file(Self.layerName, layer)
            + TarBytes.file("manifest.json", list) + TarBytes.end
    }

    /// An OCI layout of it in a tar.
    var layoutArchive: [UInt8] {
        get throws {
            let digest = try Self.digest(manifest)
            let index = ImageIndex(manifests: [
                Descriptor(mediaType: MediaType.ociManifest, digest: digest, size: Int64(manifest.count))
            ]).serialized()
            let blobs = try [config, layer, manifest].flatMap {
                TarBytes.file("blobs/sha256/\(try Self.digest($0).hex)", $0)
            }
            return blobs + TarBytes.file("index.json", index) + TarBytes.end
        }
    }

    func open(_ blob: BlobDescriptor) throws -> any ByteSource {
        MemorySource(try Self.digest(config) == blob.digest ? config : layer)
    }

    static func digest(_ bytes: [UInt8]) throws -> Digest {
        guard let digest = Digest(sha256Hex: SHA256.hex(of: bytes)) else {
            throw SystemError(call: "sha256", errno: .EINVAL)
        }
        return digest
    }
}

/// Tar entries byte by byte, right and wrong ones.
enum TarBytes {
    static let end = [UInt8](repeating: 0, count: 1024)

    static func file(_ name: String, _ contents: [UInt8]) -> [UInt8] {
        header(name, size: contents.count) + padded(contents)
    }

    /// - Parameter fields: texts that replace fields, by their offset.
    static func header(
        _ name: String, type: Character = "0", size: Int = 0, link: String = "", fields: [Int: String] = [:]
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            for (index, byte) in text.utf8.prefix(512 - offset).enumerated() { block[offset + index] = byte }
        }
        let digits = String(size, radix: 8)
        put(String(name.prefix(100)), 0)
        put("0000644", 100)
        put("0000000", 108)
        put("0000000", 116)
        put(String(repeating: "0", count: 11 - digits.utf8.count) + digits, 124)
        put("00000000000", 136)
        put(String(type), 156)
        put(link, 157)
        put("ustar\u{0}00", 257)
        put("0000001", 329)
        put("0000003", 337)
        for (offset, text) in fields { put(text, offset) }
        put("        ", 148)
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.utf8.count) + sum + "\u{0} ", 148)
        return block
    }

    /// A pax header with one record, in front of what it is about.
    static func pax(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while length != rest.utf8.count + "\(length)".utf8.count { length = rest.utf8.count + "\(length)".utf8.count }
        let body = Array("\(length)\(rest)".utf8)
        return header("pax", type: "x", size: body.count) + padded(body)
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }
}
