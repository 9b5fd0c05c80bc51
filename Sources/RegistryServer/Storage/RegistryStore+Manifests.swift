import Linux
import OCI

/// A manifest as it was pushed.
struct StoredManifest: Sendable, Hashable {
    let digest: Digest
    let mediaType: String
    let bytes: [UInt8]
}

/// A manifest that names what the repository does not have, or not so.
struct MissingReferences: Error, Sendable, Hashable {
    var unknown: [Digest] = []
    var otherSize: [Digest] = []
}

extension RegistryStore {
    /// Most bytes of a manifest.
    static let manifestLimit = 4 << 20

    /// The manifest of a digest; nil where the repository has none.
    func manifest(_ digest: Digest, in repository: RepositoryName) throws -> StoredManifest? {
        let link = StoreLayout.manifest(digest, repository)
        guard try relyOn(link, digest, repository), let type = try files.read(link, limit: 1024),
            let bytes = try files.read(StoreLayout.content(digest), limit: Self.manifestLimit)
        else { return nil }
        return StoredManifest(digest: digest, mediaType: String(decoding: type, as: UTF8.self), bytes: bytes)
    }

    /// What a tag names; nil where there is none.
    func tagged(_ tag: TagName, in repository: RepositoryName) throws -> Digest? {
        try files.read(StoreLayout.tag(tag, repository), limit: 256).flatMap {
            Digest(String(decoding: $0, as: UTF8.self))
        }
    }

    /// Keeps a manifest under its digest, and lets tags name it.
    ///
    /// - Parameter isComplete: whether everything it names must be in the repository.
    /// - Throws: `MissingReferences`.
    func putManifest(
        _ manifest: StoredManifest, _ facts: ManifestFacts, tags: [TagName], in repository: RepositoryName,
        isComplete: Bool = true
    ) throws {
        let aside = try files.writeAside(manifest.bytes)
        defer { files.remove(aside) }
        try locks.repository(repository) {
            recent.note(facts.references.map(\.digest) + [manifest.digest])
            if isComplete { try check(facts.references, in: repository) }
            try keep(manifest.digest, aside: aside, size: Int64(manifest.bytes.count))
            if let subject = facts.subject {
                try files.ensureDirectory(StoreLayout.referrers(of: subject, repository))
                try files.mark(StoreLayout.referrer(manifest.digest, of: subject, repository))
            }
            try files.ensureDirectory(StoreLayout.manifests(repository))
            try files.write(StoreLayout.manifest(manifest.digest, repository), Array(manifest.mediaType.utf8))
            if !tags.isEmpty { try files.ensureDirectory(StoreLayout.tags(repository)) }
            for tag in tags {
                try files.write(StoreLayout.tag(tag, repository), Array(manifest.digest.description.utf8))
            }
        }
    }

    /// Lets a tag name a manifest that the repository has; the tag counts as written now.
    func putTag(_ tag: TagName, _ digest: Digest, in repository: RepositoryName) throws {
        try locks.repository(repository) {
            recent.note([digest])
            try files.ensureDirectory(StoreLayout.tags(repository))
            try files.write(StoreLayout.tag(tag, repository), Array(digest.description.utf8))
        }
    }

    private func check(_ references: [ManifestFacts.Reference], in repository: RepositoryName) throws {
        var missing = MissingReferences()
        for reference in Set(references) {
            let names =
                reference.isManifest
                ? [StoreLayout.manifest(reference.digest, repository), StoreLayout.blob(reference.digest, repository)]
                : [StoreLayout.blob(reference.digest, repository)]
            let isLinked = try names.contains { try files.status($0) != nil }
            guard isLinked, let content = try files.status(StoreLayout.content(reference.digest)) else {
                missing.unknown.append(reference.digest)
                continue
            }
            if content.size != reference.size { missing.otherSize.append(reference.digest) }
        }
        guard missing.unknown.isEmpty, missing.otherSize.isEmpty else { throw missing }
    }

    // MARK: Removing

    /// Removes a tag; false where there is none.
    func removeTag(_ tag: TagName, from repository: RepositoryName) throws -> Bool {
        try locks.repository(repository) { try files.removeDurably(StoreLayout.tag(tag, repository)) }
    }

    /// Removes a manifest and the tags that name it; false where there is none.
    func removeManifest(_ digest: Digest, from repository: RepositoryName) throws -> Bool {
        try locks.repository(repository) {
            guard try files.status(StoreLayout.manifest(digest, repository)) != nil else { return false }
            // The tags go first: after a crash between the two the manifest is there and can be removed again.
            for tag in try tags(in: repository) where try tagged(tag, in: repository) == digest {
                try files.removeDurably(StoreLayout.tag(tag, repository))
            }
            let content = try files.read(StoreLayout.content(digest), limit: Self.manifestLimit)
            let subject = content.flatMap { try? ManifestFacts($0, mediaType: nil) }?.subject
            try files.removeDurably(StoreLayout.manifest(digest, repository))
            if let subject {
                try files.removeDurably(StoreLayout.referrer(digest, of: subject, repository))
                files.removeIfEmpty(StoreLayout.referrers(of: subject, repository))
            }
            return true
        }
    }

    // MARK: Listing

    /// The tags, sorted by their bytes.
    func tags(in repository: RepositoryName) throws -> [TagName] {
        try files.list(StoreLayout.tags(repository)).compactMap(TagName.init)
    }

    /// The manifests.
    func manifests(in repository: RepositoryName) throws -> [Digest] {
        try files.list(StoreLayout.manifests(repository)).compactMap(StoreLayout.digest(fileName:))
    }

    /// The manifests attached to another, in the order of their digests.
    ///
    /// - Parameters:
    ///   - last: only those after this one.
    ///   - type: only artifacts of this type.
    ///   - limit: most bytes of their descriptors, about; the answer says whether there are more.
    func referrers(
        of subject: Digest, in repository: RepositoryName, after last: String?, type: String?, limit: Int
    ) throws -> (found: [OCI.Descriptor], hasMore: Bool) {
        var found: [OCI.Descriptor] = []
        var bytes = 0
        for name in try files.list(StoreLayout.referrers(of: subject, repository)) {
            guard let digest = StoreLayout.digest(fileName: name) else { continue }
            if let last, name <= last { continue }
            if bytes >= limit { return (found, true) }
            // A name without its manifest is what a crash left between the two.
            guard try files.status(StoreLayout.manifest(digest, repository)) != nil,
                let content = try files.read(StoreLayout.content(digest), limit: Self.manifestLimit),
                let facts = try? ManifestFacts(content, mediaType: nil)
            else { continue }
            if let type, facts.artifactType != type { continue }
            let descriptor = facts.descriptor(digest, size: Int64(content.count))
            bytes += 300 + facts.annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            found.append(descriptor)
        }
        return (found, false)
    }
}
