import Diagnostics
import JSONText
import StackModel
import StateStore

extension StepRunner {
    /// Makes an object under an identity that is committed first.
    ///
    /// `replacing` is the object that stays until nothing uses it any more.
    func create(
        _ template: ResourceRow, at address: ResourceAddress, replacing old: RecordedObject?
    ) async throws -> Result {
        let provider = try provider(address.kind)
        let identity = try await provider.identify(stack: stack, address: address, attributes: template.attributes)
        var intent = Intent(
            operation: .create, address: address, objectID: identity.id, attributes: template.attributes)
        intent.reserved = identity.reserved
        if provider.isHeldByDependents {
            let object = RecordedObject(
                address: address, objectID: identity.id, attributes: template.attributes, outputs: JSONObject())
            intent.adopts = try await provider.observe(stack: stack, recorded: [object])[address] != nil
        }
        var row = template
        row.objectID = identity.id
        intent.row = row
        let entry = try await journal.intend(intent)
        try await journal.act(entry)
        do {
            row.outputs = try await provider.create(
                stack: stack, address: address, identity: identity, attributes: template.attributes,
                progress: progress)
        } catch {
            try await takeBack(entry, provider, because: error)
            throw error
        }
        row.attributes = provider.settled(row.attributes, outputs: row.outputs)
        try await record(entry, row, replacing: old)
        return Result(objectID: identity.id, outputs: row.outputs)
    }

    /// Makes an object in the place of one that has been deleted.
    ///
    /// Where that fails, the one before is made again if it is given; the failure stays one.
    func create(_ template: ResourceRow, at address: ResourceAddress, orAgain before: ResourceRow?) async throws
        -> Result
    {
        do {
            return try await create(template, at: address, replacing: nil)
        } catch let unwritable as Journal.Unwritable {
            throw unwritable
        } catch {
            guard let before else { throw error }
            var failure = Failure.diagnostic(error, address)
            do {
                _ = try await create(before, at: address, replacing: nil)
                failure.notes.append("the one before has been made again, as it was")
            } catch let unwritable as Journal.Unwritable {
                throw unwritable
            } catch let second {
                failure.notes.append("the one before could not be made again: \(Self.text(second))")
            }
            throw failure
        }
    }

    /// Commits a made object, and in the same breath the intent to delete the one it replaces.
    private func record(_ entry: Journal.Entry, _ row: ResourceRow, replacing old: RecordedObject?) async throws {
        let row = row
        var deferred: JournalRow?
        if let old, old.objectID != row.objectID {
            var intent = Intent(
                operation: .delete, address: old.address, objectID: old.objectID, attributes: old.attributes)
            intent.outputs = old.outputs
            intent.isDeferred = true
            intent.isReplaced = true
            deferred = journal.row(of: intent)
        }
        let later = deferred
        try await journal.done(entry) { transaction in
            try transaction.save(row)
            if let later { _ = try transaction.append(later) }
        }
    }

    /// Deletes what a failed create may have left.
    ///
    /// Where even that fails, the intent stays open for recovery.
    private func takeBack(
        _ entry: Journal.Entry, _ provider: any ResourceProvider, because error: any Error
    ) async throws {
        if !entry.intent.adopts {
            do {
                try await provider.delete(
                    stack: stack, address: entry.intent.address, objectID: entry.intent.objectID,
                    attributes: entry.intent.attributes, isReplaced: false, progress: progress)
            } catch { return }
        }
        try await journal.failed(entry, Self.text(error))
    }
}
