import Linux
import OCI
import Registry
import Testing

/// Images in a registry, put there by skopeo.
enum RegistryImages {
    /// An index of the image with three layers for amd64, and of another for arm64, as an OCI layout in `oci`; and one
    /// without it in `single`.
    private static let layouts =
        ImageArchiveFixture.threeLayerImage + """
            sed -e 's/"architecture":"amd64"/"architecture":"arm64","variant":"v8"/' image.json > arm.json
            manifest() {
                printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s,%s,%s]}' \\
                    "$(layer $1 application/vnd.oci.image.config.v1+json)" \\
                    "$(layer base.tar.gz application/vnd.oci.image.layer.v1.tar+gzip)" \\
                    "$(layer top.tar.zst application/vnd.oci.image.layer.v1.tar+zstd)" \\
                    "$(layer other.tar application/vnd.oci.image.layer.v1.tar)"
            }
            manifest image.json > amd.manifest; manifest arm.json > arm.manifest
            entry() {
                printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":%s}' \\
                    "$(digest "$1")" "$(size "$1")" "$2"
            }
            printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s,%s]}' \\
                "$(entry arm.manifest '{"architecture":"arm64","os":"linux","variant":"v8"}')" \\
                "$(entry amd.manifest '{"architecture":"amd64","os":"linux"}')" > index.document
            printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' \\
                "$(entry arm.manifest '{"architecture":"arm64","os":"linux","variant":"v8"}')" > foreign.document
            for file in arm.json amd.manifest arm.manifest index.document foreign.document; do blob $file; done
            printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
            cp -r oci single; cp -r oci foreign
            list() { printf '{"schemaVersion":2,"manifests":[%s]}' "$(layer $1 application/vnd.oci.image.$2.v1+json)"; }
            list index.document index > oci/index.json
            list amd.manifest manifest > single/index.json
            list foreign.document index > foreign/index.json

            """

    /// Makes the layouts `oci` (an index), `single` (one image) and `foreign` (an index without our platform).
    static func withLayouts(_ body: (String) async throws -> Void) async throws {
        try await ImageArchiveFixture.withFiles(layouts, body)
    }

    /// Copies an image with skopeo, digests kept.
    static func skopeo(_ arguments: String...) async throws -> String {
        let result = try await Spawn.run(
            SpawnRequest("/usr/bin/skopeo", ["--insecure-policy"] + arguments), timeout: .seconds(150))
        try #require(result.status.isSuccess, "skopeo \(arguments): \(result.errorText)")
        return result.outputText
    }

    /// Puts a layout into a registry.
    static func push(_ layout: String, to name: String) async throws {
        _ = try await skopeo(
            "copy", "--all", "--preserve-digests", "--dest-tls-verify=false", "oci:\(layout)", "docker://\(name)")
    }

    /// The digest of a file.
    static func digest(_ path: String) throws -> Digest {
        try SampleImage.digest(try Files.readAll(path, limit: 1 << 26))
    }
}
