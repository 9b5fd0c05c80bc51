import JSONText

/// Something that happened to an object, as `events` shows it.
package struct EventRow: Sendable, Hashable {
    /// Rising, never used twice.
    ///
    /// 0 until it is saved.
    package var sequence: Int64
    /// Nanoseconds since 1970 UTC.
    package var time: Int64
    /// `container`, `image`, `network`, `volume`, `stack` or `daemon`.
    package var type: String
    /// What happened: `create`, `start`, `die`.
    package var action: String
    /// The object's id.
    package var actorID: String
    /// The object's attributes at that time.
    package var actor: JSONValue

    package init(
        sequence: Int64 = 0, time: Int64, type: String, action: String, actorID: String, actor: JSONValue
    ) {
        self.sequence = sequence
        self.time = time
        self.type = type
        self.action = action
        self.actorID = actorID
        self.actor = actor
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        sequence = row.integer(0)
        time = row.integer(1)
        type = row.text(2)
        action = row.text(3)
        actorID = row.text(4)
        actor = try row.json(5)
    }
}

extension Transaction where Self: ~Copyable {
    /// The newest `limit` events of a time span, both ends included, oldest first.
    package func events(since: Int64, until: Int64, limit: Int = 10_000) throws(DatabaseError) -> [EventRow] {
        try query(
            """
            SELECT seq, time, type, action, actor_id, actor FROM (
                SELECT * FROM events WHERE time BETWEEN ?1 AND ?2 ORDER BY seq DESC LIMIT ?3)
            ORDER BY seq
            """, [.integer(since), .integer(until), .integer(Int64(limit))]
        ) { (row) throws(DatabaseError) in try EventRow(row) }
    }
}

extension WriteTransaction {
    /// Appends an event and gives its sequence number.
    @discardableResult
    package func append(_ row: EventRow) throws(DatabaseError) -> Int64 {
        try insert(
            "INSERT INTO events (time, type, action, actor_id, actor) VALUES (?1, ?2, ?3, ?4, ?5)",
            [.integer(row.time), .text(row.type), .text(row.action), .text(row.actorID), .json(row.actor)])
    }

    /// Forgets all but the newest events.
    package func pruneEvents(keeping count: Int) throws(DatabaseError) {
        try run(
            "DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?1", [.integer(Int64(count))])
    }
}
