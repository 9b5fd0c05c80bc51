import JSONText

/// One apply or destroy of a stack: when, by whom, and what came of it.
package struct HistoryRow: Sendable, Hashable {
    package var stack: String
    /// The stack's generation after it.
    package var generation: Int64
    /// Names the apply; its journal steps carry it too.
    package var run: String
    /// `apply`, `rollback` or `destroy`.
    package var operation: String
    /// Who asked.
    package var uid: UInt32
    /// Nanoseconds since 1970 UTC.
    package var started: Int64
    /// Nanoseconds since 1970 UTC; `nil` while it runs and when the daemon died in it.
    package var finished: Int64?
    /// `running`, `done`, `failed` or `interrupted`.
    package var outcome: String
    /// The counts of the plan and the failures.
    package var summary: JSONValue
    /// What was to be reached; null for a destroy.
    package var document: JSONValue

    package init(
        stack: String, generation: Int64, run: String, operation: String, uid: UInt32, started: Int64,
        finished: Int64? = nil, outcome: String, summary: JSONValue, document: JSONValue
    ) {
        self.stack = stack
        self.generation = generation
        self.run = run
        self.operation = operation
        self.uid = uid
        self.started = started
        self.finished = finished
        self.outcome = outcome
        self.summary = summary
        self.document = document
    }

    init(_ row: borrowing Row, document: JSONValue) throws(DatabaseError) {
        stack = row.text(0)
        generation = row.integer(1)
        run = row.text(2)
        operation = row.text(3)
        uid = UInt32(truncatingIfNeeded: row.integer(4))
        started = row.integer(5)
        finished = row.optionalInteger(6)
        outcome = row.text(7)
        summary = try row.json(8)
        self.document = document
    }
}

extension Transaction where Self: ~Copyable {
    /// The newest applies of a stack, newest first.
    ///
    /// Their `document` is left null.
    package func history(stack: String, limit: Int = 100) throws(DatabaseError) -> [HistoryRow] {
        try query(
            """
            SELECT stack, generation, run, operation, uid, started, finished, outcome, summary
            FROM history WHERE stack = ?1 ORDER BY started DESC, rowid DESC LIMIT ?2
            """, [.text(stack), .integer(Int64(limit))]
        ) { (row) throws(DatabaseError) in try HistoryRow(row, document: .null) }
    }

    /// The newest successful apply that made this generation, with its document.
    package func applied(stack: String, generation: Int64) throws(DatabaseError) -> HistoryRow? {
        try applied(stack, generation...generation)
    }

    /// The last successful apply before this generation, with its document.
    package func applied(stack: String, before generation: Int64) throws(DatabaseError) -> HistoryRow? {
        generation > 0 ? try applied(stack, 0...generation - 1) : nil
    }

    private func applied(_ stack: String, _ generations: ClosedRange<Int64>) throws(DatabaseError) -> HistoryRow? {
        try first(
            """
            SELECT stack, generation, run, operation, uid, started, finished, outcome, summary, document
            FROM history
            WHERE stack = ?1 AND outcome = 'done' AND operation <> 'destroy' AND generation BETWEEN ?2 AND ?3
            ORDER BY generation DESC, started DESC LIMIT 1
            """, [.text(stack), .integer(generations.lowerBound), .integer(generations.upperBound)]
        ) { (row) throws(DatabaseError) in try HistoryRow(row, document: try row.json(9)) }
    }
}

extension WriteTransaction {
    /// Inserts the row or replaces it.
    package func save(_ row: HistoryRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO history (stack, generation, run, operation, uid, started, finished, outcome, summary, document)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (stack, run) DO UPDATE SET generation = ?2, finished = ?7, outcome = ?8, summary = ?9
            """,
            [
                .text(row.stack), .integer(row.generation), .text(row.run), .text(row.operation),
                .integer(Int64(row.uid)), .integer(row.started), .integer(row.finished), .text(row.outcome),
                .json(row.summary), .json(row.document),
            ])
    }

    /// Marks runs that the daemon's end cut off.
    package func closeInterruptedHistory() throws(DatabaseError) {
        try run("UPDATE history SET outcome = 'interrupted' WHERE outcome = 'running'")
    }
}
