import JSONText
import Linux
import StackModel
import StateStore

/// The write-ahead log of an apply: intent, act, done.
///
/// Every transition is on the disk before the next thing happens.
struct Journal: Sendable {
    /// The journal itself could not be written.
    ///
    /// The step is left open for recovery; nothing more is done about it.
    struct Unwritable: Error {
        var cause: any Error
    }

    /// A step that has been begun.
    struct Entry: Sendable {
        var id: Int64
        var intent: Intent
    }

    let database: StateDatabase
    let writer: StateWriter
    let stack: String
    let run: String
    let crashPoint: CrashPoint

    /// Commits what is about to be done.
    ///
    /// The object's identity is chosen; the provider has not been asked.
    func intend(_ intent: Intent) async throws(Unwritable) -> Entry {
        let row = row(of: intent)
        return Entry(id: try await write { transaction in try transaction.append(row) }, intent: intent)
    }

    /// Commits that the provider is about to be asked.
    func act(_ entry: Entry) async throws(Unwritable) {
        try await write { transaction in try transaction.setJournal(id: entry.id, .acting) }
    }

    /// Commits that the step is done, together with what is recorded because of it.
    func done(
        _ entry: Entry, _ record: @escaping @Sendable (borrowing WriteTransaction) throws -> Void
    ) async throws(Unwritable) {
        try await close(entry, .done, nil, record)
    }

    /// Commits that the step failed and nothing of it is left, or only what `record` says.
    func failed(
        _ entry: Entry, _ error: String,
        _ record: @escaping @Sendable (borrowing WriteTransaction) throws -> Void = { _ in }
    ) async throws(Unwritable) {
        try await close(entry, .failed, error, record)
    }

    /// Commits that recovery took the step back.
    func undone(
        _ entry: Entry, _ record: @escaping @Sendable (borrowing WriteTransaction) throws -> Void = { _ in }
    ) async throws(Unwritable) {
        try await close(entry, .undone, nil, record)
    }

    /// The row that stands for an intent; for intents that are written along with another step's end.
    func row(of intent: Intent) -> JournalRow {
        JournalRow(
            stack: stack, run: run, address: intent.address.description, operation: intent.operation.rawValue,
            objectID: intent.objectID, intent: intent.json, started: Clock.now().nanosecondsSinceEpoch)
    }

    private func close(
        _ entry: Entry, _ state: JournalRow.State, _ error: String?,
        _ record: @escaping @Sendable (borrowing WriteTransaction) throws -> Void
    ) async throws(Unwritable) {
        let now = Clock.now().nanosecondsSinceEpoch
        try await write { transaction in
            try record(transaction)
            try transaction.setJournal(id: entry.id, state, error: error, finished: now)
        }
    }

    private func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing WriteTransaction) throws -> Value
    ) async throws(Unwritable) -> Value {
        do {
            try crashPoint.reached()
            return try await writer.commit(body)
        } catch {
            throw Unwritable(cause: error)
        }
    }
}
