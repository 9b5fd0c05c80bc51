import Linux

/// Cache mounts among all that is kept.
struct CacheMountShelf: CacheShelf {
    let store: CacheMountStore

    func records() async throws -> [CacheRecord] {
        try await BlockingExecutor.shared.run { () throws(SystemError) in try store.records() }.map { mount in
            CacheRecord(
                id: mount.id, kind: .cacheMount, description: "cached mount \(mount.name)", size: mount.bytes,
                created: mount.createdAt, lastUsed: mount.lastUsedAt, isInUse: mount.isInUse)
        }
    }

    func remove(_ id: String) async throws -> Int64? {
        try await BlockingExecutor.shared.run { () throws(SystemError) in
            let bytes = try store.records().first { $0.id == id }?.bytes ?? 0
            return try store.remove(id) ? bytes : nil
        }
    }
}
