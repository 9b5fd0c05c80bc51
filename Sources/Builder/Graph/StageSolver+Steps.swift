import Diagnostics
import Dockerfile
import ImageStore
import Linux
import OCI

/// Files that a step copies from or mounts.
enum StepOrigin: Sendable {
    /// A context; only its contents tell what it is.
    case tree(FileTree)
    /// A stage's or an image's files, lowest layer first.
    case layers([Digest])
}

extension StageSolver {
    /// Does what a step does to files.
    ///
    /// - Throws: `BuildFailure` with the step's place.
    func perform(
        _ action: EvaluatedStep.Action, _ step: EvaluatedStep, _ id: Int, _ place: StepPlace,
        _ stage: inout SolvedStage, _ planned: PlannedStage
    ) async throws -> StepResult {
        do {
            switch action {
            case .run(let run): return try await perform(run, step, id, &stage, planned)
            case .transfer(let transfer):
                if transfer.isIndependent {
                    let platform = stage.platform
                    let (result, used) = try await (
                        independent.value(place) {
                            try await self.perform(transfer, step, id, [], platform, planned).result
                        },
                        origin(transfer, platform)?.materials ?? []
                    )
                    stage.materials += used
                    return result
                }
                let (result, used) = try await perform(transfer, step, id, stage.layers, stage.platform, planned)
                stage.materials += used
                return result
            case .makeWorkingDirectory: return try await makeWorkingDirectory(step, id, stage, planned)
            }
        } catch {
            throw failed(error, step, id)
        }
    }

    private func failed(_ error: any Error, _ step: EvaluatedStep, _ id: Int) -> BuildFailure {
        if let dependency = error as? DependencyFailure {
            job.progress.cancel(id)
            return dependency.failure
        }
        let failure = BuildFailure.of(error)
        job.progress.end(id, with: failure)
        var shown: (name: String, lines: [String])?
        if case .process = failure.kind {
            shown = (job.progress.name(of: id), job.progress.lastLines(of: id))
        }
        return failure.placed(in: job.document, at: step.span, step: shown)
    }

    // MARK: WORKDIR

    private func makeWorkingDirectory(
        _ step: EvaluatedStep, _ id: Int, _ stage: SolvedStage, _ planned: PlannedStage
    ) async throws -> StepResult {
        let (path, user, layers) = (step.settings.workingDirectory, step.settings.user, stage.layers)
        let key = StepKey("workdir 1")
        key.add("layers", layers: layers)
        key.add("path", path)
        if !user.isEmpty { key.add("user", user) }
        key.add("epoch", job.epoch)
        let moment = job.epoch ?? stage.newest ?? .epoch
        return try await job.result(
            [key.finish()], title: step.title, step: id, isUncached: job.isUncached(planned)
        ) { [job] in try await job.engine.makeDirectory(path, of: user, on: layers, epoch: moment) }
    }

    // MARK: COPY and ADD

    /// Begins what can be begun before the steps above are done: copies to layers of their own, and the reading of
    /// what is copied.
    func startIndependent(
        _ planned: PlannedStage, _ evaluated: EvaluatedStage, _ ids: [Int?], _ platform: Platform
    ) {
        for (index, step) in evaluated.steps.enumerated() {
            guard case .transfer(let transfer) = step.action, let id = ids[index] else { continue }
            if transfer.isIndependent {
                independent.start(StepPlace(stage: planned.index, step: index)) {
                    do {
                        return try await self.perform(transfer, step, id, [], platform, planned).result
                    } catch {
                        throw self.failed(error, step, id)
                    }
                }
            } else if transfer.from == nil, transfer.hasPaths, !transfer.namesOwner, index > 0 {
                // What nobody has read is read when it is copied.
                guard let tree = try? job.contextTree(), !tree.hasUntold else { continue }
                let wanted = self.step(transfer, step, onto: [], from: tree)
                job.digests.start(Self.digestName(planned, id)) { [job] in
                    try await job.engine.contentDigest(of: wanted)
                }
            }
        }
    }

    private static func digestName(_ planned: PlannedStage, _ id: Int) -> String { "\(planned.index) \(id)" }

    private func perform(
        _ transfer: EvaluatedTransfer, _ step: EvaluatedStep, _ id: Int, _ layers: [Digest], _ platform: Platform,
        _ planned: PlannedStage
    ) async throws -> (result: StepResult, materials: [BuildMaterial]) {
        let origin = try await origin(transfer, platform)
        let isUncached = job.isUncached(planned)
        guard case .layers(let source) = origin?.files else {
            var tree: FileTree?
            if case .tree(let files) = origin?.files { tree = files }
            let wanted = self.step(transfer, step, onto: layers, from: tree)
            return (try await result(of: wanted, id, isUncached: isUncached, name: Self.digestName(planned, id)), [])
        }
        // Found by the layers it copies from, without reading them; else by what is in the files.
        let quick = key(transfer, step.settings.workingDirectory, layers)
        quick.add("from", layers: source)
        let quickKey = quick.finish()
        if !isUncached, let found = try await job.known([quickKey], id) { return (found, origin?.materials ?? []) }
        let wanted = self.step(transfer, step, onto: layers, from: try await job.tree(of: source))
        let result = try await self.result(of: wanted, id, isUncached: isUncached, quickKey: quickKey)
        return (result, origin?.materials ?? [])
    }

    /// The result of a transfer that is known by the contents of its files.
    ///
    /// - Parameters:
    ///   - name: what the digest of its files goes by.
    ///   - quickKey: what finds it too.
    func result(
        of wanted: TransferStep, _ id: Int, isUncached: Bool, name: String? = nil, quickKey: String? = nil
    ) async throws -> StepResult {
        let shape = key(wanted.transfer, wanted.workingDirectory, wanted.layers)
        shape.add("shape", true)
        let (shapeKey, more) = (shape.finish(), quickKey.map { [$0] } ?? [])
        if !wanted.transfer.isFetched,
            let new = try await self.newResult(of: wanted, id, isUncached, shapeKey, otherKeys: more, name)
        {
            return new
        }
        let digest = try await self.digest(of: wanted, name)
        return try await job.result(
            [contentKey(wanted, digest)], otherKeys: more + [shapeKey], title: wanted.title, step: id,
            isUncached: isUncached
        ) { [self] in try await run(wanted, id) }
    }

    /// The result of a transfer that is new in any case: read for its key and written at once.
    private func newResult(
        of wanted: TransferStep, _ id: Int, _ isUncached: Bool, _ shape: String, otherKeys: [String], _ name: String?
    ) async throws -> StepResult? {
        let isUntold = try await job.engine.copiesUntold(wanted)
        return try await job.newResult(
            shape: shape, otherKeys: otherKeys, title: wanted.title, step: id, isUncached: isUncached,
            isUntold: isUntold
        ) { [self] in
            if isUntold {
                // The copying tells the digests of what it reads.
                let layer = try await run(wanted, id)
                job.takeOver(layer.layer.map { [$0] } ?? [])
                let key = contentKey(wanted, try await self.digest(of: wanted, name))
                job.engine.images.keep(layer.layer.map { [$0] } ?? [])
                return (layer, key)
            }
            async let digest = self.digest(of: wanted, name)
            let layer = try await run(wanted, id)
            job.takeOver(layer.layer.map { [$0] } ?? [])
            let key = contentKey(wanted, try await digest)
            job.engine.images.keep(layer.layer.map { [$0] } ?? [])
            return (layer, key)
        }
    }

    private func digest(of wanted: TransferStep, _ name: String?) async throws -> String {
        guard let name, wanted.origin != nil else { return try await job.engine.contentDigest(of: wanted) }
        return try await job.digests.value(name) { [job] in try await job.engine.contentDigest(of: wanted) }
    }

    private func run(_ wanted: TransferStep, _ id: Int) async throws -> StepLayer {
        let progress = job.progress
        return try await job.engine.gate.run { [job] in
            try await job.engine.transfer(wanted) { bytes in
                progress.report(BuildEvent.Progress(step: id, name: "copying files", current: bytes, total: 0))
            }
        }
    }

    private func step(
        _ transfer: EvaluatedTransfer, _ step: EvaluatedStep, onto layers: [Digest], from tree: FileTree?
    ) -> TransferStep {
        var wanted = TransferStep(transfer, from: tree, onto: layers, title: step.title)
        wanted.workingDirectory = step.settings.workingDirectory
        wanted.epoch = job.epoch
        return wanted
    }

    private func key(_ transfer: EvaluatedTransfer, _ workingDirectory: String, _ layers: [Digest]) -> StepKey {
        let key = StepKey("transfer 1")
        key.add("layers", layers: transfer.isIndependent ? [] : layers)
        key.add(transfer)
        key.add("directory", workingDirectory)
        key.add("epoch", job.epoch)
        return key
    }

    private func contentKey(_ wanted: TransferStep, _ digest: String) -> String {
        let key = key(wanted.transfer, wanted.workingDirectory, wanted.layers)
        key.add("content", digest)
        return key.finish()
    }

    // MARK: Origins

    /// Where a transfer's paths are looked up; nil where it has none.
    private func origin(
        _ transfer: EvaluatedTransfer, _ platform: Platform
    ) async throws -> (files: StepOrigin, materials: [BuildMaterial])? {
        guard transfer.hasPaths || transfer.from != nil else { return nil }
        return try await origin(transfer.from, platform)
    }

    /// Files by what they are called; nil is the context.
    func origin(
        _ from: FileOrigin?, _ platform: Platform
    ) async throws -> (files: StepOrigin, materials: [BuildMaterial]) {
        switch from {
        case nil: return (.tree(try job.contextTree()), [])
        case .stage(let index):
            let stage = try await stage(index)
            return (.layers(stage.layers), stage.materials)
        case .named(let name):
            var reference = name
            switch job.request.namedContexts[name] {
            case .tree(let tree): return (.tree(tree), [])
            case .image(let other): reference = other
            case nil: break
            }
            let image: StoredImage
            do {
                image = try await job.image(reference, for: platform)
            } catch {
                throw misnamed(name, error)
            }
            return (.layers(image.layers), [Self.material(try BuildJob.reference(reference), image)])
        }
    }

    /// An image that cannot be had may be a stage whose name is written wrongly.
    private func misnamed(_ name: String, _ error: any Error) -> any Error {
        var failure = BuildFailure.of(error)
        guard failure.kind != .cancelled, !failure.diagnostics.isEmpty,
            let near = nearest(name, among: plan.document.stages.compactMap(\.from.name))
        else { return error }
        failure.diagnostics[0].hint = "no stage has this name, so that it is an image's; did you mean `\(near)`?"
        return failure
    }
}

extension EvaluatedTransfer {
    /// Whether its layer is the same whatever is below: `--link`, unless an owner has a name that is looked up there.
    fileprivate var isIndependent: Bool { isLinked && !namesOwner }

    fileprivate var namesOwner: Bool {
        guard let owner else { return false }
        return owner.utf8.contains { $0 != UInt8(ascii: ":") && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Whether something is fetched for it, which is to be done once.
    fileprivate var isFetched: Bool {
        sources.contains { source in
            switch source {
            case .web, .git: true
            case .path, .inline: false
            }
        }
    }

    fileprivate var hasPaths: Bool {
        sources.contains { source in
            if case .path = source { return true }
            return false
        }
    }
}
