import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore
import Synchronization

/// One apply or destroy under way, under its stack's lock.
struct ApplyRun: Sendable {
    private let engine: StackEngine
    private let stack: String
    /// `nil` for a destroy.
    private let document: StackDocument?
    private let options: StackEngine.Options
    private let events: EventSink
    private let run: String
    private let started = Clock.now().nanosecondsSinceEpoch
    private let clock = Clock.monotonic()
    private let runner: StepRunner
    /// History keeps this many applies' steps.
    private static let journalRuns = 20

    init(
        engine: StackEngine, stack: String, document: StackDocument?, _ options: StackEngine.Options,
        _ events: @escaping EventSink
    ) throws {
        self.engine = engine
        self.stack = stack
        self.document = document
        self.options = options
        self.events = events
        run = try Random.hex(bytes: 8)
        runner = StepRunner(
            stack: stack, providers: engine.providers,
            journal: Journal(
                database: engine.database, writer: engine.writer, stack: stack, run: run,
                crashPoint: engine.crashPoint),
            progress: { update in events(update.warning.map { .diagnostic($0) } ?? .stepProgress(update)) },
            now: { Clock.now().nanosecondsSinceEpoch })
    }

    /// Closes what an earlier run left open.
    func recover() async throws {
        for finding in try await Recovery(runner: runner).run() {
            if let diagnostic = finding.diagnostic { events(.diagnostic(diagnostic)) }
        }
    }

    /// Carries out what was planned under this lock.
    func carryOut(_ planned: PlannedStack) async throws -> ApplySummary {
        if let expected = options.expected, let stale = Staleness.check(expected, against: planned) {
            throw DiagnosticList(stale)
        }
        let isEmpty = planned.plan.isEmpty
        let generation = planned.plan.generation + (isEmpty ? 0 : 1)
        let steps = planned.plan.changes.count { $0.action != .noChange }
        let fetching = try await Fetching(planned, engine.providers, events: events)
        events(
            .started(
                run: run, stack: stack, goal: planned.plan.goal, generation: generation,
                steps: steps + fetching.fetches.count))
        for diagnostic in planned.plan.diagnostics { events(.diagnostic(diagnostic)) }
        try await fetching.run()
        if !isEmpty { try await begin(planned, generation) }
        var walk = Walk(
            planned, observers: engine.observers, runner: runner, parallelism: engine.parallelism, events: events)
        let outcome = await walk.run()
        if let broken = outcome.broken {
            // The journal cannot be written; what is open is closed by the next run.
            throw DiagnosticList(broken)
        }
        try await refreshRecords(walk)
        try await sweep()
        let summary = summary(walk, outcome, generation)
        try await end(summary, walk, isEmpty: isEmpty)
        events(.summary(summary))
        return summary
    }

    /// Forgets a stack that has nothing left.
    func forgetIfEmpty() async throws {
        let stack = stack
        try await engine.writer.commit { transaction in
            guard try transaction.resourceCount(stack: stack) == 0,
                try transaction.openJournal(stack: stack).isEmpty
            else { return }
            try transaction.deleteStack(name: stack)
        }
    }

    private func begin(_ planned: PlannedStack, _ generation: Int64) async throws {
        let header = header(planned, generation)
        let row = HistoryRow(
            stack: stack, generation: generation, run: run, operation: operation, uid: options.uid,
            started: started, outcome: "running", summary: planned.plan.summaryJSON, document: .null)
        let (document, isWhole) = (document, planned.plan.scope == PlanScope())
        try await engine.writer.commit { transaction in
            var history = row
            if let document {
                let before =
                    isWhole
                    ? nil : try transaction.applied(stack: row.stack, generation: planned.recorded.generation)?.document
                history.document = EffectiveDocument.of(document, planned, before: before).json
            }
            try transaction.save(header)
            try transaction.save(history)
        }
    }

    /// The word for it in the history.
    private var operation: String {
        guard document != nil else { return Plan.Goal.destroy.rawValue }
        return options.rollback == nil ? Plan.Goal.apply.rawValue : "rollback"
    }

    private func header(_ planned: PlannedStack, _ generation: Int64) -> StackRow {
        let before = planned.recorded.header
        return StackRow(
            name: stack, generation: generation, origin: options.origin ?? before?.origin,
            outputs: outputs(planned),
            created: before?.created ?? started, updated: started)
    }

    /// The outputs to record: those declared, or what was recorded where the scope keeps one from having a value.
    private func outputs(_ planned: PlannedStack) -> JSONValue {
        let before = planned.recorded.header?.outputs ?? .array([])
        guard let document else { return before }
        let absent = Set(planned.desired.indices.filter { planned.desired[$0].part == .absent })
        return .array(
            document.outputs.compactMap { output in
                let isHeld = StackReference.references(in: output.value).contains { reference in
                    (planned.graph?.positions(of: reference.address) ?? []).contains(where: absent.contains)
                }
                guard isHeld else { return output.json }
                return before.arrayValue?.first { $0["name"]?.stringValue == output.name }
            })
    }

    /// Brings records up to date that no step has written: moved lines, protection, values the host had already.
    private func refreshRecords(_ walk: Walk) async throws {
        let planned = walk.planned
        guard planned.plan.goal == .apply else { return }
        var rows: [ResourceRow] = []
        for (position, item) in planned.desired.enumerated() {
            guard item.part == .planned, item.change.action == .noChange || walk.unneeded.contains(position),
                let recorded = planned.recorded.resources[item.resource.address],
                let known = try? walk.resolved(position), !known.hasUnknowns
            else { continue }
            let row = ResourceRow(
                stack: stack, resource: item.resource, dependencies: walk.dependencies(of: position),
                objectID: recorded.object.objectID, attributes: known.attributes, outputs: walk.outputs[position],
                updated: started)
            if !row.saysTheSame(as: recorded.row) { rows.append(row) }
        }
        let header = header(planned, planned.plan.generation)
        let changed = rows
        let before = planned.recorded.header
        let sameHeader = before?.outputs == header.outputs && before?.origin == header.origin
        guard !planned.plan.isEmpty || !changed.isEmpty || !sameHeader else { return }
        let isEmpty = planned.plan.isEmpty
        try await engine.writer.commit { transaction in
            for row in changed { try transaction.save(row) }
            if isEmpty { try transaction.save(header) }
        }
    }

    /// Deletes replaced objects nothing uses any more.
    func sweep() async throws {
        for finding in try await Recovery(runner: runner).sweepDeferred() {
            if let diagnostic = finding.diagnostic { events(.diagnostic(diagnostic)) }
        }
    }

    private func end(_ summary: ApplySummary, _ walk: Walk, isEmpty: Bool) async throws {
        if isEmpty {
            if document == nil { try await forgetIfEmpty() }
            return
        }
        var recorded = summary.json.objectValue ?? JSONObject()
        recorded["images"] = .object(images(walk))
        if let rollback = options.rollback { recorded["rollback"] = .int(rollback) }
        let history = HistoryRow(
            stack: stack, generation: summary.generation, run: run, operation: operation, uid: options.uid,
            started: started, finished: Clock.now().nanosecondsSinceEpoch,
            outcome: summary.succeeded ? "done" : "failed", summary: .object(recorded), document: .null)
        let stack = stack
        try await engine.writer.commit { transaction in
            try transaction.save(history)
            try transaction.pruneJournal(stack: stack, keepingRuns: Self.journalRuns)
        }
        if document == nil { try await forgetIfEmpty() }
    }

    /// The image each container has now, and each image of the stack is: what its name means may change.
    private func images(_ walk: Walk) -> JSONObject {
        var found = JSONObject()
        for (position, item) in walk.planned.desired.enumerated() where item.part != .absent {
            found[item.resource.address.description] = AppliedGeneration.image(
                item.resource.address.kind, walk.outputs[position])
        }
        for address in walk.planned.plan.untouched {
            guard let resource = walk.planned.recorded.resources[address] else { continue }
            found[address.description] = AppliedGeneration.image(address.kind, resource.object.outputs)
        }
        return found
    }

    private func summary(_ walk: Walk, _ outcome: Walk.Outcome, _ generation: Int64) -> ApplySummary {
        let outputs = StackOutputs.resolve(document?.outputs ?? []) { reference in
            guard let target = walk.planned.graph?.position(of: reference.address) else { return nil }
            return walk.outputs[target].value(at: reference.attribute)
        }
        return ApplySummary(
            stack: stack, run: run, generation: generation, done: outcome.done, failed: outcome.failed,
            skipped: outcome.skipped,
            unchanged: (walk.planned.plan.counts[.noChange] ?? 0) + walk.unneeded.count, outputs: outputs,
            milliseconds: Double(Clock.monotonic() - clock) / 1e6)
    }
}

/// Resolves the outputs of a stack.
enum StackOutputs {
    /// The outputs whose values are known.
    static func resolve(
        _ outputs: [StackOutput], _ lookup: (StackReference) -> JSONValue?
    ) -> [ResolvedOutput] {
        outputs.compactMap { output in
            guard let value = try? StackReference.resolve(output.value, lookup) else { return nil }
            return ResolvedOutput(name: output.name, value: value, sensitive: output.sensitive)
        }
    }
}

/// Collects diagnostics from any thread.
final class Collector: Sendable {
    private let found = Mutex<[Diagnostic]>([])

    func add(_ diagnostic: Diagnostic) { found.withLock { $0.append(diagnostic) } }

    var all: [Diagnostic] { found.withLock { $0 } }
}
