import JSONText

/// One step of an apply: written before the host is touched, closed after.
package struct JournalRow: Sendable, Hashable {
    /// How far the step has come.
    package enum State: String, Sendable {
        /// Identity chosen and committed; the provider has not been asked.
        case intended
        /// The provider was asked, or is about to be.
        case acting
        /// Finished and recorded.
        case done
        /// The provider refused; nothing of the step is left on the host.
        case failed
        /// Interrupted; recovery took the step back.
        case undone

        /// Recovery must look at it.
        package var isOpen: Bool { self == .intended || self == .acting }
    }

    /// Rising.
    ///
    /// 0 until it is saved.
    package var id: Int64
    package var stack: String
    /// The apply it belongs to.
    package var run: String
    /// The resource's address.
    package var address: String
    /// `create`, `update`, `repair` or `delete`.
    package var operation: String
    /// The object it is about, chosen before it exists.
    package var objectID: String
    /// All that recovery needs to finish or undo it.
    package var intent: JSONValue
    package var state: State
    /// Why it failed.
    package var error: String?
    /// Nanoseconds since 1970 UTC.
    package var started: Int64
    /// Nanoseconds since 1970 UTC.
    package var finished: Int64?

    package init(
        id: Int64 = 0, stack: String, run: String, address: String, operation: String, objectID: String,
        intent: JSONValue, state: State = .intended, error: String? = nil, started: Int64, finished: Int64? = nil
    ) {
        self.id = id
        self.stack = stack
        self.run = run
        self.address = address
        self.operation = operation
        self.objectID = objectID
        self.intent = intent
        self.state = state
        self.error = error
        self.started = started
        self.finished = finished
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        id = row.integer(0)
        stack = row.text(1)
        run = row.text(2)
        address = row.text(3)
        operation = row.text(4)
        objectID = row.text(5)
        intent = try row.json(6)
        guard let known = State(rawValue: row.text(7)) else { throw row.unreadable(7, "is not a journal state") }
        state = known
        error = row.optionalText(8)
        started = row.integer(9)
        finished = row.optionalInteger(10)
    }
}

extension Transaction where Self: ~Copyable {
    /// Steps that were begun and not closed, oldest first; of one stack, or of all with `nil`.
    package func openJournal(stack: String? = nil) throws(DatabaseError) -> [JournalRow] {
        try query(
            """
            SELECT id, stack, run, address, operation, object_id, intent, state, error, started, finished
            FROM journal WHERE state IN ('intended', 'acting') AND (?1 IS NULL OR stack = ?1) ORDER BY id
            """, [.text(stack)]
        ) { (row) throws(DatabaseError) in try JournalRow(row) }
    }

    /// The steps of one apply, oldest first.
    package func journal(run: String, stack: String) throws(DatabaseError) -> [JournalRow] {
        try query(
            """
            SELECT id, stack, run, address, operation, object_id, intent, state, error, started, finished
            FROM journal WHERE stack = ?2 AND run = ?1 ORDER BY id
            """, [.text(run), .text(stack)]
        ) { (row) throws(DatabaseError) in try JournalRow(row) }
    }
}

extension WriteTransaction {
    /// Writes an intent and gives its id.
    package func append(_ row: JournalRow) throws(DatabaseError) -> Int64 {
        try insert(
            """
            INSERT INTO journal (stack, run, address, operation, object_id, intent, state, error, started, finished)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            [
                .text(row.stack), .text(row.run), .text(row.address), .text(row.operation), .text(row.objectID),
                .json(row.intent), .text(row.state.rawValue), .text(row.error), .integer(row.started),
                .integer(row.finished),
            ])
    }

    /// Moves a step to another state.
    package func setJournal(
        id: Int64, _ state: JournalRow.State, error: String? = nil, finished: Int64? = nil
    ) throws(DatabaseError) {
        try run(
            "UPDATE journal SET state = ?2, error = ?3, finished = ?4 WHERE id = ?1",
            [.integer(id), .text(state.rawValue), .text(error), .integer(finished)])
    }

    /// Forgets closed steps of a stack but those of its newest runs.
    package func pruneJournal(stack: String, keepingRuns count: Int) throws(DatabaseError) {
        try run(
            """
            DELETE FROM journal WHERE stack = ?1 AND state NOT IN ('intended', 'acting') AND run NOT IN (
                SELECT run FROM history WHERE stack = ?1 ORDER BY started DESC LIMIT ?2)
            """, [.text(stack), .integer(Int64(count))])
    }
}
