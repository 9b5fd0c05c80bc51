import Linux

/// A directory that `RUN --mount=type=cache` keeps from build to build.
package struct CacheMountRecord: Sendable, Hashable {
    /// What it is removed by.
    package var id: String
    /// The cache's id, as the Dockerfile has it.
    package var name: String
    /// Bytes on the disk.
    package var bytes: Int64
    package var createdAt: Timestamp
    /// The end of the last step that used it.
    package var lastUsedAt: Timestamp
    /// Whether a step uses it now.
    package var isInUse: Bool

    package init(
        id: String, name: String, bytes: Int64, createdAt: Timestamp, lastUsedAt: Timestamp, isInUse: Bool
    ) {
        self.id = id
        self.name = name
        self.bytes = bytes
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.isInUse = isInUse
    }
}

extension BuildEngine {
    /// What steps keep in cache mounts, by their ids.
    ///
    /// - Throws: `SystemError`.
    package func cacheMounts() async throws -> [CacheMountRecord] {
        let store = cacheMountStore
        return try await BlockingExecutor.shared.run { () throws(SystemError) in try store.records() }
    }

    /// Removes one.
    ///
    /// - Returns: false where a step uses it, or it is not there; it is left then.
    /// - Throws: `SystemError`.
    package func removeCacheMount(_ id: String) async throws -> Bool {
        let store = cacheMountStore
        return try await BlockingExecutor.shared.run { () throws(SystemError) in try store.remove(id) }
    }
}

extension CacheMountStore {
    /// Blocks.
    func records() throws(SystemError) -> [CacheMountRecord] {
        guard Files.exists(directory) else { return [] }
        var records: [CacheMountRecord] = []
        for entry in try Files.list(directory) where !entry.name.hasPrefix(Self.halfPrefix) {
            let path = "\(directory)/\(entry.name)"
            // Somebody may remove it meanwhile.
            guard let name = try? Files.readText("\(path)/id", limit: 65_536),
                let used = try Files.statusIfPresent("\(path)/id"), let made = try Files.statusIfPresent(path),
                let data = try? Files.open("\(path)/data", [.readOnly, .directory, .noFollow])
            else { continue }
            records.append(
                CacheMountRecord(
                    id: entry.name, name: name, bytes: try DiskUsage.bytes(below: data.shared()),
                    createdAt: made.modified, lastUsedAt: used.modified, isInUse: isUsed(entry.name)))
        }
        return records
    }

    /// Blocks.
    func remove(_ name: String) throws(SystemError) -> Bool {
        let path = "\(directory)/\(name)"
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), claimUnused(name) else { return false }
        defer { letGo(name) }
        guard Files.exists(path) else { return false }
        // What is taken away only in part must not be found by a build.
        let half = "\(directory)/\(Self.halfPrefix)\(name)"
        try Files.removeTree(half)
        try Files.rename(path, to: half)
        try Files.removeTree(half)
        return true
    }

    /// Removes what was being made or removed when an earlier daemon ended.
    ///
    /// Blocks.
    func removeHalves() throws(SystemError) {
        guard Files.exists(directory) else { return }
        for entry in try Files.list(directory) where entry.name.hasPrefix(Self.halfPrefix) {
            try Files.removeTree("\(directory)/\(entry.name)")
        }
    }
}

/// Room that files take.
enum DiskUsage {
    /// The bytes on the disk of all files below an open directory; files with several names count once.
    ///
    /// What vanishes meanwhile does not count. Blocks.
    static func bytes(below root: SharedDescriptor) throws(SystemError) -> Int64 {
        var total = try root.status().blocks * 512
        var linked: Set<UInt64> = []
        // One descriptor for each level, however many directories are side by side.
        var levels = [(directory: root, rest: try Files.list(".", at: root.raw)[...])]
        while let level = levels.last {
            guard let entry = level.rest.first else {
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].rest.removeFirst()
            guard
                let status = try Files.statusIfPresent(
                    entry.nameBytes, followLinks: false, at: level.directory.raw)
            else { continue }
            if status.kind != .directory, status.linkCount > 1, !linked.insert(status.inode).inserted { continue }
            total += status.blocks * 512
            guard status.kind == .directory,
                let opened = try? Files.open(
                    entry.nameBytes, [.readOnly, .directory, .noFollow], at: level.directory.raw
                ).shared(), let entries = try? Files.list(".", at: opened.raw)
            else { continue }
            levels.append((opened, entries[...]))
        }
        return total
    }
}
