import HTTP
import Linux
import OCI
import Registry
import Synchronization

/// Keeps images of other registries as they are asked for.
final class ProxyCache: Sendable {
    /// Where a blob is to be had.
    enum Blob: Sendable {
        case stored(OpenContent)
        /// It is upstream, with so many bytes; nobody wants them now.
        case known(size: Int64?)
        case coming(BlobDownload)
    }

    private struct BlobKey: Hashable {
        let repository: RepositoryName
        let digest: Digest
    }

    private let store: RegistryStore
    private let upstreams: [Upstream]
    private let options: RegistryOptions
    private let freshness: Duration
    private let metrics: RegistryMetrics
    private let log: @Sendable (String) -> Void
    /// Runs when a blob was stored, on a thread that may block.
    private let afterDownload: @Sendable () -> Void
    /// Transfers hold their thread to the end, so they have threads of their own.
    private let executor = BlockingExecutor(limit: 32)
    private let clients = Mutex<[RepositoryName: RegistryClient]>([:])
    private let downloads = Mutex<[BlobKey: BlobDownload]>([:])
    private static let clientLimit = 256

    /// A cache in a store.
    ///
    /// - Parameter freshness: how long a tag is believed before upstream is asked again.
    init(
        _ store: RegistryStore, _ upstreams: [Upstream], options: RegistryOptions, freshness: Duration,
        metrics: RegistryMetrics, log: @escaping @Sendable (String) -> Void,
        afterDownload: @escaping @Sendable () -> Void
    ) {
        self.store = store
        self.afterDownload = afterDownload
        // The longest prefix is the most particular one.
        self.upstreams = upstreams.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        self.options = Self.allowingPlain(upstreams, options)
        self.freshness = freshness
        self.metrics = metrics
        self.log = log
    }

    /// An address that says http is leave enough to use it.
    private static func allowingPlain(_ upstreams: [Upstream], _ options: RegistryOptions) -> RegistryOptions {
        var entries = options.settings.entries
        for upstream in upstreams where upstream.isPlain {
            entries[upstream.domain, default: .init()].isInsecure = true
        }
        var options = options
        options.settings = RegistrySettings(entries)
        return options
    }

    /// Whether a repository stands for one of another registry.
    func covers(_ repository: RepositoryName) -> Bool { place(of: repository) != nil }

    /// - Throws: `APIFailure` for a repository whose content is upstream's.
    func refuseChange(of repository: RepositoryName) throws(APIFailure) {
        guard let place = place(of: repository) else { return }
        throw APIFailure(
            405, .unsupported, "this keeps what \(place.upstream.domain) has: push there",
            headers: ["Allow": "GET, HEAD"])
    }

    private func place(of repository: RepositoryName) -> (upstream: Upstream, path: String)? {
        for upstream in upstreams {
            if let path = upstream.repository(of: repository) { return (upstream, path) }
        }
        return nil
    }

    private func client(_ repository: RepositoryName) throws -> RegistryClient {
        if let known = clients.withLock({ $0[repository] }) { return known }
        guard let place = place(of: repository) else { throw APIFailure.unknownRepository }
        let client = try RegistryClient(domain: place.upstream.domain, repository: place.path, options: options)
        clients.withLock {
            if $0.count >= Self.clientLimit { $0 = [:] }
            $0[repository] = client
        }
        return client
    }

    // MARK: Manifests

    /// A manifest, and a warning where upstream could not be asked whether it is the right one still.
    func manifest(
        _ reference: ManifestReference, in repository: RepositoryName
    ) async throws -> (StoredManifest?, warning: String?) {
        try await executor.run { try self.findManifest(reference, in: repository) }
    }

    private func findManifest(
        _ reference: ManifestReference, in repository: RepositoryName
    ) throws -> (StoredManifest?, warning: String?) {
        switch reference {
        case .digest(let digest):
            if let stored = try store.manifest(digest, in: repository) {
                metrics.count(.cacheHit)
                return (stored, nil)
            }
            metrics.count(.cacheMiss)
            return (try fetch(digest.description, [], repository), nil)
        case .tag(let tag):
            let stored = try store.tagged(tag, in: repository).flatMap { try store.manifest($0, in: repository) }
            if let stored, try isFresh(tag, repository) {
                metrics.count(.cacheHit)
                return (stored, nil)
            }
            return try revalidate(tag, stored, repository)
        }
    }

    private func isFresh(_ tag: TagName, _ repository: RepositoryName) throws -> Bool {
        guard let status = try store.files.status(StoreLayout.tag(tag, repository)) else { return false }
        let age = Clock.now().since(status.modified)
        // A clock that was set back must not make a tag fresh for ever.
        return age < freshness && age > .seconds(-1)
    }

    private func revalidate(
        _ tag: TagName, _ stored: StoredManifest?, _ repository: RepositoryName
    ) throws -> (StoredManifest?, warning: String?) {
        do {
            if let stored, try client(repository).resolve(tag.description).digest == stored.digest {
                try store.putTag(tag, stored.digest, in: repository)
                metrics.count(.cacheHit)
                return (stored, nil)
            }
            metrics.count(.cacheMiss)
            return (try fetch(tag.description, [tag], repository), nil)
        } catch let error as RegistryError {
            if case .notFound = error {
                _ = try store.removeTag(tag, from: repository)
                return (nil, nil)
            }
            guard let stored, UpstreamFailure.isOutage(error) else {
                log("\(repository):\(tag): \(error)")
                throw error
            }
            log("\(repository):\(tag) is served as it was: \(error)")
            metrics.count(.cacheStale)
            return (stored, "upstream does not answer: this tag may name something newer there")
        }
    }

    private func fetch(
        _ reference: String, _ tags: [TagName], _ repository: RepositoryName
    ) throws -> StoredManifest {
        let fetched = try client(repository).manifest(reference)
        let facts = try ManifestFacts(fetched.bytes, mediaType: fetched.mediaType)
        let manifest = StoredManifest(digest: fetched.digest, mediaType: fetched.mediaType, bytes: fetched.bytes)
        try store.putManifest(manifest, facts, tags: tags, in: repository, isComplete: false)
        return manifest
    }

    // MARK: Blobs

    /// A blob that the repository does not have here.
    func blob(_ digest: Digest, in repository: RepositoryName, wantsBody: Bool) async throws -> Blob {
        metrics.count(.cacheMiss)
        do {
            if let shared = try await executor.run({ try self.takeShared(digest, repository) }) {
                return .stored(shared)
            }
            guard wantsBody else {
                let size = try await executor.run { try self.upstreamSize(digest, repository) }
                return .known(size: size)
            }
            let download = try self.download(digest, repository)
            try await download.opened()
            return .coming(download)
        } catch let error as RegistryError {
            if case .notFound = error { throw APIFailure.unknownBlob }
            log("\(repository)@\(digest): \(error)")
            throw error
        }
    }

    /// Takes what another repository brought here already, where upstream has it in this one too.
    private func takeShared(_ digest: Digest, _ repository: RepositoryName) throws -> OpenContent? {
        guard try store.content(digest) != nil, try client(repository).exists(digest),
            try store.shareContent(digest, with: repository)
        else { return nil }
        return try store.content(digest)
    }

    private func upstreamSize(_ digest: Digest, _ repository: RepositoryName) throws -> Int64? {
        let stream = try client(repository).blob(digest)
        defer { stream.close() }
        return stream.size
    }

    /// The transfer of a blob: the one under way, or a new one.
    private func download(_ digest: Digest, _ repository: RepositoryName) throws -> BlobDownload {
        let client = try self.client(repository)
        let key = BlobKey(repository: repository, digest: digest)
        let (download, isNew) = downloads.withLock { downloads -> (BlobDownload, Bool) in
            if let known = downloads[key] { return (known, false) }
            let new = BlobDownload(digest)
            downloads[key] = new
            return (new, true)
        }
        if isNew {
            // It goes on when the client that wanted it leaves: the next one finds it here.
            executor.submit {
                download.run(client, into: self.store, repository)
                self.downloads.withLock { $0[key] = nil }
                self.afterDownload()
            }
        }
        return download
    }
}
