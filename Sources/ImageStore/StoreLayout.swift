import OCI

/// Where things of the store are, below the data root.
struct StoreLayout: Sendable {
    let root: String

    var blobs: String { root + "/blobs/sha256" }
    var layers: String { root + "/layers" }
    /// Layers that are being written.
    ///
    /// Whatever is here when the store opens was cut off by a crash.
    var incoming: String { layers + "/.incoming" }

    func blob(_ digest: Digest) -> String { blobs + "/" + digest.hex }
    func layer(_ diffID: Digest) -> String { layers + "/" + diffID.hex }
    func mountPoint(_ diffID: Digest) -> String { layer(diffID) + "/mnt" }
    func image(_ diffID: Digest) -> String { layer(diffID) + "/layer.erofs" }
    func tree(_ diffID: Digest) -> String { layer(diffID) + "/tree" }
}
