import Builder
import Dockerfile
import Engine
import HTTP
import JSONText
import Linux
import Registry
import Synchronization

/// Builds as Docker's clients ask for them: `POST /build`, `/build/cancel`, `/build/prune`.
struct BuildRoutes: Sendable {
    let engine: HostEngine
    private let running = RunningBuilds()

    init(engine: HostEngine) { self.engine = engine }

    func add(to router: inout Router) {
        router.on("POST", "/build", build)
        router.on("POST", "/build/cancel") { request in
            guard let id = request.query("id") else { throw EngineError(.invalid, "build ID not provided") }
            running.cancel(id)
            try await request.respond(status: 200)
        }
        router.on("POST", "/build/prune") { request in
            let (choice, isNothing) = try Self.pruning(request)
            let report = isNothing ? CachePruningReport() : try await engine.pruneBuilds(choice)
            try await request.respond([
                "CachesDeleted": .strings(report.removed.map(\.id)), "SpaceReclaimed": .int(report.freedBytes),
            ])
        }
    }

    private func build(_ request: APIRequest) async throws {
        let query: BuildQuery
        let context: FileTree
        do {
            query = try BuildQuery(request)
            context = try await self.context(request, query)
        } catch let error as HTTPError {
            throw error
        } catch {
            // Whoever sends a context hears the answer when all is sent.
            try await request.drain()
            throw Self.worded(error)
        }
        var wanted = query.request
        wanted.context = context
        let (asked, engine, running) = (wanted, engine, running)
        let lines = ClassicBuildLines(await ClassicScript.read(for: asked), isQuiet: query.isQuiet)
        try await BuildStream.serve(request, failure: lines.failure) { say in
            do {
                let result = try await running.run(query.id) {
                    try await engine.build(asked) { event in for line in lines.take(event) { say(line) } }
                }
                for line in lines.finish(result) { say(line) }
            } catch {
                for line in lines.flush() { say(line) }
                throw Self.worded(error)
            }
        }
    }

    /// What goes wrong before anything was told has a status, and one sentence that says all.
    private static func worded(_ error: any Error) -> any Error {
        guard let failure = error as? BuildFailure else { return error }
        let kind: EngineError.Kind
        switch failure.kind {
        case .invalid: kind = .invalid
        case .notFound: kind = .notFound
        case .forbidden: kind = .forbidden
        case .failed: kind = .failed
        case .process, .cancelled: return error
        }
        return EngineError(kind, ClassicBuildLines.sentence(failure), diagnostics: failure.diagnostics)
    }

    private func context(_ request: APIRequest, _ query: BuildQuery) async throws -> FileTree {
        guard let remote = query.remote else {
            return try await request.receive { archive in
                try await engine.builder.context(unpacking: archive)
            }
        }
        try await request.drain()
        return try await engine.builder.context(at: remote)
    }

    /// Source: Docker Engine API 1.51, `BuildPrune`.
    ///
    /// - Returns: what is let go, and whether that can be nothing: no part of the cache has labels.
    private static func pruning(_ request: APIRequest) throws(EngineError) -> (choice: CachePruning, isNothing: Bool) {
        func bytes(_ names: String...) throws(EngineError) -> Int64? {
            for name in names {
                guard let text = request.query(name) else { continue }
                guard let number = Int64(text), number >= 0 else {
                    throw EngineError(.invalid, "\(name) is in bytes and expects an integer, got \(text)")
                }
                if number > 0 { return number }
            }
            return nil
        }
        let filters = try request.filters([
            "description", "id", "inuse", "label", "label!", "parent", "parents", "private", "shared", "type",
            "unused-for", "until",
        ])
        var choice = CachePruning()
        choice.all = request.flag("all")
        choice.keptBytes = try bytes("reserved-space", "keep-storage")
        choice.maxUsedBytes = try bytes("max-used-space")
        choice.minFreeBytes = try bytes("min-free-space")
        choice.unusedSince = try filters.until(named: filters.lacks("until") ? "unused-for" : "until")
        choice.ids = Set(filters["id"])
        choice.description = filters["description"].first
        for text in filters["type"] {
            guard let kind = CacheRecord.Kind(rawValue: text) else {
                throw EngineError(.invalid, "invalid filter 'type=\(text)'")
            }
            choice.kinds.insert(kind)
        }
        if !filters.lacks("shared") { choice.isShared = filters.allows("shared", true) }
        if !filters.lacks("private") { choice.isShared = !filters.allows("private", true) }
        return (choice, !filters.lacks("label"))
    }
}

/// Builds that go on, by the names their clients gave them.
final class RunningBuilds: Sendable {
    private let tasks = Mutex<[String: Task<BuildResult, any Error>]>([:])

    /// Runs a build that `cancel` can end.
    func run(
        _ id: String?, _ work: @escaping @Sendable () async throws -> BuildResult
    ) async throws -> BuildResult {
        guard let id else { return try await work() }
        let task = Task { try await work() }
        tasks.withLock { $0[id] = task }
        defer { _ = tasks.withLock { $0.removeValue(forKey: id) } }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Ends a build; one that is not there has ended.
    func cancel(_ id: String) { tasks.withLock { $0[id] }?.cancel() }
}
