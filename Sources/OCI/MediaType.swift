/// The media types this engine writes or reads.
///
/// Source: OCI image specification, media-types.md, and Docker's image manifest version 2, schema 2.
package enum MediaType {
    /// An OCI image manifest.
    package static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    /// An OCI index: manifests by platform.
    package static let ociIndex = "application/vnd.oci.image.index.v1+json"
    /// An OCI image config.
    package static let ociConfig = "application/vnd.oci.image.config.v1+json"
    /// `{}`, where a manifest must name something and has nothing to name.
    package static let ociEmpty = "application/vnd.oci.empty.v1+json"
    /// A statement about an artifact.
    package static let inToto = "application/vnd.in-toto+json"
    /// What BuildKit calls a manifest of statements about an image.
    package static let attestations = "application/vnd.docker.attestation.manifest.v1+json"
    /// A layer as an uncompressed tar.
    package static let ociLayerTar = "application/vnd.oci.image.layer.v1.tar"
    /// A layer as a tar compressed with gzip.
    package static let ociLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    /// A layer as a tar compressed with zstd.
    package static let ociLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    /// A Docker schema 2 manifest.
    package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    /// A Docker manifest list: manifests by platform.
    package static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
    /// A Docker image config.
    package static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    /// A Docker layer as a tar compressed with gzip.
    package static let dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    /// A Docker layer as a tar compressed with zstd.
    package static let dockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd"
    /// A Docker layer as an uncompressed tar.
    package static let dockerLayerTar = "application/vnd.docker.image.rootfs.diff.tar"
    /// A Docker layer that only its vendor may give out.
    package static let dockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    /// What starts the media types of OCI layers that only their vendor may give out.
    package static let ociNondistributable = "application/vnd.oci.image.layer.nondistributable.v1.tar"

    /// The documents that a registry may answer a request for an image with, in the order of preference.
    package static let imageDocuments = [ociIndex, ociManifest, dockerManifestList, dockerManifest]

    /// Whether a document of this type lists manifests by platform.
    package static func isIndex(_ mediaType: String) -> Bool {
        mediaType == ociIndex || mediaType == dockerManifestList
    }

    /// Whether a document of this type describes one image.
    package static func isManifest(_ mediaType: String) -> Bool {
        mediaType == ociManifest || mediaType == dockerManifest
    }

    /// Whether a layer of this type is to be fetched from its vendor and from nobody else.
    package static func isForeignLayer(_ mediaType: String) -> Bool {
        mediaType.hasPrefix(ociNondistributable) || mediaType == dockerForeignLayer
    }

    /// Whether a layer of this type is a tar that can be read here, compressed or not.
    package static func isLayer(_ mediaType: String) -> Bool {
        [ociLayerTar, ociLayerGzip, ociLayerZstd, dockerLayerTar, dockerLayerGzip, dockerLayerZstd].contains(mediaType)
    }
}
