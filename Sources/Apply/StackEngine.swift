import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore

/// Plans, applies, destroys and watches stacks over any set of providers.
///
/// Holds no state of its own but the locks: what is recorded is in the database, what is there is asked of the host.
package final class StackEngine: Sendable {
    let database: StateDatabase
    let writer: StateWriter
    let providers: [ResourceKind: any ResourceProvider]
    let observers: Observers
    let planner: Planner
    let locks = StackLocks()
    let crashPoint: CrashPoint
    let parallelism: Int

    /// An engine over providers, one for each kind.
    ///
    /// `writer` is what the others who write to the database use, so that steps that end at the same time wait for the disk
    /// together.
    /// `parallelism` is how many steps may act on the host at a time; by default two for each processor, since steps
    /// wait for disks and the kernel as much as they compute.
    package init(
        database: StateDatabase, providers: [any ResourceProvider], writer: StateWriter? = nil,
        crashPoint: CrashPoint = .fromEnvironment(),
        parallelism: Int? = nil
    ) {
        self.database = database
        self.writer = writer ?? StateWriter(database: database)
        self.providers = Dictionary(providers.map { ($0.kind, $0) }) { first, _ in first }
        observers = Observers(providers)
        planner = Planner(observers: observers)
        self.crashPoint = crashPoint
        self.parallelism = parallelism ?? Parallelism.byProcessors
    }

    /// What is asked for, apart from the document.
    package struct Options: Sendable {
        /// The manifest's folder, to tell two stacks of one name apart.
        package var origin: String?
        /// Take a stack of this name over, although the folder it comes from is still there.
        package var takeOver: Bool
        /// Who asks.
        package var uid: UInt32
        package var pid: Int32?
        /// How long to wait for the stack's lock; zero refuses at once.
        package var patience: Duration
        /// The plan that was shown: the apply is refused when it would do anything else.
        ///
        /// Its scope is the one that counts.
        package var expected: Plan? {
            didSet { scope = expected?.scope ?? scope }
        }
        /// How far the plan may go.
        package var scope: PlanScope
        /// The generation whose document is applied again.
        package var rollback: Int64?

        package init(
            origin: String? = nil, takeOver: Bool = false, uid: UInt32 = 0, pid: Int32? = nil,
            patience: Duration = .seconds(60), expected: Plan? = nil, scope: PlanScope = PlanScope()
        ) {
            self.origin = origin
            self.takeOver = takeOver
            self.uid = uid
            self.pid = pid
            self.patience = patience
            self.expected = expected
            self.scope = expected?.scope ?? scope
        }
    }

    /// What an apply of the document would do.
    ///
    /// Changes nothing, but closes first what an interrupted apply left open. While the stack is being changed the
    /// plan says so.
    ///
    /// - Throws: `DiagnosticList` with everything that stands in the way.
    package func plan(_ document: StackDocument, options: Options = Options()) async throws -> Plan {
        let notes = try await settle(document.name, options)
        var plan = try await planned(document, options: options).plan
        plan.diagnostics += notes
        return plan
    }

    /// What a destroy of the stack would do.
    ///
    /// As `plan` does, it closes first what is open.
    ///
    /// - Throws: `DiagnosticList` when the stack is not known or holds protected objects.
    package func planDestroy(_ stack: String, options: Options = Options()) async throws -> Plan {
        let notes = try await settle(stack, options)
        var plan = try await plannedDestroy(stack, options).plan
        plan.diagnostics += notes
        return plan
    }

    /// The names of the stacks that were applied and not destroyed.
    package func stackNames() async throws -> [String] {
        try await database.reading { transaction in try transaction.stackNames() }
    }

    /// Why what is recorded of a stack cannot be read; `nil` when all of it can.
    package func damage(of stack: String) async throws -> String? {
        do {
            _ = try await load(stack)
            return nil
        } catch let error as DatabaseError {
            return "\(error)"
        } catch let error as Diagnostic {
            return error.summary
        }
    }

    // MARK: Planning with what is needed to carry it out

    func planned(_ document: StackDocument, options: Options) async throws -> PlannedStack {
        let start = Clock.monotonic()
        let errors = DiagnosticList(document.diagnostics.filter { $0.severity == .error })
        if errors.hasErrors { throw errors }
        let recorded = try await load(document.name)
        let warnings = try Origin.check(document.name, recorded, options)
        var observed = try await observe(document.name, recorded)
        if options.scope.keepsExisting { observed.merge(standIns(document, recorded)) { first, _ in first } }
        var planned = try planner.plan(
            document, recorded: recorded, observed: observed, scope: options.scope)
        let found = try await observers.preflight(planned.preflightResources)
        if DiagnosticList(found).hasErrors { throw DiagnosticList(found) }
        planned.plan.diagnostics = document.diagnostics + warnings + found
        planned.plan.milliseconds = Double(Clock.monotonic() - start) / 1e6
        return planned
    }

    func plannedDestroy(_ stack: String, _ options: Options) async throws -> PlannedStack {
        let start = Clock.monotonic()
        let recorded = try await load(stack)
        guard recorded.header != nil || !recorded.resources.isEmpty else { throw try await unknown(stack) }
        let warnings = try Origin.check(stack, recorded, options)
        let observed = try await observe(stack, recorded)
        var planned = try planner.destroy(
            stack, recorded: recorded, observed: observed, scope: options.scope)
        planned.plan.diagnostics += warnings
        planned.plan.milliseconds = Double(Clock.monotonic() - start) / 1e6
        return planned
    }

    func load(_ stack: String) async throws -> RecordedStack {
        try await database.reading { transaction in try RecordedStack.load(stack, transaction) }
    }

    func observe(_ stack: String, _ recorded: RecordedStack) async throws -> [ResourceAddress: ObservedObject] {
        try await observers.observe(stack: stack, recorded.resources.values.map(\.object))
    }

    /// What others have made in place of resources that no apply has made yet.
    private func standIns(
        _ document: StackDocument, _ recorded: RecordedStack
    ) -> [ResourceAddress: ObservedObject] {
        var found: [ResourceAddress: ObservedObject] = [:]
        for resource in document.resources where recorded.resources[resource.address] == nil {
            found[resource.address] = try? observers.observer(for: resource.address.kind).standIn(
                stack: document.name, address: resource.address, attributes: resource.attributes)
        }
        return found
    }

    func unknown(_ stack: String) async throws -> DiagnosticList {
        let names = try await stackNames()
        let near = nearest(stack, among: names).map { "did you mean \($0)?" }
        return DiagnosticList(
            Diagnostic(
                code: "SC3141", summary: "there is no stack named \(stack)",
                detail: names.isEmpty
                    ? "No stack has been applied." : "Known stacks: \(names.joined(separator: ", ")).",
                hint: near))
    }
}

/// Tells two stacks of one name apart.
enum Origin {
    /// A stack belongs to the folder it was applied from; one whose folder is gone was moved.
    ///
    /// - Throws: `DiagnosticList` when another folder asks for it without taking it over.
    static func check(
        _ stack: String, _ recorded: RecordedStack, _ options: StackEngine.Options
    ) throws(DiagnosticList) -> [Diagnostic] {
        guard let now = options.origin, let before = recorded.header?.origin, now != before else { return [] }
        if !options.takeOver, !recorded.resources.isEmpty, Files.exists(before) {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC3142", summary: "another stack is named \(stack)",
                    detail: "It was applied from \(before), this one is in \(now). "
                        + "What it has and this one has not would be deleted.",
                    hint: "give one of them another name; if this is the same stack in a new place, add --take-over"))
        }
        return [
            Diagnostic(
                severity: .warning, code: "SC3143", summary: "stack \(stack) was last applied from another folder",
                detail: "Then \(before), now \(now).")
        ]
    }
}
