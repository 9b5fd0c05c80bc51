import JSONText
import OCI
import Testing

private let one = "sha256:" + String(repeating: "1", count: 64)

@Suite("Image indexes")
struct ImageIndexTests {
    private func index(_ platforms: [String]) throws -> ImageIndex {
        let manifests = platforms.enumerated().map { number, name in
            let parts = name.split(separator: "/").map(String.init)
            let variant = parts.count > 2 ? #","variant":"\#(parts[2])""# : ""
            let digest = "sha256:" + String(repeating: "0", count: 63) + "\(number)"
            return """
                {"mediaType":"\(MediaType.ociManifest)","digest":"\(digest)","size":7,
                "platform":{"os":"\(parts[0])","architecture":"\(parts[1])"\(variant)}}
                """
        }
        let text = #"{"schemaVersion":2,"manifests":[\#(manifests.joined(separator: ","))]}"#
        return try ImageIndex(bytes: Array(text.utf8))
    }

    @Test(
        "the manifest of the platform is chosen, variants by what the processor runs",
        arguments: [
            ("linux/amd64", ["linux/arm64/v8", "linux/amd64"], 1),
            ("linux/arm64", ["linux/amd64", "linux/arm64/v8"], 1),
            ("linux/arm64/v8", ["linux/arm64"], 0), ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], 1),
            ("linux/arm", ["linux/arm/v6", "linux/arm/v7"], 1),
            ("linux/x86_64", ["linux/amd64/v2", "linux/amd64/v1"], 1),
            ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], 1), ("linux/aarch64", ["linux/arm64/v8"], 0),
            ("linux/amd64", ["unknown/unknown", "windows/amd64", "linux/amd64"], 2), ("linux/386", ["linux/386"], 0),
        ] as [(String, [String], Int)])
    func choice(wanted: String, listed: [String], expected: Int) throws {
        let index = try index(listed)
        let platform = try #require(Platform(wanted))
        #expect(try index.manifest(for: platform) == index.manifests[expected])
    }

    @Test("without a manifest for the platform those there are get named")
    func noPlatform() throws {
        let index = try index(["linux/arm/v7", "linux/s390x", "unknown/unknown"])
        let error = #expect(throws: OCIError.self) {
            try index.manifest(for: Platform(os: "linux", architecture: "amd64"))
        }
        #expect(
            error?.description
                == "there is no image for linux/amd64; there are images for linux/arm/v7, linux/s390x")
        #expect(throws: OCIError.self) {
            try self.index(["linux/amd64/v3"]).manifest(for: #require(Platform("linux/amd64")))
        }
        #expect(throws: OCIError.self) {
            try self.index(["linux/arm/v7"]).manifest(for: #require(Platform("linux/arm/v6")))
        }
    }

    @Test("a document is told by its type or its fields, and one that says two things is refused")
    func documents() throws {
        let manifest = ImageManifest(
            config: Descriptor(mediaType: MediaType.ociConfig, digest: try #require(Digest(one)), size: 1), layers: [])
        #expect(try ImageDocument(bytes: manifest.serialized()) == .manifest(manifest))
        let list = ImageIndex(manifests: [], mediaType: MediaType.dockerManifestList)
        #expect(try ImageDocument(bytes: list.serialized(), mediaType: MediaType.dockerManifestList) == .index(list))
        #expect(throws: OCIError.self) { try ImageDocument(bytes: list.serialized(), mediaType: MediaType.ociManifest) }
        let both = #"{"schemaVersion":2,"manifests":[],"layers":[]}"#
        #expect(throws: OCIError.self) { try ImageDocument(bytes: Array(both.utf8)) }
        let old = #"{"schemaVersion":1,"name":"x","fsLayers":[]}"#
        #expect(throws: OCIError.schemaOne) { try ImageDocument(bytes: Array(old.utf8)) }
    }

    @Test("foreign layers and unknown ones are refused by name")
    func layers() throws {
        func refusal(_ mediaType: String) throws -> String? {
            let digest = try #require(Digest(one))
            let manifest = ImageManifest(
                config: Descriptor(mediaType: MediaType.ociConfig, digest: digest, size: 1),
                layers: [Descriptor(mediaType: mediaType, digest: digest, size: 1, urls: ["https://x/y"])])
            do throws(OCIError) { try manifest.checkLayers() } catch { return error.description }
            return nil
        }
        for kind in [MediaType.ociLayerTar, MediaType.ociLayerZstd, MediaType.dockerLayerGzip] {
            #expect(try refusal(kind) == nil)
        }
        for kind in [MediaType.dockerForeignLayer, MediaType.ociNondistributable + "+zstd"] {
            let text = try refusal(kind)
            #expect(text?.contains("foreign layer") == true && text?.contains("https://x/y") == true)
        }
        #expect(try refusal("application/x")?.contains("`application/x`, which is not supported") == true)
    }

    @Test("a Docker archive's list of images is read, and null names are none")
    func archiveList() throws {
        let text = #"[{"Config":"a.json","RepoTags":null,"Layers":["l/layer.tar"]},{"Config":"b","RepoTags":["x:1"]}]"#
        let images = try DockerArchiveImage.list(bytes: Array(text.utf8))
        #expect(
            images == [
                DockerArchiveImage(config: "a.json", tags: [], layers: ["l/layer.tar"]),
                DockerArchiveImage(config: "b", tags: ["x:1"], layers: []),
            ])
        #expect(try DockerArchiveImage.list(bytes: DockerArchiveImage.serialized(images)) == images)
        for bad in ["{}", "[1]", "[{}]", #"[{"Config":1}]"#, "["] {
            #expect(throws: OCIError.self) { try DockerArchiveImage.list(bytes: Array(bad.utf8)) }
        }
    }
}
