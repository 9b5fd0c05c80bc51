import ImageStore
import Linux
import OCI

/// What a cache that came from elsewhere says of a step.
package struct CachedResult: Sendable, Hashable {
    /// What finds it: the key of a step as `BuiltStep` has it.
    package var key: String
    /// What it gave, by the digest of its tar; nil where it changed no files.
    package var layer: Digest?
    /// The newest time that went in.
    package var newest: Timestamp?
    /// What the step is called.
    package var title: String
    /// When it was made first.
    package var created: Timestamp

    package init(key: String, layer: Digest?, newest: Timestamp?, title: String, created: Timestamp) {
        self.key = key
        self.layer = layer
        self.newest = newest
        self.title = title
        self.created = created
    }
}

/// A cache of `--cache-from`: what it says is here, its layers are where it came from until they are asked for.
package protocol ImportedCache: Sendable {
    /// What it is called in messages: `registry ref=example.org/shop/cache`.
    var name: String { get }

    /// The result of a step; nil where it has none.
    func result(of key: String) -> CachedResult?

    /// Brings the layer of a result into the store and keeps it there for the caller, who gives it back
    /// (`ImageStore.giveBack`).
    ///
    /// - Throws: what makes the result useless; the step is then made as if there were none.
    func bring(_ result: CachedResult, progress: @escaping @Sendable (LayerProgress) -> Void) async throws
}
