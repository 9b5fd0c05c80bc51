import Diagnostics
import Dockerfile
import ImageStore
import Linux
import OCI

/// Makes the stages of a build for one platform: each once, and at the same time as others it does not need.
final class StageSolver: Sendable {
    let job: BuildJob
    let plan: StagePlan
    let input: EvaluationInput
    let platform: Platform
    private let stages = SharedTasks<Int, SolvedStage>()
    /// Copies that need nothing of the layers below.
    let independent = SharedTasks<StepPlace, StepResult>()

    /// A step by its stage and its place in it.
    struct StepPlace: Hashable, Sendable {
        let stage: Int
        let step: Int
    }

    init(_ job: BuildJob, plan: StagePlan, input: EvaluationInput, platform: Platform) {
        self.job = job
        self.plan = plan
        self.input = input
        self.platform = platform
        job.onCancel { [stages, independent] in
            stages.cancel()
            independent.cancel()
        }
    }

    /// Makes all stages that are needed and gives the target.
    func solve() async throws -> SolvedStage {
        for stage in plan.stages {
            stages.start(stage.index) { try await self.make(stage) }
        }
        return try await stage(plan.target)
    }

    /// Waits until nothing goes on.
    func finish() async {
        await stages.finish()
        await independent.finish()
    }

    /// A stage by its number, once it is made.
    ///
    /// - Throws: `DependencyFailure` where it cannot be made.
    func stage(_ index: Int) async throws -> SolvedStage {
        do {
            return try await stages.value(index) { try await self.make(try self.planned(index)) }
        } catch {
            throw DependencyFailure(failure: BuildFailure.of(error))
        }
    }

    /// A stage; one that only ONBUILD of a base image needs is not among those of the plan.
    private func planned(_ index: Int) throws -> PlannedStage {
        guard plan.all.indices.contains(index) else {
            throw BuildFailure(
                .notFound, Diagnostic(code: BuildCode.notFound, summary: "invalid stage index \(index)"))
        }
        return plan.all[index]
    }

    private func make(_ planned: PlannedStage) async throws -> SolvedStage {
        do {
            var stage = try await base(of: planned)
            let evaluated = try plan.evaluate(planned.index, base: stage.settings, parent: stage.evaluated)
            let numbers = StepNames(planned, steps: evaluated.steps, solver: self)
            let ids = numbers.announce(in: job.progress, evaluated.steps)
            startIndependent(planned, evaluated, ids, stage.platform)
            for (index, step) in evaluated.steps.enumerated() {
                let place = StepPlace(stage: planned.index, step: index)
                try Task.checkCancellation()
                guard let action = step.action, let id = ids[index] else {
                    stage.add(step, nil, epoch: job.epoch)
                    continue
                }
                let result = try await perform(action, step, id, place, &stage, planned)
                stage.add(step, result, epoch: job.epoch)
                stage.steps.append(built(step, result, planned, stage))
            }
            stage.evaluated = evaluated
            stage.settings = evaluated.settings
            return stage
        } catch {
            let failure = BuildFailure.of(error)
            job.fail(failure)
            throw failure
        }
    }

    private func built(
        _ step: EvaluatedStep, _ result: StepResult, _ planned: PlannedStage, _ stage: SolvedStage
    ) -> BuiltStep {
        BuiltStep(
            key: result.key, layer: result.layer, newest: result.newest, title: step.title, stage: planned.name,
            created: result.created, isOfResult: true, line: step.span?.firstLine)
    }

    // MARK: Bases

    private func base(of planned: PlannedStage) async throws -> SolvedStage {
        let wanted = try planned.platform.map { try Self.platform($0, of: planned) } ?? platform
        let span =
            job.document.stages.indices.contains(planned.index) ? job.document.stages[planned.index].from.span : nil
        do {
            switch planned.base {
            case .scratch: return .scratch(wanted)
            case .stage(let index):
                var stage = try await stage(index)
                stage.steps = []
                return stage
            case .image(let name): return try await image(name, wanted, planned)
            case .context(let name):
                switch job.request.namedContexts[name] {
                case .image(let reference): return try await image(reference, wanted, planned)
                case .tree(let tree): return try await files(of: tree, name, wanted, planned)
                case nil: return try await image(name, wanted, planned)
                }
            }
        } catch let error as DependencyFailure {
            throw error
        } catch {
            throw BuildFailure.of(error).placed(in: job.document, at: span, step: nil)
        }
    }

    private static func platform(_ text: String, of planned: PlannedStage) throws -> Platform {
        if let platform = Platform(text)?.normalized { return platform }
        throw BuildFailure(
            .invalid,
            Diagnostic(
                code: BuildCode.invalid, summary: "failed to parse platform \(text) of stage \(planned.name)",
                hint: "give it as os/architecture, such as linux/arm64"))
    }

    private func image(_ name: String, _ platform: Platform, _ planned: PlannedStage) async throws -> SolvedStage {
        let image = try await job.image(name, for: platform)
        let reference = try BuildJob.reference(name)
        let step = job.progress.announce(StepNames.from(planned, solver: self, reference: reference, image: image))
        job.progress.endCached(step)
        var stage = SolvedStage(image.config)
        stage.materials = [Self.material(reference, image)]
        return stage
    }

    /// A named context's files as a root file system.
    private func files(
        of tree: FileTree, _ name: String, _ platform: Platform, _ planned: PlannedStage
    ) async throws -> SolvedStage {
        var stage = SolvedStage.scratch(platform)
        let transfer = EvaluatedTransfer(isAdd: false, sources: [.path("/")], destination: "/")
        let title = "FROM \(name)"
        let step = job.progress.announce(StepNames.from(planned, solver: self, name: name))
        var wanted = TransferStep(transfer, from: tree, onto: [], title: title)
        wanted.epoch = job.epoch
        let result = try await result(of: wanted, step, isUncached: job.isUncached(planned))
        if let layer = result.layer {
            stage.layers = [layer]
            stage.history = [
                ImageConfig.History(
                    created: (job.epoch ?? result.newest ?? .epoch).imageTime, createdBy: title,
                    comment: "buildkit.dockerfile.v0")
            ]
        }
        stage.newest = result.newest
        return stage
    }

    static func material(_ reference: ImageReference, _ image: StoredImage) -> BuildMaterial {
        let known = image.repoDigests.first { $0.repository == reference.repository }?.digest
        return .image(reference, digest: reference.digest ?? known ?? image.id, platform: image.config.platform)
    }
}

/// A stage that something needs could not be made, which has been told already.
struct DependencyFailure: Error {
    let failure: BuildFailure
}

extension BuildJob {
    /// Whether nothing that is cached counts for a stage.
    func isUncached(_ stage: PlannedStage) -> Bool {
        if request.ignoresCache { return true }
        return request.uncachedStages.contains { $0.lowercased() == stage.name.lowercased() || $0 == "\(stage.index)" }
    }
}
