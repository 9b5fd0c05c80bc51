import JSONText
import Linux
import OCI
import StateStore
import Synchronization

/// Builds that go on, and those of the past with what they told.
///
/// Nobody waits for the disk: a crash loses the newest entries at most.
final class BuildRecords: Sendable {
    private struct Running {
        let entry: BuildHistoryEntry
        let progress: BuildProgress
        let end = Completion()
        var cancel: (@Sendable () -> Void)?
    }

    private struct State {
        var running: [String: Running] = [:]
        var isClosed = false
        var unwritten: [String: BuildHistoryEntry] = [:]
        var last: Task<Void, Never>?
    }

    /// How many builds of the past are remembered.
    static let limit = 100

    private let state = Mutex(State())
    private let database: StateDatabase
    private let directory: String
    private let note: @Sendable (String) -> Void

    init(database: StateDatabase, directory: String, note: @escaping @Sendable (String) -> Void) {
        self.database = database
        self.directory = directory
        self.note = note
    }

    // MARK: Taking down

    func begin(_ entry: BuildHistoryEntry, _ progress: BuildProgress) {
        state.withLock { $0.running[entry.id] = Running(entry: entry, progress: progress) }
    }

    /// Lets a build be ended from elsewhere.
    func onCancel(_ id: String, _ cancel: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.running[id]?.cancel = cancel
            return state.isClosed
        }
        if isLate { cancel() }
    }

    /// Ends all builds, and those to come.
    func cancelAll() async {
        let running = state.withLock { state in
            state.isClosed = true
            return Array(state.running.values)
        }
        for build in running { build.cancel?() }
        for build in running { await build.end.wait() }
    }

    /// Takes down how a build ended.
    func end(_ id: String, _ progress: BuildProgress, result: BuildResult?, failure: BuildFailure?) {
        guard var entry = state.withLock({ $0.running[id]?.entry }) else { return }
        (entry.steps, entry.cachedSteps) = progress.counts
        entry.warnings = progress.warnings.count
        entry.finished = Clock.now()
        entry.imageID = result?.imageID
        if let result { entry.references = result.references.map(\.familiar) }
        entry.status = failure == nil ? .completed : failure?.kind == .cancelled ? .cancelled : .failed
        entry.error = failure?.sentence
        let text = progress.transcript + (failure.map { "\nERROR: \($0.sentence)\n" } ?? "")
        state.withLock { [entry] state in
            state.running.removeValue(forKey: id)?.end.complete()
            state.unwritten[id] = entry
            let previous = state.last
            state.last = Task {
                await previous?.value
                await self.write(entry, text)
            }
        }
    }

    private func write(_ entry: BuildHistoryEntry, _ text: String) async {
        let (database, directory) = (database, directory)
        do {
            try await BlockingExecutor.shared.run {
                try Files.makeDirectories(directory, mode: 0o700)
                try Files.write("\(directory)/\(entry.id)", Array(text.utf8), mode: 0o600)
                let forgotten = try database.write { tables in
                    try tables.save(entry.row)
                    return try tables.trimBuildHistory(keeping: Self.limit)
                }
                for id in forgotten { try Files.unlinkIfPresent("\(directory)/\(id)") }
            }
        } catch {
            note("the history of build \(entry.id) could not be written: \(error)")
        }
        state.withLock { $0.unwritten[entry.id] = nil }
    }

    /// Waits until all is on the disk.
    func finish() async { await state.withLock { $0.last }?.value }

    // MARK: Looking up

    /// All builds, newest first.
    func all() async throws -> [BuildHistoryEntry] {
        let unwritten = state.withLock { state in
            state.running.values.map { running in
                var entry = running.entry
                (entry.steps, entry.cachedSteps) = running.progress.counts
                return entry
            } + state.unwritten.values
        }
        let known = Set(unwritten.map(\.id))
        let rows = try await database.reading { tables in try tables.buildHistory() }
        let past = rows.compactMap(BuildHistoryEntry.init).filter { !known.contains($0.id) }
        return (unwritten + past).sorted { ($1.started, $1.id) < ($0.started, $0.id) }
    }

    /// What a build told.
    func log(_ id: String) async throws -> String? {
        if let running = state.withLock({ $0.running[id]?.progress }) { return running.transcript }
        await finish()
        let path = "\(directory)/\(id)"
        return try await BlockingExecutor.shared.run { () throws(SystemError) in
            guard Files.exists(path) else { return nil }
            return try Files.readText(path, limit: 4 << 20)
        }
    }

    /// Forgets builds that are over.
    func remove(_ ids: [String]) async throws -> [String] {
        await finish()
        let (database, directory) = (database, directory)
        return try await BlockingExecutor.shared.run {
            let gone = try database.write { tables in try ids.filter { try tables.deleteBuildHistory(id: $0) } }
            for id in gone { try Files.unlinkIfPresent("\(directory)/\(id)") }
            return gone
        }
    }
}

extension BuildHistoryEntry {
    fileprivate var row: BuildHistoryRow {
        var object = JSONObject()
        object["name"] = .string(name)
        if let finished { object["finished"] = .int(finished.nanosecondsSinceEpoch) }
        object["steps"] = .int(Int64(steps))
        object["cached"] = .int(Int64(cachedSteps))
        object["warnings"] = .int(Int64(warnings))
        if let error { object["error"] = .string(error) }
        if let target { object["target"] = .string(target) }
        object["platforms"] = .strings(platforms)
        if let imageID { object["image"] = .string(imageID.description) }
        object["references"] = .strings(references)
        return BuildHistoryRow(
            id: id, started: started.nanosecondsSinceEpoch, status: status.rawValue, spec: object)
    }

    fileprivate init?(_ row: BuildHistoryRow) {
        guard let status = Status(rawValue: row.status) else { return nil }
        func strings(_ key: String) -> [String] { row.spec[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        func count(_ key: String) -> Int { row.spec[key]?.intValue.flatMap { Int(exactly: $0) } ?? 0 }
        self.init(
            id: row.id, name: row.spec["name"]?.stringValue ?? "",
            started: Timestamp(nanosecondsSinceEpoch: row.started), target: row.spec["target"]?.stringValue,
            platforms: strings("platforms"), references: strings("references"))
        self.status = status
        finished = row.spec["finished"]?.intValue.map { Timestamp(nanosecondsSinceEpoch: $0) }
        (steps, cachedSteps, warnings) = (count("steps"), count("cached"), count("warnings"))
        error = row.spec["error"]?.stringValue
        imageID = row.spec["image"]?.stringValue.flatMap { Digest($0) }
    }
}
