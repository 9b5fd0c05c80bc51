import Diagnostics
import ImageStore
import Linux
import OCI
import StateStore
import Synchronization

extension BuildEngine {
    /// Keepers of things beside the results of steps.
    var shelves: [any CacheShelf] { [CacheMountShelf(store: cacheMountStore), contexts, web] }

    /// All that is kept for later builds, the last used first.
    package func usage() async throws -> [CacheRecord] {
        try await reporting("listing the build cache") {
            var records = try await stepRecords()
            for shelf in shelves { records += try await shelf.records() }
            return records.sorted { ($1.lastUsed ?? $1.created, $1.id) < ($0.lastUsed ?? $0.created, $0.id) }
        }
    }

    private func stepRecords() async throws -> [CacheRecord] {
        await cache.flush()
        let (rows, images) = try await database.reading { tables in (try tables.buildCache(), try tables.images()) }
        let shared = Set(images.flatMap(\.layers))
        let held = self.images.keptLayers
        return rows.map { row in
            let layer = row.layer.flatMap { Digest($0) }
            return CacheRecord(
                id: Self.recordID(row.key), kind: .regular, description: row.description, size: row.size,
                created: Timestamp(nanosecondsSinceEpoch: row.created),
                lastUsed: Timestamp(nanosecondsSinceEpoch: row.lastUsed), useCount: Int(row.uses),
                isInUse: layer.map(held.contains) ?? false, isShared: row.layer.map(shared.contains) ?? false,
                layer: layer)
        }
    }

    /// What users call a record: as long as BuildKit's ids.
    private static func recordID(_ key: String) -> String {
        String(key.dropFirst("sha256:".count).prefix(25))
    }

    /// Lets go what is kept for later builds.
    package func prune(_ choice: CachePruning) async throws -> CachePruningReport {
        try await reporting("pruning the build cache") {
            let records = try await usage()
            let chosen = choice.chosen(of: records, freeBytes: freeBytes())
            return try await remove(chosen)
        }
    }

    private func freeBytes() -> Int64? {
        (try? Files.diskSpace(directory))?.available
    }

    private func remove(_ chosen: [CacheRecord]) async throws -> CachePruningReport {
        var report = CachePruningReport()
        guard !chosen.isEmpty else { return report }
        let ids = Set(chosen.filter { $0.kind == .regular }.map(\.id))
        let gone = try await database.writing { tables in
            var gone: Set<String> = []
            for row in try tables.buildCache() where ids.contains(Self.recordID(row.key)) {
                if try tables.deleteBuildCache(key: row.key) { gone.insert(Self.recordID(row.key)) }
            }
            return gone
        }
        report.removed = chosen.filter { $0.kind == .regular && gone.contains($0.id) }
        if !gone.isEmpty {
            report.freedBytes += try await images.collectGarbage(inUse: [], removeUntagged: false).freedBytes
        }
        let shelves = shelves
        for record in chosen where record.kind != .regular {
            for shelf in shelves {
                guard let freed = try await shelf.remove(record.id) else { continue }
                report.removed.append(record)
                report.freedBytes += freed
                break
            }
        }
        return report
    }

    /// Lets go, after a build, what was not used for long or is more than there is room for; nobody waits for it.
    func collectLater() {
        guard collecting.begin() else { return }
        Task {
            do {
                try await collect()
            } catch {
                host.note("the build cache could not be tidied up: \(BuildFailure.sentence(of: error))")
            }
        }
    }

    private func collect() async throws {
        let records = try await usage()
        let limit = CacheLimits.bytes(of: (try? Files.diskSpace(directory))?.total)
        var choice = CachePruning()
        choice.unusedSince = Timestamp(seconds: Clock.now().seconds - CacheLimits.age)
        var chosen = choice.chosen(of: records, freeBytes: nil)
        choice = CachePruning()
        choice.maxUsedBytes = limit
        let left = records.filter { record in !chosen.contains { $0.id == record.id } }
        chosen += choice.chosen(of: left, freeBytes: nil)
        _ = try await remove(chosen)
        // Layers of results that others have taken the place of.
        _ = try await images.collectGarbage(inUse: [], removeUntagged: false)
    }

    private func reporting<Value>(_ doing: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let failure as BuildFailure {
            throw failure
        } catch {
            throw BuildFailure(
                .failed, Diagnostic(code: BuildCode.failed, summary: "\(doing) failed", detail: "\(error)"))
        }
    }

    // MARK: History

    /// Builds of the past and those that go on, newest first.
    package func history() async throws -> [BuildHistoryEntry] {
        try await reporting("reading the history of builds") { try await records.all() }
    }

    /// One build by its id or a beginning of it that fits no other; nil where there is none.
    package func historyEntry(_ id: String) async throws -> BuildHistoryEntry? {
        let entries = try await history()
        if let exact = entries.first(where: { $0.id == id }) { return exact }
        let fitting = entries.filter { !id.isEmpty && $0.id.hasPrefix(id) }
        return fitting.count == 1 ? fitting.first : nil
    }

    /// What a build told, as `--progress=plain` shows it; its middle is left out where it is long.
    package func historyLog(_ id: String) async throws -> String? {
        guard let entry = try await historyEntry(id) else { return nil }
        return try await reporting("reading the log of build \(entry.id)") { try await records.log(entry.id) }
    }

    /// Forgets builds that are over.
    ///
    /// - Parameter ids: nil for all of them.
    /// - Returns: the ids of what is forgotten.
    package func removeHistory(_ ids: [String]?) async throws -> [String] {
        let over = try await history().filter { $0.status != .running }.map(\.id)
        let chosen = ids.map { ids in over.filter { id in ids.contains { !$0.isEmpty && id.hasPrefix($0) } } } ?? over
        return try await reporting("forgetting builds") { try await records.remove(chosen) }
    }
}

/// Lets something begin now and then only.
final class SpacedStarts: Sendable {
    private let last = Mutex<Int64?>(nil)
    private let nanoseconds: Int64

    init(seconds: Int64) { nanoseconds = seconds * 1_000_000_000 }

    /// Whether it may begin now, which it then does.
    func begin() -> Bool {
        last.withLock { last in
            let now = Clock.monotonic()
            if let last, now - last < nanoseconds { return false }
            last = now
            return true
        }
    }
}

/// How much is kept without being asked.
package enum CacheLimits {
    /// Seconds after which what nothing has used is let go: 60 days.
    static let age: Int64 = 60 * 24 * 3600
    /// Bytes at most: 10 GiB, and no more than a tenth of the disk.
    static func bytes(of disk: Int64?) -> Int64 { min(10 << 30, disk.map { $0 / 10 } ?? .max) }
}

extension CachePruning {
    /// What is let go of some records, the last used first.
    ///
    /// - Parameter freeBytes: what is free on the disk; nil where that is not known.
    func chosen(of records: [CacheRecord], freeBytes: Int64?) -> [CacheRecord] {
        let fitting = records.filter(fits)
        let used = records.reduce(0) { $0 + ($1.isShared ? 0 : $1.size) }
        var excess: Int64?
        if let keptBytes { excess = used - keptBytes }
        if let maxUsedBytes { excess = max(excess ?? 0, used - maxUsedBytes) }
        if let minFreeBytes, let freeBytes { excess = max(excess ?? 0, minFreeBytes - freeBytes) }
        guard var excess else { return fitting }
        var chosen: [CacheRecord] = []
        for record in fitting.reversed() {
            guard excess > 0 else { break }
            guard !record.isShared, record.size > 0 else { continue }
            chosen.append(record)
            excess -= record.size
        }
        return chosen
    }

    private func fits(_ record: CacheRecord) -> Bool {
        if record.isInUse { return false }
        if !all, record.isShared, isShared != true { return false }
        if let isShared, record.isShared != isShared { return false }
        if let unusedSince, record.lastUsed ?? record.created >= unusedSince { return false }
        if !ids.isEmpty, !ids.contains(where: { !$0.isEmpty && record.id.hasPrefix($0) }) { return false }
        if !kinds.isEmpty, !kinds.contains(record.kind) { return false }
        if let description, !record.description.contains(description) { return false }
        return true
    }
}
