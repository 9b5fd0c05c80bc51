import JSONText
import Linux
import OCI
import Synchronization

/// What a garbage collection removed.
package struct CollectionReport: Sendable, Hashable, CustomStringConvertible {
    /// Manifests without a tag.
    package var manifests = 0
    /// Blobs that no manifest of their repository names.
    package var blobs = 0
    /// Repositories that have nothing left.
    package var repositories = 0
    /// Contents that no repository has any more.
    package var contents = 0
    /// Bytes of those.
    package var bytes: Int64 = 0

    package var description: String {
        "removed \(manifests) manifests and \(blobs) blobs from repositories, \(repositories) empty repositories; "
            + "freed \(contents) contents, \(bytes) bytes"
    }

    /// The report as JSON.
    package var json: JSONValue {
        var object = JSONObject()
        object["manifests"] = .int(Int64(manifests))
        object["blobs"] = .int(Int64(blobs))
        object["repositories"] = .int(Int64(repositories))
        object["contents"] = .int(Int64(contents))
        object["bytes"] = .int(bytes)
        return .object(object)
    }

    /// Reads a report.
    package init?(_ value: JSONValue) {
        guard let manifests = value["manifests"]?.intValue, let blobs = value["blobs"]?.intValue,
            let repositories = value["repositories"]?.intValue, let contents = value["contents"]?.intValue,
            let bytes = value["bytes"]?.intValue
        else { return nil }
        self.init()
        self.manifests = Int(clamping: manifests)
        self.blobs = Int(clamping: blobs)
        self.repositories = Int(clamping: repositories)
        self.contents = Int(clamping: contents)
        self.bytes = bytes
    }

    init() {}
}

/// Removes what nothing names, while pushes go on.
///
/// A name is kept when a manifest needs it, when it was spoken of within the grace (a push uploads its blobs before the
/// manifest that names them), and when it was given or relied on since the collection began. A content is kept as long
/// as any repository has a name for it.
final class GarbageCollector: Sendable {
    private let store: RegistryStore
    private let metrics: RegistryMetrics
    /// Whether a repository stands for one of another registry.
    private let isForeign: @Sendable (RepositoryName) -> Bool
    /// One at a time.
    private let turn = Mutex(())

    init(store: RegistryStore, metrics: RegistryMetrics, isForeign: @escaping @Sendable (RepositoryName) -> Bool) {
        self.store = store
        self.metrics = metrics
        self.isForeign = isForeign
    }

    /// Collects; waits for one that is under way.
    ///
    /// - Parameter untagged: whether manifests that no tag leads to are garbage too.
    func collect(untagged: Bool) throws -> CollectionReport {
        try turn.withLock { _ in
            // The kernel stamps files with a clock that is up to 10 ms late.
            let age = max(store.grace, .seconds(1))
            let cutoff = Clock.now().before(by: age)
            store.recent.begin(store.locks)
            defer { store.recent.end() }
            var report = CollectionReport()
            var named: Set<Digest> = []
            for repository in try store.repositories() {
                var pass = RepositoryPass(store: store, repository: repository, cutoff: cutoff)
                try pass.run(untagged: untagged && !isForeign(repository), into: &report)
                named.formUnion(pass.named)
            }
            try store.forEachContent { digest, status in
                guard !named.contains(digest), status.modified < cutoff,
                    let size = try store.removeContent(digest, unusedSince: cutoff)
                else { return }
                report.contents += 1
                report.bytes += size
            }
            metrics.count(.collections)
            metrics.count(.collectedBlobs, by: Int64(report.contents))
            metrics.count(.collectedBytes, by: report.bytes)
            return report
        }
    }

    /// Drops what was longest not used of what only other registries' repositories have, until its blobs have no more
    /// than nine tenths of `limit` bytes; how many bytes.
    func evict(to limit: Int64) throws -> Int64 {
        guard store.usage.now.bytes > limit else { return 0 }
        return try turn.withLock { _ in
            let kept = try keptFromEviction()
            var candidates: [(digest: Digest, used: Timestamp, size: Int64)] = []
            try store.forEachContent { digest, status in
                if !kept.contains(digest) { candidates.append((digest, status.modified, status.size)) }
            }
            var total = candidates.reduce(0) { $0 + $1.size }
            guard total > limit else { return 0 }
            var freed: Int64 = 0
            for candidate in candidates.sorted(by: { $0.used < $1.used }) where total > limit / 10 * 9 {
                // Used since it was looked at: it is not the oldest any more.
                let after = Timestamp(nanosecondsSinceEpoch: candidate.used.nanosecondsSinceEpoch + 1)
                guard let size = try store.removeContent(candidate.digest, unusedSince: after) else { continue }
                freed += size
                total -= size
            }
            metrics.count(.cacheEvicted, by: freed)
            return freed
        }
    }

    /// Manifests, which are small, and everything of our own repositories.
    private func keptFromEviction() throws -> Set<Digest> {
        var kept: Set<Digest> = []
        for repository in try store.repositories() {
            kept.formUnion(try store.manifests(in: repository))
            guard !isForeign(repository) else { continue }
            kept.formUnion(
                try store.files.list(StoreLayout.blobs(repository)).compactMap(StoreLayout.digest(fileName:)))
        }
        return kept
    }
}

extension Timestamp {
    fileprivate func before(by duration: Duration) -> Timestamp {
        Timestamp(nanosecondsSinceEpoch: nanosecondsSinceEpoch - duration.wholeNanoseconds)
    }
}

/// The collection's way through one repository.
private struct RepositoryPass {
    let store: RegistryStore
    let repository: RepositoryName
    let cutoff: Timestamp
    /// What the repository still has a name for.
    var named: Set<Digest> = []

    init(store: RegistryStore, repository: RepositoryName, cutoff: Timestamp) {
        self.store = store
        self.repository = repository
        self.cutoff = cutoff
    }

    mutating func run(untagged: Bool, into report: inout CollectionReport) throws {
        var facts: [Digest: ManifestFacts] = [:]
        for digest in try store.manifests(in: repository) {
            let bytes = try store.files.read(StoreLayout.content(digest), limit: RegistryStore.manifestLimit)
            facts[digest] = bytes.flatMap { try? ManifestFacts($0, mediaType: nil) }
            named.insert(digest)
        }
        if untagged { report.manifests += try removeUntagged(&facts) }
        let needed = Set(facts.values.flatMap { $0.references.map(\.digest) })
        for name in try store.files.list(StoreLayout.blobs(repository)) {
            guard let digest = StoreLayout.digest(fileName: name) else { continue }
            if !needed.contains(digest), try remove(StoreLayout.blob(digest, repository), digest) {
                report.blobs += 1
            } else {
                named.insert(digest)
            }
        }
        try removeLostReferrers()
        if try removeEmpty() { report.repositories += 1 }
    }

    /// Removes a name that is not needed and was not spoken of; false where it stays.
    private func remove(_ link: String, _ digest: Digest) throws -> Bool {
        guard let status = try store.files.status(link), status.modified < cutoff else { return false }
        return try store.locks.repository(repository) {
            guard !store.recent.contains(digest), let status = try store.files.status(link), status.modified < cutoff
            else { return false }
            return try store.files.removeDurably(link)
        }
    }

    /// Removes manifests that neither a tag leads to, nor an index that is kept, nor the subject they are attached to.
    private mutating func removeUntagged(_ facts: inout [Digest: ManifestFacts]) throws -> Int {
        var kept: Set<Digest> = []
        var next: [Digest] = []
        for tag in try store.tags(in: repository) {
            if let digest = try store.tagged(tag, in: repository) { next.append(digest) }
        }
        for digest in facts.keys {
            let status = try store.files.status(StoreLayout.manifest(digest, repository))
            if let status, status.modified >= cutoff { next.append(digest) }
        }
        let attached = Dictionary(grouping: facts.filter { $0.value.subject != nil }.keys) { facts[$0]?.subject }
        while let digest = next.popLast() {
            guard kept.insert(digest).inserted else { continue }
            next += (facts[digest]?.references ?? []).filter(\.isManifest).map(\.digest)
            next += attached[digest] ?? []
        }
        var removed = 0
        for digest in facts.keys.sorted() where !kept.contains(digest) {
            guard try remove(StoreLayout.manifest(digest, repository), digest) else { continue }
            facts[digest] = nil
            named.remove(digest)
            removed += 1
        }
        return removed
    }

    /// Removes entries of referrers whose manifest is gone.
    private func removeLostReferrers() throws {
        for folder in try store.files.list(StoreLayout.referrers(repository)) {
            guard let subject = StoreLayout.digest(fileName: folder) else { continue }
            for name in try store.files.list(StoreLayout.referrers(of: subject, repository)) {
                guard let digest = StoreLayout.digest(fileName: name) else { continue }
                try store.locks.repository(repository) {
                    guard try store.files.status(StoreLayout.manifest(digest, repository)) == nil else { return }
                    try store.files.removeDurably(StoreLayout.referrer(digest, of: subject, repository))
                }
            }
            _ = store.locks.repository(repository) {
                store.files.removeIfEmpty(StoreLayout.referrers(of: subject, repository))
            }
        }
    }

    /// Removes the repository's folders where they hold nothing.
    private func removeEmpty() throws -> Bool {
        store.locks.repository(repository) {
            for folder in [
                StoreLayout.blobs(repository), StoreLayout.manifests(repository), StoreLayout.tags(repository),
                StoreLayout.referrers(repository),
            ] { store.files.removeIfEmpty(folder) }
            return store.files.removeIfEmpty(StoreLayout.repository(repository))
        }
    }
}
