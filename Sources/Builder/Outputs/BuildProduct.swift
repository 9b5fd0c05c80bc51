import Linux
import OCI

/// What the steps of a build gave, before anything has become of it.
///
/// Whoever makes one keeps its layers (`ImageStore.keep`) until `export` is over.
package struct BuildProduct: Sendable {
    /// One for each platform that was asked for, in that order.
    package var results: [Result]
    /// The Dockerfile, for the provenance: what it is called, and its text.
    package var dockerfile: (name: String, text: [UInt8])
    /// The address of a remote context; nil for one that the client sent, of which nothing is told.
    package var contextAddress: String?
    /// When the build began.
    package var started: Timestamp
    /// The moment of the image, `SOURCE_DATE_EPOCH` or the newest of what went in.
    ///
    /// No time in any output is later.
    package var epoch: Timestamp
    /// The build's id in the history.
    package var historyID: String
    /// The number that the next step of the build's events has.
    package var nextStep: Int

    package init(
        results: [Result], dockerfile: (name: String, text: [UInt8]), started: Timestamp, epoch: Timestamp,
        historyID: String, nextStep: Int
    ) {
        self.results = results
        self.dockerfile = dockerfile
        self.started = started
        self.epoch = epoch
        self.historyID = historyID
        self.nextStep = nextStep
    }

    /// The result for one platform.
    package struct Result: Sendable {
        /// What it is for.
        package var platform: Platform
        /// The image's configuration, history and `diffIDs` included, labels of the request too.
        package var config: ImageConfig
        /// Images, repositories and files that went into it.
        package var materials: [BuildMaterial]
        /// All steps in their order, for the provenance and for caches that are given on.
        package var steps: [BuiltStep]

        /// The layers, lowest first.
        package var layers: [Digest] { config.diffIDs }

        package init(
            platform: Platform, config: ImageConfig, materials: [BuildMaterial] = [], steps: [BuiltStep] = []
        ) {
            self.platform = platform
            self.config = config
            self.materials = materials
            self.steps = steps
        }
    }
}

/// Something that went into a build and can be told by a digest.
package enum BuildMaterial: Sendable, Hashable {
    /// A base image: its name, the digest its registry has (of the index where it is one), what it was taken for.
    ///
    /// Of an image that no registry is known to have, the digest is its id.
    case image(ImageReference, digest: Digest, platform: Platform)
    /// A repository at a commit.
    case git(address: String, commit: String)
    /// A file of the web, by its SHA-256, 64 hexadecimal digits.
    case web(address: String, sha256: String)
}

/// One step that a result is made of.
package struct BuiltStep: Sendable, Hashable {
    /// What finds it in the cache, `sha256:` and 64 hexadecimal digits; empty for a step that is never found.
    package var key: String
    /// What it gave; nil where it changed no files.
    package var layer: Digest?
    /// The newest time that went in, before it was clamped.
    package var newest: Timestamp?
    /// What it is called: `RUN make`.
    package var title: String
    /// The stage it is in.
    package var stage: String
    /// When it was made first.
    package var created: Timestamp
    /// Whether its layer is one of the result's, and not only one of a stage it copies from.
    package var isOfResult: Bool
    /// The number of its first line in the Dockerfile; nil where it has none.
    package var line: Int?

    package init(
        key: String, layer: Digest?, newest: Timestamp? = nil, title: String, stage: String, created: Timestamp,
        isOfResult: Bool, line: Int? = nil
    ) {
        self.key = key
        self.layer = layer
        self.newest = newest
        self.title = title
        self.stage = stage
        self.created = created
        self.isOfResult = isOfResult
        self.line = line
    }
}

/// What became of a product.
package struct ExportedProduct: Sendable, Hashable {
    /// The id of the image for this host's platform, else of the first; nil where no image was asked for.
    package var imageID: Digest?
    /// The digest of its manifest, or of the index where there are several platforms or attestations.
    package var manifestDigest: Digest?
    /// Its names.
    package var references: [ImageReference]

    package init(imageID: Digest? = nil, manifestDigest: Digest? = nil, references: [ImageReference] = []) {
        self.imageID = imageID
        self.manifestDigest = manifestDigest
        self.references = references
    }
}
