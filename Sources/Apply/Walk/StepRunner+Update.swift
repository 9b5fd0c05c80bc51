import Diagnostics
import JSONText
import StackModel
import StateStore

extension StepRunner {
    /// What to do to an object that stays.
    struct InPlaceChange: Sendable {
        /// What the object had at the last apply.
        var recorded: RecordedObject
        /// What it has now.
        var observed: ObservedObject
        /// What will be recorded; its object id and outputs are filled in.
        var row: ResourceRow
        var changes: [AttributeChange]
        var changeClass: ChangeClass
    }

    /// Changes an object in place, then makes it run or whole again if it is not.
    func change(_ change: InPlaceChange) async throws -> Result {
        let object = change.recorded
        let provider = try provider(object.address.kind)
        var row = change.row
        row.objectID = object.objectID
        row.outputs = object.outputs
        var intent = Intent(
            operation: change.changes.isEmpty ? .repair : .update, address: object.address,
            objectID: object.objectID, attributes: row.attributes)
        intent.row = row
        let entry = try await journal.intend(intent)
        try await journal.act(entry)
        do {
            row.outputs = try await act(change, provider)
        } catch {
            let partly = Self.partly(changed: object, to: row)
            try await journal.failed(entry, Self.text(error)) { transaction in try transaction.save(partly) }
            throw error
        }
        let done = row
        try await journal.done(entry) { transaction in try transaction.save(done) }
        return Result(objectID: object.objectID, outputs: row.outputs)
    }

    private func act(_ change: InPlaceChange, _ provider: any ResourceProvider) async throws -> JSONObject {
        let object = change.recorded
        var outputs = object.outputs
        if !change.changes.isEmpty {
            outputs = try await provider.update(
                stack: stack, address: object.address, objectID: object.objectID,
                from: change.observed.attributes, to: change.row.attributes, changes: change.changes,
                class: change.changeClass, progress: progress)
        }
        if change.observed.condition != .ok {
            outputs = try await provider.repair(
                stack: stack, address: object.address, objectID: object.objectID,
                attributes: change.row.attributes, condition: change.observed.condition, progress: progress)
        }
        return outputs
    }

    /// What is recorded after a change of which nobody knows how far it came: what was set before stays recorded, and
    /// what was new is ours from now on, so that taking it out of the manifest takes it off the host.
    static func partly(changed object: RecordedObject, to row: ResourceRow) -> ResourceRow {
        var partly = row
        partly.attributes = object.attributes.overlaid(on: row.attributes)
        partly.outputs = object.outputs
        return partly
    }
}
