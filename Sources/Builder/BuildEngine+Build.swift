import Diagnostics
import Dockerfile
import ImageStore
import JSONText
import Linux
import OCI

extension BuildEngine {
    /// Builds what is asked for.
    ///
    /// Cancelling the task ends it at any time; what was finished by then is found by the next build, nothing else is
    /// left.
    ///
    /// - Parameter events: told what happens, in order, from any thread.
    /// - Throws: `BuildFailure`. That of a step has the place in the Dockerfile, the lines around it and the last lines
    ///   its process wrote in its notes.
    package func build(_ request: BuildRequest, events: @escaping BuildEventSink) async throws -> BuildResult {
        let progress = BuildProgress(events)
        let id: String
        do {
            id = String(try Random.hex(bytes: 13).prefix(25))
        } catch {
            throw BuildFailure.of(error)
        }
        records.begin(BuildHistoryEntry(id: id, request), progress)
        do {
            let result = try await solve(request, progress, id: id)
            records.end(id, progress, result: result, failure: nil)
            collectLater()
            return result
        } catch {
            let failure = Task.isCancelled ? BuildFailure.cancelled : BuildFailure.of(error)
            progress.cancelOpenSteps()
            records.end(id, progress, result: nil, failure: failure)
            throw failure
        }
    }

    private func solve(_ request: BuildRequest, _ progress: BuildProgress, id: String) async throws -> BuildResult {
        let started = Clock.now()
        var request = request
        for (name, named) in request.namedContexts {
            guard case .tree(let tree) = named, tree.ignored.isEmpty else { continue }
            request.namedContexts[name] = .tree(try await Self.ignoring(tree, [".dockerignore"]))
        }
        var file = try await definition(request, progress)
        let platforms = (request.platforms.isEmpty ? [Platform.host] : request.platforms).map(\.normalized)
        let inputs = platforms.map { EvaluationInput(request, platform: $0) }
        if let context = request.context { file.context = try await ignoring(context, file.name, progress) }
        for input in inputs { try Self.warn(file, input, progress, checksAll: request.checksOnly) }
        let plans = try inputs.map { try file.document.plan($0) }
        guard !request.checksOnly else {
            return BuildResult(
                imageID: nil, manifestDigest: nil, references: [], cachedSteps: 0, steps: 0,
                warnings: progress.warnings, historyID: id)
        }
        let epoch = try Self.epoch(request, plans.first)
        let job = BuildJob(
            engine: self, request: request, document: file.document, context: file.context, progress: progress, id: id,
            imports: try await imports(request, progress), epoch: epoch, platforms: platforms)
        let solvers = zip(plans, zip(inputs, platforms)).map { plan, rest in
            StageSolver(job, plan: plan, input: rest.0, platform: rest.1)
        }
        records.onCancel(id) { job.cancel() }
        return try await withTaskCancellationHandler {
            do {
                let result = try await finish(job, solvers, file, started)
                await end(job, solvers)
                return result
            } catch {
                job.cancel()
                await end(job, solvers)
                throw job.failure ?? BuildFailure.of(error)
            }
        } onCancel: {
            job.cancel()
        }
    }

    private func end(_ job: BuildJob, _ solvers: [StageSolver]) async {
        for solver in solvers { await solver.finish() }
        await job.finish()
    }

    private func finish(
        _ job: BuildJob, _ solvers: [StageSolver], _ file: Definition, _ started: Timestamp
    ) async throws -> BuildResult {
        let stages = try await withThrowingTaskGroup(of: (Int, SolvedStage).self) { group in
            for (index, solver) in solvers.enumerated() { group.addTask { (index, try await solver.solve()) } }
            var stages: [(Int, SolvedStage)] = []
            for try await stage in group { stages.append(stage) }
            return stages.sorted { $0.0 < $1.0 }.map(\.1)
        }
        for solver in solvers { try Self.warn(file, solver.input, job.progress, bases: try await solver.bases()) }
        var results: [BuildProduct.Result] = []
        for (solver, stage) in zip(solvers, stages) { results.append(try await solver.product(of: stage)) }
        let newest = stages.compactMap(\.newest).max()
        let product = BuildProduct(
            results: results, dockerfile: (file.name, file.text), started: started,
            epoch: job.epoch ?? newest ?? .epoch, historyID: job.id, nextStep: job.progress.nextStep)
        let exported = try await export(product, job.request) { [progress = job.progress] in progress.forward($0) }
        let counts = job.progress.counts
        return BuildResult(
            imageID: exported.imageID, manifestDigest: exported.manifestDigest, references: exported.references,
            cachedSteps: counts.cached, steps: counts.steps, warnings: job.progress.warnings, historyID: job.id)
    }

    private func imports(_ request: BuildRequest, _ progress: BuildProgress) async throws -> [any ImportedCache] {
        guard !request.cacheSources.isEmpty || !request.cacheTargets.isEmpty else { return [] }
        return try await importCaches(request, firstStep: progress.nextStep) { progress.forward($0) }.caches
    }

    // MARK: The Dockerfile

    /// A Dockerfile and the context it is for.
    struct Definition {
        var name: String
        var text: [UInt8]
        var document: DockerfileDocument
        var context: FileTree?
    }

    private static let dockerfileLimit = 16 << 20

    private func definition(_ request: BuildRequest, _ progress: BuildProgress) async throws -> Definition {
        var name = "Dockerfile"
        if case .inContext(let path) = request.instructions { name = path }
        if case .text(_, let given) = request.instructions { name = given }
        if case .document(let document, _) = request.instructions { name = document.name }
        let last = name.split(separator: "/").last.map(String.init) ?? name
        return try await progress.step("[internal] load build definition from \(last)") { [name] _ in
            let text: [UInt8]
            switch request.instructions {
            case .text(let bytes, _): text = bytes
            case .document(let document, let text):
                return Definition(name: name, text: text, document: document)
            case .inContext(let path): text = try await Self.read(path, of: request.context)
            }
            let document = try await BlockingExecutor.shared.run { () throws(DiagnosticList) in
                try DockerfileDocument(reading: text, name: name)
            }
            return Definition(name: name, text: text, document: document)
        }
    }

    private static func read(_ path: String, of context: FileTree?) async throws -> [UInt8] {
        func failure(_ why: String, _ kind: BuildFailure.Kind, hint: String? = nil) -> BuildFailure {
            BuildFailure(
                kind,
                Diagnostic(
                    code: kind == .notFound ? BuildCode.notFound : BuildCode.invalid,
                    summary: "failed to read dockerfile: open \(path): \(why)", hint: hint))
        }
        guard let context else { throw failure("there is no context", .invalid) }
        do throws(SystemError) {
            return try await BlockingExecutor.shared.run { () throws(SystemError) in
                try Files.openInRoot(context.root.raw, path).readAll(limit: dockerfileLimit)
            }
        } catch {
            switch error.errno {
            case .ENOENT, .ENOTDIR:
                throw failure("no such file or directory", .notFound, hint: "name it with --file, below the context")
            case .EISDIR: throw failure("is a directory", .invalid)
            case .EFBIG: throw failure("it has more than \(dockerfileLimit >> 20) MiB", .invalid)
            default: throw failure("\(error)", .failed)
            }
        }
    }

    /// The context with what `.dockerignore` leaves out, unless whoever gave it has said that already.
    private func ignoring(_ context: FileTree, _ name: String, _ progress: BuildProgress) async throws -> FileTree {
        guard context.ignored.isEmpty else { return context }
        return try await progress.step("[internal] load .dockerignore") { _ in
            try await Self.ignoring(context, ["\(name).dockerignore", ".dockerignore"])
        }
    }

    /// A tree of files without what the first of some files that is there says.
    private static func ignoring(_ context: FileTree, _ paths: [String]) async throws -> FileTree {
        var tree = context
        for path in paths {
            let bytes = try await BlockingExecutor.shared.run { () throws(SystemError) in
                try readIfPresent(path, of: context)
            }
            guard let bytes else { continue }
            tree.ignored = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
            break
        }
        return tree
    }

    /// A file of a context; nil where there is none.
    private static func readIfPresent(_ path: String, of context: FileTree) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try Files.openInRoot(context.root.raw, path).readAll(limit: dockerfileLimit)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return nil }
            throw error
        }
    }

    // MARK: Before the first step

    /// Tells what the rules of `--check` find, once.
    ///
    /// - Parameters:
    ///   - bases: what is known of base images, without which some rules find less.
    ///   - checksAll: whether stages count that the target does not need.
    /// - Throws: where the Dockerfile says that warnings are errors.
    private static func warn(
        _ file: Definition, _ input: EvaluationInput, _ progress: BuildProgress, bases: [Int: ImageSettings] = [:],
        checksAll: Bool = false
    ) throws {
        let ignored = file.context.flatMap { context in
            context.ignored.isEmpty ? nil : IgnoreRules(Array(context.ignored.joined(separator: "\n").utf8))
        }
        let known = progress.warnings
        let found = file.document.lint(input, ignored: ignored, bases: bases, checksAll: checksAll)
        for warning in found where !known.contains(warning) { progress.warn(warning) }
        if let failure = file.document.lintFailure(progress.warnings) { throw BuildFailure(.invalid, failure) }
    }

    /// The moment that was asked for.
    private static func epoch(_ request: BuildRequest, _ plan: StagePlan?) throws -> Timestamp? {
        if let epoch = request.sourceDateEpoch { return epoch }
        guard let text = plan?.sourceDateEpoch ?? request.arguments["SOURCE_DATE_EPOCH"], !text.isEmpty else {
            return nil
        }
        guard let seconds = Int64(text), seconds >= 0 else {
            throw BuildFailure(
                .invalid,
                Diagnostic(
                    code: BuildCode.invalid, summary: "invalid SOURCE_DATE_EPOCH: \(text)",
                    hint: "give it as seconds since 1970, such as the output of `git log -1 --pretty=%ct`"))
        }
        return Timestamp(seconds: seconds)
    }
}

extension StageSolver {
    /// What the stages began with, by their numbers.
    func bases() async throws -> [Int: ImageSettings] {
        var bases: [Int: ImageSettings] = [:]
        for planned in plan.stages { bases[planned.index] = try await stage(planned.index).base }
        return bases
    }

    /// What the steps gave, for whoever makes something of it.
    func product(of target: SolvedStage) async throws -> BuildProduct.Result {
        var chain: Set<Int> = [plan.target]
        var index = plan.target
        while let stage = plan.all.first(where: { $0.index == index }), case .stage(let base) = stage.base {
            chain.insert(base)
            index = base
        }
        var steps: [BuiltStep] = []
        var materials = target.materials
        for planned in plan.stages {
            let stage = try await stage(planned.index)
            steps += stage.steps.map { step in
                var step = step
                step.isOfResult = chain.contains(planned.index)
                return step
            }
            for material in stage.materials where !materials.contains(material) { materials.append(material) }
        }
        var unique: [BuildMaterial] = []
        for material in materials where !unique.contains(material) { unique.append(material) }
        return BuildProduct.Result(
            platform: target.platform, config: target.config(labels: job.request.labels, epoch: job.epoch),
            materials: unique, steps: steps)
    }
}

extension EvaluationInput {
    fileprivate init(_ request: BuildRequest, platform: Platform) {
        self.init(
            arguments: request.arguments, targetPlatform: platform.text, buildPlatform: Platform.host.text,
            target: request.target, namedContexts: Set(request.namedContexts.keys))
    }
}

extension BuildHistoryEntry {
    fileprivate init(id: String, _ request: BuildRequest) {
        var name = "Dockerfile"
        if case .inContext(let path) = request.instructions { name = path }
        if case .text(_, let given) = request.instructions { name = given }
        if case .document(let document, _) = request.instructions { name = document.name }
        if let target = request.target, !target.isEmpty { name += " (\(target))" }
        self.init(
            id: id, name: request.tags.first?.familiar ?? name, started: Clock.now(), target: request.target,
            platforms: (request.platforms.isEmpty ? [Platform.host] : request.platforms).map(\.text),
            references: request.tags.map(\.familiar))
    }
}
