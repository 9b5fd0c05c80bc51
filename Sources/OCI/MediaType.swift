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
}
