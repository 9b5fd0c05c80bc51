import Diagnostics
import OCI

/// One thing of the store that is not as it was written.
package struct StoreDamage: Sendable, Hashable {
    /// What it is.
    package enum Object: Sendable, Hashable {
        /// An image's config, by its digest.
        case config(Digest)
        /// An image's manifest, by its digest.
        case manifest(Digest)
        /// A layer's files, by the digest of its tar.
        case layer(Digest)
        /// The recipe that gives back a layer's tar, by the digest of that.
        case recipe(Digest)
        /// A layer as it came compressed: the digest of that, and of its tar.
        case blob(Digest, of: Digest)
        /// A layer that images have and the database has not.
        case unknownLayer(Digest)
        /// Files that the database knows nothing of.
        case stray(path: String)
    }

    /// What it is.
    package let object: Object
    /// The images that need it.
    package let images: [Digest]
    /// The layer whose files or form it is; nil for anything else.
    var layer: Digest? {
        switch object {
        case .layer(let layer), .recipe(let layer), .blob(_, of: let layer): layer
        case .config, .manifest, .unknownLayer, .stray: nil
        }
    }

    /// What the user reads.
    package let diagnostic: Diagnostic

    init(_ object: Object, _ summary: String, _ detail: String, images: [Digest]) {
        self.object = object
        self.images = images
        diagnostic = Diagnostic(
            code: StoreCode.damaged, summary: summary, detail: detail,
            hint: "run `stackctl store verify --repair`", notes: images.map { "used by image \($0)" })
    }
}

/// What a repair of the store did.
package struct StoreRepair: Sendable, Hashable {
    /// What is as it should be again; one line each.
    package var repaired: [String] = []
    /// What is still damaged, each with what to do.
    package var left: [Diagnostic] = []

    package init() {}
}
