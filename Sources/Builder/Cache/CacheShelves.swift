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

/// Contexts, repositories and files of the web among all that is kept.
struct SourceShelf: CacheShelf {
    let engine: BuildEngine

    func records() async throws -> [CacheRecord] {
        try await engine.storedSources().map { source in
            CacheRecord(
                id: Self.id(source), kind: Self.kind(source.kind), description: source.name, size: source.size,
                created: source.lastUsed, lastUsed: source.lastUsed, isInUse: source.isUsed)
        }
    }

    func remove(_ id: String) async throws -> Int64? {
        guard let source = try await engine.storedSources().first(where: { Self.id($0) == id }) else { return nil }
        return try await engine.removeSource(source) ? source.size : nil
    }

    /// Unique among all records, not only those of a kind.
    private static func id(_ source: StoredSource) -> String {
        source.kind == .context ? source.id : "\(source.kind.rawValue)-\(source.id)"
    }

    private static func kind(_ kind: StoredSource.Kind) -> CacheRecord.Kind {
        switch kind {
        case .context: .context
        case .git: .git
        case .web: .web
        }
    }
}
