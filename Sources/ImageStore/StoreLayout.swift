import OCI

/// Where things of the store are, below the data root.
struct StoreLayout: Sendable {
    let root: String

    var blobs: String { root + "/blobs/sha256" }
    /// Compressed layers that have come in part.
    var partials: String { root + "/blobs/partial" }
    var layers: String { root + "/layers" }
    /// Layers that are being written.
    ///
    /// Whatever is here when the store opens was cut off by a crash.
    var incoming: String { layers + "/.incoming" }
    /// Layers and blobs that are out of the store and still take room.
    var removed: String { layers + "/.removed" }

    /// A layer's image inside its directory.
    static let imageName = "layer.erofs"
    /// How a layer's tar is given back, inside its directory.
    static let recipeName = "recipe"
    /// A layer's compressed tar, inside its directory until the layer is part of the store.
    static let blobName = "blob"

    func blob(_ digest: Digest) -> String { blobs + "/" + digest.hex }
    func partial(_ digest: Digest) -> String { partials + "/" + digest.hex }
    func layer(_ diffID: Digest) -> String { layers + "/" + diffID.hex }
    func mountPoint(_ diffID: Digest) -> String { layer(diffID) + "/mnt" }
    func image(_ diffID: Digest) -> String { layer(diffID) + "/" + Self.imageName }
    func recipe(_ diffID: Digest) -> String { layer(diffID) + "/" + Self.recipeName }
    func tree(_ diffID: Digest) -> String { layer(diffID) + "/tree" }
}
