import Linux
import OCI

/// A content that is open: it stays readable whatever is removed meanwhile.
struct OpenContent: Sendable {
    let file: SharedDescriptor
    let digest: Digest
    /// In bytes.
    let size: Int64
}

extension RegistryStore {
    /// Opens a blob that the repository has; nil when it has none.
    func blob(_ digest: Digest, in repository: RepositoryName) throws -> OpenContent? {
        guard try relyOn(StoreLayout.blob(digest, repository), digest, repository) else { return nil }
        return try content(digest)
    }

    /// Opens a content, whoever has it.
    func content(_ digest: Digest) throws -> OpenContent? {
        guard let file = try files.openIfPresent(StoreLayout.content(digest)) else { return nil }
        return OpenContent(file: file, digest: digest, size: try file.status().size)
    }

    /// Whether a name is there; it counts as spoken of, so that a client that was told so may rely on it for a while.
    func relyOn(_ link: String, _ digest: Digest, _ repository: RepositoryName) throws -> Bool {
        guard let status = try files.status(link) else { return false }
        guard Clock.now().since(status.modified) > min(grace / 4, .seconds(600)) else { return true }
        return try locks.repository(repository) {
            recent.note([digest])
            return try files.touch(link)
        }
    }

    /// Makes a content that was written aside, and is on the disk, a blob of the repository.
    func addBlob(_ digest: Digest, aside: String, size: Int64, to repository: RepositoryName) throws {
        try locks.repository(repository) {
            recent.note([digest])
            try keep(digest, aside: aside, size: size)
            try link(digest, repository)
        }
    }

    /// Makes a blob of one repository one of another too; false when the one does not have it.
    func mount(_ digest: Digest, from source: RepositoryName, to repository: RepositoryName) throws -> Bool {
        guard try blob(digest, in: source) != nil else { return false }
        return try shareContent(digest, with: repository)
    }

    /// Makes a content that is stored already a blob of the repository; false when it is not stored.
    func shareContent(_ digest: Digest, with repository: RepositoryName) throws -> Bool {
        try locks.repository(repository) {
            recent.note([digest])
            let isThere = try locks.content(digest) { try files.touch(StoreLayout.content(digest)) }
            guard isThere else { return false }
            try link(digest, repository)
            return true
        }
    }

    /// Takes a blob from the repository; false when it has none.
    ///
    /// The bytes are removed by the next garbage collection where no other has them.
    func removeBlob(_ digest: Digest, from repository: RepositoryName) throws -> Bool {
        try locks.repository(repository) { try files.removeDurably(StoreLayout.blob(digest, repository)) }
    }

    /// Notes that a content is used, for those that keep what was used last.
    func noteUse(_ digest: Digest) throws {
        let name = StoreLayout.content(digest)
        guard let status = try files.status(name), Clock.now().since(status.modified) > .seconds(60) else { return }
        try files.touch(name)
    }

    private func link(_ digest: Digest, _ repository: RepositoryName) throws {
        try files.ensureDirectory(StoreLayout.blobs(repository))
        try files.mark(StoreLayout.blob(digest, repository))
    }

    /// Puts what was written aside in its place, or drops it where the same content is there.
    func keep(_ digest: Digest, aside: String, size: Int64) throws {
        try locks.content(digest) {
            let name = StoreLayout.content(digest)
            if try files.touch(name) {
                files.remove(aside)
                return
            }
            try files.ensureDirectory(StoreLayout.contentFolder(digest.algorithm, String(digest.hex.prefix(2))))
            try files.adopt(aside, as: name)
            usage.add(bytes: size)
        }
    }
}

extension RegistryStore {
    /// Runs a body for every content.
    func forEachContent(_ body: (Digest, FileStatus) throws -> Void) throws {
        for algorithm in Digest.Algorithm.allCases {
            for prefix in try files.list("\(StoreLayout.contents)/\(algorithm.rawValue)") {
                let folder = StoreLayout.contentFolder(algorithm, prefix)
                for name in try files.list(folder) {
                    guard let digest = Digest(algorithm: algorithm, hex: name),
                        let status = try files.status("\(folder)/\(name)")
                    else { continue }
                    try body(digest, status)
                }
            }
        }
    }

    /// Counts what is stored, again where something came or went meanwhile.
    func countUsage() throws {
        for attempt in 1...5 {
            let before = usage.mark
            var total = StorageUsage.Total()
            try forEachContent { _, status in
                total.contents += 1
                total.bytes += status.size
            }
            if usage.set(total, countedSince: before, isLast: attempt == 5) { return }
        }
    }

    /// Removes a content that nothing names, unless it was spoken of since `cutoff`; its size where it was removed.
    func removeContent(_ digest: Digest, unusedSince cutoff: Timestamp) throws -> Int64? {
        try locks.content(digest) {
            let name = StoreLayout.content(digest)
            guard !recent.contains(digest), let status = try files.status(name), status.modified < cutoff else {
                return nil
            }
            files.remove(name)
            usage.remove(bytes: status.size)
            return status.size
        }
    }
}
