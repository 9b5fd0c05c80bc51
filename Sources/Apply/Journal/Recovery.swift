import Diagnostics
import JSONText
import StackModel
import StateStore

/// Closes what a crash left open: asks the provider what is really there, and finishes or undoes each step.
struct Recovery: Sendable {
    /// What came of one open step.
    struct Finding: Sendable {
        enum Outcome: String, Sendable {
            case finished, undone, stillOpen
        }

        var address: ResourceAddress
        var outcome: Outcome
        var diagnostic: Diagnostic?
    }

    let runner: StepRunner

    private var database: StateDatabase { runner.journal.database }

    /// Closes the open steps of the stack, oldest run first.
    ///
    /// Deletes that were put off stay for `sweepDeferred`, but for those of objects that are in their successors' way.
    func run() async throws -> [Finding] {
        let stack = runner.stack
        let open = try await database.reading { transaction in try transaction.openJournal(stack: stack) }
        var findings: [Finding] = []
        var rest = open[...]
        while let run = rest.first?.run {
            let entries = rest.prefix { $0.run == run }.compactMap { row in
                Intent(row).flatMap { $0.isDeferred ? nil : Journal.Entry(id: row.id, intent: $0) }
            }
            rest = rest.drop { $0.run == run }
            // What was open at the same time did not need each other. Those that wait for processes to end do so together.
            findings += try await closeTogether(entries.filter(waitsToStop))
            for entry in entries where !waitsToStop(entry) { findings.append(try await finding(of: entry)) }
        }
        guard open.contains(where: { Intent($0)?.isDeferred ?? false }) else { return findings }
        return try await findings + sweepDeferred { runner.providers[$0.kind].map { !$0.isDeletedLast } ?? false }
    }

    private func waitsToStop(_ entry: Journal.Entry) -> Bool {
        entry.intent.operation == .delete && runner.providers[entry.intent.address.kind]?.waitsToStop ?? false
    }

    private func closeTogether(_ entries: [Journal.Entry]) async throws -> [Finding] {
        let results = await withTaskGroup(of: Result<Finding, any Error>.self) { group in
            var results: [Result<Finding, any Error>] = []
            for (index, entry) in entries.enumerated() {
                if index >= Parallelism.ofStops, let result = await group.next() { results.append(result) }
                group.addTask {
                    do { return .success(try await finding(of: entry)) } catch { return .failure(error) }
                }
            }
            for await result in group { results.append(result) }
            return results
        }
        return try results.map { try $0.get() }
    }

    /// Closes a step; one that cannot be closed stays open and is told.
    ///
    /// - Throws: when the journal cannot be written.
    private func finding(of entry: Journal.Entry) async throws -> Finding {
        let intent = entry.intent
        do {
            return Finding(address: intent.address, outcome: try await close(entry))
        } catch let unwritable as Journal.Unwritable {
            throw unwritable.cause
        } catch {
            let diagnostic = Failure.diagnostic(
                error, intent.address, doing: "recovery of the interrupted \(intent.operation.rawValue)")
            return Finding(address: intent.address, outcome: .stillOpen, diagnostic: diagnostic)
        }
    }

    private func close(_ entry: Journal.Entry) async throws -> Finding.Outcome {
        switch entry.intent.operation {
        case .create: try await closeCreate(entry)
        case .delete: try await closeDelete(entry)
        case .update, .repair: try await closeUpdate(entry)
        }
    }

    /// An object that is there is finished under the same identity; remains of one that is not are cleared away.
    private func closeCreate(_ entry: Journal.Entry) async throws -> Finding.Outcome {
        let intent = entry.intent
        let provider = try runner.provider(intent.address.kind)
        let object = RecordedObject(
            address: intent.address, objectID: intent.objectID, attributes: intent.attributes, outputs: JSONObject())
        let found = try await provider.observe(stack: runner.stack, recorded: [object])
        if found[intent.address] != nil, var row = intent.row {
            do {
                row.outputs = try await provider.create(
                    stack: runner.stack, address: intent.address,
                    identity: ObjectIdentity(id: intent.objectID, reserved: intent.reserved),
                    attributes: intent.attributes, progress: runner.progress)
                row.attributes = provider.settled(row.attributes, outputs: row.outputs)
                try await adopt(entry, row)
                return .finished
            } catch let unwritable as Journal.Unwritable {
                throw unwritable
            } catch {
                // It cannot be finished, perhaps because the host has been restarted; the next apply makes it anew.
            }
        }
        if !intent.adopts {
            try await provider.delete(
                stack: runner.stack, address: intent.address, objectID: intent.objectID,
                attributes: intent.attributes, isReplaced: false, progress: runner.progress)
        }
        try await runner.journal.undone(entry)
        return .undone
    }

    /// Records a finished object.
    ///
    /// One that it replaces is put down for deletion in the same breath.
    private func adopt(_ entry: Journal.Entry, _ row: ResourceRow) async throws {
        let journal = runner.journal
        try await journal.done(entry) { transaction in
            if let old = try transaction.resource(stack: row.stack, address: row.address),
                old.objectID != row.objectID
            {
                var intent = Intent(
                    operation: .delete, address: entry.intent.address, objectID: old.objectID,
                    attributes: old.attributes)
                intent.outputs = old.outputs
                intent.isDeferred = true
                intent.isReplaced = true
                _ = try transaction.append(journal.row(of: intent))
            }
            try transaction.save(row)
        }
    }

    private func closeDelete(_ entry: Journal.Entry) async throws -> Finding.Outcome {
        let intent = entry.intent
        let stack = runner.stack
        try await runner.provider(intent.address.kind).delete(
            stack: stack, address: intent.address, objectID: intent.objectID, attributes: intent.attributes,
            isReplaced: intent.isReplaced, progress: runner.progress)
        try await runner.journal.done(entry) { transaction in
            try transaction.deleteResource(
                stack: stack, address: intent.address.description, objectID: intent.objectID)
        }
        return .finished
    }

    /// Nothing needs to be asked: the next plan compares the host with what was set before and what is new.
    private func closeUpdate(_ entry: Journal.Entry) async throws -> Finding.Outcome {
        let intent = entry.intent
        let stack = runner.stack
        try await runner.journal.undone(entry) { transaction in
            guard let old = try transaction.resource(stack: stack, address: intent.address.description),
                old.objectID == intent.objectID, var row = intent.row
            else { return }
            row.attributes = old.attributes.overlaid(on: intent.attributes)
            row.outputs = old.outputs
            try transaction.save(row)
        }
        return .undone
    }

    /// Deletes replaced objects nothing uses any more, and no image of the generation before.
    ///
    /// What cannot go yet stays for the next apply.
    ///
    /// - Parameter isMeant: which of them.
    func sweepDeferred(where isMeant: (ResourceAddress) -> Bool = { _ in true }) async throws -> [Finding] {
        let stack = runner.stack
        let (open, resources, kept) = try await database.reading { transaction in
            let open = try transaction.openJournal(stack: stack).filter { Intent($0)?.isDeferred ?? false }
            guard !open.isEmpty else { return ([JournalRow](), [ResourceRow](), Set<JSONValue>()) }
            let resources = try transaction.resources(stack: stack)
            return (open, resources, try Self.kept(stack, resources, transaction))
        }
        var findings: [Finding] = []
        for row in open {
            guard let intent = Intent(row), intent.isDeferred, isMeant(intent.address) else { continue }
            let entry = Journal.Entry(id: row.id, intent: intent)
            if resources.contains(where: { $0.objectID == intent.objectID && $0.kind == intent.address.kind.rawValue })
            {
                // Made again under the same id: there is nothing to delete.
                try await close(undoing: entry)
                continue
            }
            if isUsed(intent, by: resources) || kept.contains(Self.id(intent)) { continue }
            do {
                try await runner.journal.act(entry)
                findings.append(Finding(address: intent.address, outcome: try await closeDelete(entry)))
            } catch let unwritable as Journal.Unwritable {
                throw unwritable.cause
            } catch {
                var diagnostic = Failure.diagnostic(
                    error, intent.address, doing: "removing the replaced object of \(intent.address)")
                diagnostic.severity = .warning
                findings.append(Finding(address: intent.address, outcome: .stillOpen, diagnostic: diagnostic))
            }
        }
        return findings
    }

    private static func id(_ intent: Intent) -> JSONValue { intent.outputs["id"] ?? .string(intent.objectID) }

    /// The images of the generation before, to which a rollback may lead; none once the stack has nothing left.
    private static func kept(
        _ stack: String, _ resources: [ResourceRow], _ transaction: borrowing ReadTransaction
    ) throws -> Set<JSONValue> {
        guard !resources.isEmpty, let header = try transaction.stack(name: stack),
            let before = try transaction.applied(stack: stack, before: header.generation)
        else { return [] }
        return Set((before.summary["images"]?.objectValue ?? JSONObject()).map(\.value))
            .subtracting(resources.compactMap { $0.outputs["id"] })
    }

    private func close(undoing entry: Journal.Entry) async throws {
        do { try await runner.journal.undone(entry) } catch { throw error.cause }
    }

    /// Whether a recorded resource was made with the object: with its id, an image's for one.
    ///
    /// Where another object of the kind has the same id, as an image rebuilt to the same content, that one is what is
    /// used.
    private func isUsed(_ intent: Intent, by resources: [ResourceRow]) -> Bool {
        let id = Self.id(intent)
        if resources.contains(where: { $0.kind == intent.address.kind.rawValue && $0.outputs["id"] == id }) {
            return false
        }
        return resources.contains { row in
            row.address != intent.address.description && row.attributes.contains { $0.value.holds(id) }
        }
    }
}

extension JSONValue {
    /// Whether the value is, or has inside, this one.
    func holds(_ part: JSONValue) -> Bool {
        if self == part { return true }
        switch self {
        case .array(let elements): return elements.contains { $0.holds(part) }
        case .object(let object): return object.contains { $0.value.holds(part) }
        default: return false
        }
    }
}
