import Dockerfile
import ImageStore
import OCI

/// What the steps of a stage are called: `[build 2/5] RUN make`.
///
/// Source: BuildKit, dockerfile2llb `prefixCommand`: FROM of an image counts, as does whatever changes files; stages
/// without a name are called by their number where there are several.
struct StepNames {
    private let prefix: String
    private let first: Int
    private let total: Int

    init(_ stage: PlannedStage, steps: [EvaluatedStep], solver: StageSolver) {
        prefix = Self.prefix(stage, solver)
        first = Self.hasImage(stage) ? 1 : 0
        total = first + steps.count { $0.action != nil }
    }

    /// Tells of all steps that change files.
    ///
    /// - Returns: their numbers; nil for those that only change the configuration.
    func announce(in progress: BuildProgress, _ steps: [EvaluatedStep]) -> [Int?] {
        var number = first
        return steps.map { step in
            guard step.action != nil else { return nil }
            number += 1
            return progress.announce("[\(prefix)\(Self.padded(number, total))/\(total)] \(step.title)", at: step.span)
        }
    }

    /// What FROM is called.
    static func from(
        _ stage: PlannedStage, solver: StageSolver, reference: ImageReference, image: StoredImage
    ) -> String {
        let digest = image.repoDigests.first { $0.repository == reference.repository }?.digest
        let suffix = reference.digest == nil ? digest.map { "@\($0)" } ?? "" : ""
        return from(stage, solver: solver, name: "\(reference)\(suffix)")
    }

    static func from(_ stage: PlannedStage, solver: StageSolver, name: String) -> String {
        let stages = solver.job.document.stages
        let instructions = stages.indices.contains(stage.index) ? stages[stage.index].instructions : []
        let total = 1 + instructions.count { $0.kind.changesFiles }
        return "[\(prefix(stage, solver))\(padded(1, total))/\(total)] FROM \(name)"
    }

    private static func hasImage(_ stage: PlannedStage) -> Bool {
        switch stage.base {
        case .image, .context: true
        case .scratch, .stage: false
        }
    }

    private static func prefix(_ stage: PlannedStage, _ solver: StageSolver) -> String {
        let stages = solver.job.document.stages
        let given = stages.indices.contains(stage.index) ? stages[stage.index].from.name : stage.name
        let name = given ?? (stages.count > 1 ? "stage-\(stage.index)" : nil)
        let platform = solver.job.platforms.count > 1 ? "\(solver.platform.text) " : ""
        return platform + (name.map { "\($0) " } ?? "")
    }

    private static func padded(_ number: Int, _ total: Int) -> String {
        let text = String(number)
        return String(repeating: " ", count: max(0, String(total).count - text.count)) + text
    }
}

extension Instruction.Kind {
    /// Whether it is a step of its own in the progress.
    fileprivate var changesFiles: Bool {
        switch self {
        case .add, .copy, .run, .workdir: true
        default: false
        }
    }
}
