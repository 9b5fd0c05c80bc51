import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI
import StateStore
import Synchronization

/// Results of steps by their keys.
///
/// What is found counts at once; the database follows when the layers are on the disk. So nothing is ever taken down
/// that is half done, and no step waits for the disk.
final class StepCache: Sendable {
    /// A result and all keys that find it.
    struct Entry: Sendable {
        var result: StepResult
        var otherKeys: [String]
        var title: String
    }

    private struct State {
        var unwritten: [String: Entry] = [:]
        var aliases: [String: String] = [:]
        var queue: [Change] = []
        var isWriting = false
        var idle: [CheckedContinuation<Void, Never>] = []
        var flights: [String: Completion] = [:]
    }

    private enum Change: Sendable {
        case result(Entry)
        case key(String, of: String)
        case use(String, Timestamp)
    }

    private let state = Mutex(State())
    private let images: ImageStore
    private let database: StateDatabase
    private let note: @Sendable (String) -> Void

    init(images: ImageStore, database: StateDatabase, note: @escaping @Sendable (String) -> Void) {
        self.images = images
        self.database = database
        self.note = note
    }

    // MARK: Finding

    /// The result that the first of the keys finds; its layer is kept for the caller, who gives it back.
    func find(_ keys: [String]) async throws -> StepResult? {
        if let known = keys.lazy.compactMap(unwritten).first {
            images.keep(known.layer.map { [$0] } ?? [])
            use(known.key)
            return known
        }
        let (images, database) = (images, database)
        let row = try await BlockingExecutor.shared.run { () throws -> BuildCacheRow? in
            guard let row = try Self.row(of: keys, in: database) else { return nil }
            guard let layer = row.layer.flatMap({ Digest($0) }) else { return row }
            images.keep([layer])
            // It may have been let go before it was kept.
            guard try database.read({ tables in try tables.layer(diffID: layer.description) }) != nil else {
                images.giveBack([layer])
                return nil
            }
            return row
        }
        guard let row else { return nil }
        use(row.key)
        return StepResult(
            key: row.key, layer: row.layer.flatMap { Digest($0) },
            newest: row.newest.map { Timestamp(nanosecondsSinceEpoch: $0) },
            created: Timestamp(nanosecondsSinceEpoch: row.created), isCached: true)
    }

    private static func row(of keys: [String], in database: StateDatabase) throws -> BuildCacheRow? {
        try database.read { tables in
            for key in keys {
                if let row = try tables.buildCache(key: key) { return row }
            }
            return nil
        }
    }

    private func unwritten(_ key: String) -> StepResult? {
        state.withLock { state in
            guard var result = state.unwritten[state.aliases[key] ?? key]?.result else { return nil }
            result.isCached = true
            return result
        }
    }

    /// Whether a result has this as one of its other keys.
    func hasKey(_ key: String) async throws -> Bool {
        if state.withLock({ $0.aliases[key] != nil }) { return true }
        return try await database.reading { tables in try tables.hasBuildCacheKey(key) }
    }

    // MARK: Taking down

    /// Takes down what a step gave.
    ///
    /// - Parameter otherKeys: what finds it beside its key.
    func add(_ result: StepResult, otherKeys: [String], title: String) {
        let entry = Entry(result: result, otherKeys: otherKeys.filter { $0 != result.key }, title: title)
        images.keep(result.layer.map { [$0] } ?? [])
        state.withLock { state in
            state.unwritten[result.key] = entry
            for key in entry.otherKeys { state.aliases[key] = result.key }
        }
        later(.result(entry))
    }

    /// Lets a result be found by other keys too.
    func add(keys: [String], of record: String) {
        for key in keys where key != record { later(.key(key, of: record)) }
    }

    private func use(_ key: String) { later(.use(key, Clock.now())) }

    private func later(_ change: Change) {
        let starts = state.withLock { state in
            state.queue.append(change)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        // Ends by itself as soon as nothing waits; `flush` is how others wait for it.
        if starts { Task { await write() } }
    }

    private func write() async {
        while true {
            let batch = state.withLock { state in
                defer { state.queue = [] }
                return state.queue
            }
            if !batch.isEmpty {
                await write(batch)
                continue
            }
            let idle = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                guard state.queue.isEmpty else { return nil }
                state.isWriting = false
                defer { state.idle = [] }
                return state.idle
            }
            guard let idle else { continue }
            for continuation in idle { continuation.resume() }
            return
        }
    }

    private func write(_ batch: [Change]) async {
        var lost: Set<String> = []
        for case .result(let entry) in batch {
            do {
                try await images.settleLayers(entry.result.layer.map { [$0] } ?? [])
            } catch {
                lost.insert(entry.result.key)
            }
        }
        do {
            try await database.writing { [lost] tables in
                for change in batch { try Self.apply(change, tables, passingOver: lost) }
            }
        } catch {
            note("results of build steps could not be taken down: \(error)")
        }
        state.withLock { state in
            for case .result(let entry) in batch where state.unwritten[entry.result.key]?.result == entry.result {
                state.unwritten[entry.result.key] = nil
                for key in entry.otherKeys { state.aliases[key] = nil }
            }
        }
        for case .result(let entry) in batch { images.giveBack(entry.result.layer.map { [$0] } ?? []) }
    }

    private static func apply(
        _ change: Change, _ tables: borrowing WriteTransaction, passingOver lost: Set<String>
    ) throws {
        switch change {
        case .result(let entry):
            guard !lost.contains(entry.result.key) else { return }
            let layer = try entry.result.layer.map { try tables.layer(diffID: $0.description) }
            // A layer that is not in the store would never be found.
            if let layer, layer == nil { return }
            let result = entry.result
            try tables.save(
                BuildCacheRow(
                    key: result.key, layer: result.layer?.description, newest: result.newest?.nanosecondsSinceEpoch,
                    size: (layer ?? nil)?.size ?? 0, created: result.created.nanosecondsSinceEpoch,
                    lastUsed: Clock.now().nanosecondsSinceEpoch, description: entry.title))
            for key in entry.otherKeys { try tables.saveBuildCacheKey(key, of: result.key) }
        case .key(let key, let record):
            guard try tables.buildCache(key: record) != nil else { return }
            try tables.saveBuildCacheKey(key, of: record)
        case .use(let key, let time): try tables.useBuildCache(key: key, at: time.nanosecondsSinceEpoch)
        }
    }

    /// Waits until all that was taken down is in the database.
    func flush() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isWriting { state.idle.append(continuation) }
                return !state.isWriting
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: Doing things once

    /// Begins what makes a result, unless somebody is at it.
    ///
    /// - Returns: nil for whoever makes it, who calls `land`; else what tells that the other is done.
    func takeOff(_ key: String) -> Completion? {
        state.withLock { state in
            if let flight = state.flights[key] { return flight }
            state.flights[key] = Completion()
            return nil
        }
    }

    /// Ends what `takeOff` began, whether there is a result or not.
    func land(_ key: String) { state.withLock { $0.flights.removeValue(forKey: key) }?.complete() }
}
