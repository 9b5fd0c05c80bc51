import Diagnostics
import Dockerfile
import ImageStore
import Linux
import OCI
import Synchronization

/// What one build shares between its stages and platforms.
final class BuildJob: Sendable {
    let engine: BuildEngine
    let request: BuildRequest
    let document: DockerfileDocument
    let progress: BuildProgress
    let id: String
    /// Caches of `--cache-from`.
    let imports: [any ImportedCache]
    /// The moment all times are, where one was asked for.
    let epoch: Timestamp?
    /// The context as steps see it; nil where there is none.
    let context: FileTree?
    let platforms: [Platform]
    /// Trees of layers that files are copied from.
    let trees = SharedTasks<[Digest], FileTree>()
    /// Digests of what is copied, told before their step's turn has come.
    let digests = SharedTasks<String, String>()
    private let bases = SharedTasks<BaseKey, StoredImage>()
    private let kept = Mutex<[Digest]>([])
    private let fresh = Mutex<[String: StepResult]>([:])
    private let firstFailure = Mutex<BuildFailure?>(nil)
    private let contextStep = Mutex<Bool>(false)
    /// Whether there are layers that turned out to be known.
    private let left = Mutex<Set<Digest>>([])
    private let cancelled = Mutex<[@Sendable () -> Void]?>([])

    private struct BaseKey: Hashable, Sendable {
        let reference: ImageReference
        let platform: Platform
    }

    init(
        engine: BuildEngine, request: BuildRequest, document: DockerfileDocument, context: FileTree?,
        progress: BuildProgress, id: String, imports: [any ImportedCache], epoch: Timestamp?, platforms: [Platform]
    ) {
        self.engine = engine
        self.request = request
        self.document = document
        self.context = context
        self.progress = progress
        self.id = id
        self.imports = imports
        self.epoch = epoch
        self.platforms = platforms
    }

    // MARK: Its end

    /// Ends all that goes on.
    func cancel() {
        let actions = cancelled.withLock { actions in
            defer { actions = nil }
            return actions ?? []
        }
        for action in actions { action() }
        trees.cancel()
        digests.cancel()
        bases.cancel()
    }

    /// Lets `cancel` end something else too.
    func onCancel(_ action: @escaping @Sendable () -> Void) {
        let isLate = cancelled.withLock { actions in
            actions?.append(action)
            return actions == nil
        }
        if isLate { action() }
    }

    /// Takes down why the build fails, the first reason only, and ends everything else.
    func fail(_ failure: BuildFailure) {
        firstFailure.withLock { first in
            if first == nil || (first?.kind == .cancelled && failure.kind != .cancelled) { first = failure }
        }
        cancel()
    }

    /// Why it failed.
    var failure: BuildFailure? { firstFailure.withLock { $0 } }

    /// Waits for the end of all that goes on, and gives back what was kept.
    func finish() async {
        await digests.finish()
        await trees.finish()
        await bases.finish()
        engine.images.giveBack(kept.withLock { $0 })
        kept.withLock { $0 = [] }
        let left = left.withLock { $0 }
        // What cannot be removed now goes the next time.
        if !left.isEmpty { try? await engine.images.removeUnused(left) }
    }

    // MARK: Layers

    /// Takes over layers that were kept for the build; they are given back at its end.
    func takeOver(_ layers: some Sequence<Digest>) { kept.withLock { $0 += layers } }

    // MARK: Steps

    /// Gives the result of a step: one that is known, or what `make` gives.
    ///
    /// - Parameters:
    ///   - keys: what finds it; the first is told soonest. More are asked for where those find nothing.
    ///   - otherKeys: what it is taken down under beside these; nothing is looked for by them.
    ///   - isUncached: whether nothing that is cached counts.
    func result(
        _ keys: [String], more: @Sendable () async throws -> [String] = { [] }, otherKeys: [String] = [],
        title: String, step: Int, isUncached: Bool, make: @Sendable () async throws -> StepLayer
    ) async throws -> StepResult {
        let cache = engine.cache
        var keys = keys
        if !isUncached, let found = try await known(keys, step) { return found }
        // Without the cache too: what is taken down then has to replace what is known.
        let others = try await more()
        keys += others
        if !isUncached, !others.isEmpty, let found = try await known(others, step) {
            cache.add(keys: keys, of: found.key)
            return found
        }
        guard let main = keys.last else { throw BuildFailure.of(CancellationError()) }
        let flight = isUncached ? "\(id) \(main)" : main
        while let other = cache.takeOff(flight) {
            await other.wait()
            try Task.checkCancellation()
            if isUncached, let result = fresh.withLock({ $0[main] }) { return cached(result, step) }
            if !isUncached, let found = try await known(keys, step) { return found }
        }
        defer { cache.land(flight) }
        // What somebody else has made just before.
        if isUncached, let result = fresh.withLock({ $0[main] }) { return cached(result, step) }
        if !isUncached, let found = try await known([main], step) { return found }
        progress.start(step)
        let layer = try await make()
        let result = takeDown(layer, key: main, otherKeys: keys + otherKeys, title: title, step: step)
        if isUncached { fresh.withLock { $0[main] = result } }
        return result
    }

    /// Makes the result of a step whose key is told only while it is made; nil where something like it is known, so
    /// that its key has to be told first.
    ///
    /// - Parameters:
    ///   - shape: all that the key depends on but contents.
    ///   - isUntold: whether to make it in any case: telling its key takes as long. What is known by the key counts.
    ///   - make: gives the layer and the key.
    func newResult(
        shape: String, otherKeys: [String], title: String, step: Int, isUncached: Bool, isUntold: Bool,
        make: @Sendable () async throws -> (layer: StepLayer, key: String)
    ) async throws -> StepResult? {
        let cache = engine.cache
        guard imports.isEmpty else { return nil }
        if !isUncached, !isUntold, try await cache.hasKey(shape) { return nil }
        let flight = isUncached ? "\(id) \(shape)" : shape
        if let other = cache.takeOff(flight) {
            await other.wait()
            try Task.checkCancellation()
            return nil
        }
        defer { cache.land(flight) }
        // What has the same shape may have other contents, which only its key tells.
        if isUncached, fresh.withLock({ $0[shape] != nil }) { return nil }
        if !isUncached, !isUntold, try await cache.hasKey(shape) { return nil }
        progress.start(step)
        let (layer, key) = try await make()
        if isUntold, !isUncached, let found = try await known([key], step) {
            if let layer = layer.layer {
                engine.images.giveBack([layer])
                _ = left.withLock { $0.insert(layer) }
            }
            return found
        }
        let result = takeDown(layer, key: key, otherKeys: otherKeys + [shape], title: title, step: step)
        if isUncached {
            fresh.withLock { fresh in
                fresh[shape] = result
                fresh[key] = result
            }
        }
        return result
    }

    private func takeDown(
        _ layer: StepLayer, key: String, otherKeys: [String], title: String, step: Int
    ) -> StepResult {
        takeOver(layer.layer.map { [$0] } ?? [])
        let result = StepResult(key: key, layer: layer.layer, newest: layer.newest, created: Clock.now())
        engine.cache.add(result, otherKeys: otherKeys, title: title)
        progress.count(isCached: false)
        progress.end(step)
        return result
    }

    private func cached(_ result: StepResult, _ step: Int) -> StepResult {
        progress.count(isCached: true)
        progress.endCached(step)
        return result
    }

    /// The result that one of the keys finds, here or in a cache from elsewhere.
    func known(_ keys: [String], _ step: Int) async throws -> StepResult? {
        if let found = try await engine.cache.find(keys) {
            takeOver(found.layer.map { [$0] } ?? [])
            return cached(found, step)
        }
        for source in imports {
            guard let found = keys.lazy.compactMap(source.result).first else { continue }
            do {
                try await source.bring(found) { [progress] in progress.report($0.event(of: step)) }
            } catch {
                if Task.isCancelled { throw error }
                engine.host.note("cache \(source.name): \(BuildFailure.sentence(of: error))")
                continue
            }
            takeOver(found.layer.map { [$0] } ?? [])
            let result = StepResult(
                key: found.key, layer: found.layer, newest: found.newest, created: found.created, isCached: true)
            engine.cache.add(result, otherKeys: [], title: found.title)
            return cached(result, step)
        }
        return nil
    }

    // MARK: Sources

    /// The context, for which a step is shown the first time it is asked for.
    func contextTree() throws -> FileTree {
        guard let context else {
            throw BuildFailure(
                .invalid,
                Diagnostic(
                    code: BuildCode.invalid, summary: "there is no build context to take files from",
                    hint: "name a directory as the context instead of only a Dockerfile"))
        }
        let isFirst = contextStep.withLock { wasShown in
            defer { wasShown = true }
            return !wasShown
        }
        if isFirst {
            let step = progress.announce("[internal] load build context")
            progress.start(step)
            progress.end(step)
        }
        return context
    }

    /// Files of layers as a tree.
    func tree(of layers: [Digest]) async throws -> FileTree {
        try await trees.value(layers) { [engine] in try await engine.tree(of: layers) }
    }

    /// An image by its name, here or at its registry.
    func image(_ text: String, for platform: Platform) async throws -> StoredImage {
        let reference = try Self.reference(text)
        return try await bases.value(BaseKey(reference: reference, platform: platform)) { [self] in
            let many = platforms.count > 1 ? "\(platform.text) " : ""
            return try await progress.step("[\(many)internal] load metadata for \(reference)") { step in
                do {
                    let image = try await engine.host.image(
                        reference, platform: platform, pulls: request.pulls, access: request.access
                    ) { [progress] in progress.report($0.event(of: step)) }
                    engine.images.keep(image.layers)
                    takeOver(image.layers)
                    return image
                } catch {
                    throw Self.unresolved(reference, error)
                }
            }
        }
    }

    static func reference(_ text: String) throws -> ImageReference {
        let name = text.hasPrefix("docker-image://") ? String(text.dropFirst("docker-image://".count)) : text
        do {
            return try ImageReference(name).withDefaultTag
        } catch {
            throw BuildFailure(
                .invalid,
                Diagnostic(
                    code: BuildCode.invalid,
                    summary: "failed to parse stage name \"\(name)\": invalid reference format",
                    detail: "\(error)"))
        }
    }

    private static func unresolved(_ reference: ImageReference, _ error: any Error) -> any Error {
        var failure = BuildFailure.of(error)
        guard failure.kind != .cancelled, !failure.diagnostics.isEmpty else { return failure }
        failure.diagnostics[0].summary =
            "failed to resolve source metadata for \(reference): \(failure.diagnostics[0].summary)"
        // Once is enough.
        if let detail = failure.diagnostics[0].detail, failure.diagnostics[0].summary.contains(detail) {
            failure.diagnostics[0].detail = nil
        }
        return failure
    }
}

extension LayerProgress {
    /// What a build tells of a layer that comes.
    func event(of step: Int) -> BuildEvent.Progress {
        BuildEvent.Progress(
            step: step, name: digest.description, current: current, total: total,
            isDone: phase == .done || phase == .exists)
    }
}

extension Platform {
    /// As BuildKit writes it: without the variant that every processor of its kind has.
    var text: String {
        var short = normalized
        if short.architecture == "arm64", short.variant == "v8" { short.variant = nil }
        return short.description
    }
}
