import Linux
import OCI

/// Something that makes a later build faster: a step's result, a cache mount, a context that was kept.
package struct CacheRecord: Sendable, Hashable {
    /// What it is, in BuildKit's words.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The result of a step.
        case regular
        /// A context, kept so that only what changed is sent.
        case context = "source.local"
        /// A repository.
        case git = "source.git.checkout"
        /// What `RUN --mount=type=cache` mounts.
        case cacheMount = "exec.cachemount"
        /// A file of the web.
        case web = "source.http"
    }

    /// Unique among all records: hexadecimal digits for a step.
    package var id: String
    package var kind: Kind
    /// The step, such as `RUN make`, or what else it is.
    package var description: String
    /// Bytes on the disk.
    package var size: Int64
    package var created: Timestamp
    package var lastUsed: Timestamp?
    /// How often a build has used it, the one that made it apart.
    package var useCount: Int
    /// Whether a build uses it now.
    package var isInUse: Bool
    /// Whether an image has its layer too, so that letting it go frees nothing.
    package var isShared: Bool
    /// Its layer; nil where it is no step's, or the step changed no files.
    package var layer: Digest?

    package init(
        id: String, kind: Kind, description: String, size: Int64, created: Timestamp, lastUsed: Timestamp? = nil,
        useCount: Int = 0, isInUse: Bool = false, isShared: Bool = false, layer: Digest? = nil
    ) {
        self.id = id
        self.kind = kind
        self.description = description
        self.size = size
        self.created = created
        self.lastUsed = lastUsed
        self.useCount = useCount
        self.isInUse = isInUse
        self.isShared = isShared
        self.layer = layer
    }
}

/// Keeps things for later builds beside the results of steps: cache mounts, contexts, files of the web.
///
/// `usage` and `prune` go through all of them.
package protocol CacheShelf: Sendable {
    /// All it keeps.
    func records() async throws -> [CacheRecord]

    /// Lets one go, unless a build uses it.
    ///
    /// - Returns: bytes of disk that are free again; nil where it was in use or not there.
    func remove(_ id: String) async throws -> Int64?
}

/// What of the cache is let go.
package struct CachePruning: Sendable, Hashable {
    /// Also what images have, as `--all` does; without it only what frees room.
    package var all = false
    /// Only what was not used since.
    package var unusedSince: Timestamp?
    /// Only these: ids or their beginnings; empty is any.
    package var ids: Set<String> = []
    /// Only these kinds; empty is any.
    package var kinds: Set<CacheRecord.Kind> = []
    /// Only what images have too, or have not.
    package var isShared: Bool?
    /// Only what is called so, as a part of the description.
    package var description: String?
    /// Bytes that are kept whatever happens (`--keep-storage`, `--reserved-space`): the longest unused go first, until
    /// no more than this is left.
    package var keptBytes: Int64?
    /// Bytes that may be taken at most (`--max-used-space`); what is below stays.
    package var maxUsedBytes: Int64?
    /// Bytes that shall be free on the disk (`--min-free-space`).
    package var minFreeBytes: Int64?

    package init() {}
}

/// What pruning did.
package struct CachePruningReport: Sendable, Hashable {
    /// What is gone.
    package var removed: [CacheRecord] = []
    /// Bytes of disk that are free again.
    package var freedBytes: Int64 = 0

    package init() {}
}
