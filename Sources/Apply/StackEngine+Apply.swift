import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore

extension StackEngine {
    /// Makes the host match the document.
    ///
    /// What an interrupted apply left open is closed first. Steps that fail do not stop independent ones; the next
    /// apply goes on where this one ended. Everything that happens is told to `events`, a summary last.
    ///
    /// - Throws: what kept it from starting: a mistake in the document, a stale plan, a stack in use.
    @discardableResult
    package func apply(
        _ document: StackDocument, options: Options = Options(), events: @escaping EventSink
    ) async throws -> ApplySummary {
        let holder = LockHolder(uid: options.uid, pid: options.pid, operation: "apply")
        return try await locks.withLock(document.name, holder, patience: options.patience) { [self] in
            let run = try ApplyRun(engine: self, stack: document.name, document: document, options, events)
            try await run.recover()
            return try await run.carryOut(try await planned(document, options: options))
        }
    }

    /// Carries out a saved plan, if it still means what it meant when it was made.
    ///
    /// The stack is recorded as that of the folder the plan was made from, unless the options name another.
    @discardableResult
    package func apply(
        _ saved: SavedPlan, options: Options = Options(), events: @escaping EventSink
    ) async throws -> ApplySummary {
        var options = options
        options.expected = saved.plan
        options.origin = options.origin ?? saved.origin
        options.takeOver = options.takeOver || saved.takeOver
        guard let document = saved.document else {
            return try await destroy(saved.plan.stack, options: options, events: events)
        }
        return try await apply(document, options: options, events: events)
    }

    /// Leaves nothing of the stack on the host.
    ///
    /// - Throws: what kept it from starting: an unknown stack, a protected object, a stale plan, a stack in use.
    @discardableResult
    package func destroy(
        _ stack: String, options: Options = Options(), events: @escaping EventSink
    ) async throws -> ApplySummary {
        let holder = LockHolder(uid: options.uid, pid: options.pid, operation: "destroy")
        return try await locks.withLock(stack, holder, patience: options.patience) { [self] in
            let run = try ApplyRun(engine: self, stack: stack, document: nil, options, events)
            try await run.recover()
            return try await run.carryOut(try await plannedDestroy(stack, options))
        }
    }

    /// Closes what the daemon's last end left open, in every stack.
    ///
    /// Called once, before anything else is asked.
    ///
    /// What cannot be closed now is reported and tried again by the next apply of its stack.
    @discardableResult
    package func recover() async throws -> [Diagnostic] {
        let stacks = try await database.writing { transaction in
            try transaction.closeInterruptedHistory()
            return Set(try transaction.openJournal().map(\.stack)).sorted()
        }
        var found: [Diagnostic] = []
        for stack in stacks {
            do {
                found += try await recover(stack, Options())
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // The others are no worse for it.
                let diagnostic = Diagnostic(
                    code: "SC3146", summary: "stack \(stack) cannot be recovered", detail: "\(error)",
                    hint: "apply or destroy it: that tries again")
                found.append(diagnostic)
            }
        }
        return found
    }

    /// Closes what an interrupted apply left open, and says so while the stack is being changed.
    ///
    /// A plan made without it would compare with a record that the host has run ahead of.
    func settle(_ stack: String, _ options: Options) async throws -> [Diagnostic] {
        if let holder = await locks.holder(of: stack), ["apply", "destroy"].contains(holder.operation) {
            return [
                Diagnostic(
                    severity: .warning, code: "SC3144", summary: "stack \(stack) is being changed right now",
                    detail: "\(holder.operation) by user \(holder.uid). What is shown is a moment in the middle of it.",
                    hint: "ask again when it is over")
            ]
        }
        let open = try await database.reading { transaction in try transaction.openJournal(stack: stack) }
        guard open.contains(where: { Intent($0)?.isDeferred == false }) else { return [] }
        return try await recover(stack, options)
    }

    private func recover(_ stack: String, _ options: Options) async throws -> [Diagnostic] {
        let holder = LockHolder(uid: options.uid, pid: options.pid, operation: "recover")
        return try await locks.withLock(stack, holder, patience: options.patience) { [self] in
            let collected = Collector()
            let run = try ApplyRun(engine: self, stack: stack, document: nil, Options()) { event in
                if case .diagnostic(let diagnostic) = event { collected.add(diagnostic) }
            }
            try await run.recover()
            try await run.sweep()
            try await run.forgetIfEmpty()
            return collected.all
        }
    }
}
