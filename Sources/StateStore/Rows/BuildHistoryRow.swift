import JSONText

/// A build that is over.
package struct BuildHistoryRow: Sendable, Hashable {
    package var id: String
    /// Nanoseconds since 1970 UTC.
    package var started: Int64
    package var status: String
    /// Everything else.
    package var spec: JSONObject

    package init(id: String, started: Int64, status: String, spec: JSONObject) {
        self.id = id
        self.started = started
        self.status = status
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        id = row.text(0)
        started = row.integer(1)
        status = row.text(2)
        spec = try row.object(3)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every build, newest first.
    package func buildHistory() throws(DatabaseError) -> [BuildHistoryRow] {
        try query("SELECT id, started, status, spec FROM build_history ORDER BY started DESC, id", []) {
            (row) throws(DatabaseError) in try BuildHistoryRow(row)
        }
    }
}

extension WriteTransaction {
    /// Takes down a build.
    package func save(_ row: BuildHistoryRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO build_history (id, started, status, spec) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (id) DO UPDATE SET started = ?2, status = ?3, spec = ?4
            """, [.text(row.id), .integer(row.started), .text(row.status), .json(row.spec)])
    }

    /// Forgets a build and gives whether it was known.
    @discardableResult
    package func deleteBuildHistory(id: String) throws(DatabaseError) -> Bool {
        try run("DELETE FROM build_history WHERE id = ?1", [.text(id)]) > 0
    }

    /// Forgets all builds but the newest.
    ///
    /// - Returns: the ids of those that are forgotten.
    package func trimBuildHistory(keeping count: Int) throws(DatabaseError) -> [String] {
        try query(
            """
            DELETE FROM build_history
            WHERE id IN (SELECT id FROM build_history ORDER BY started DESC, id LIMIT -1 OFFSET ?1) RETURNING id
            """, [.integer(Int64(count))]
        ) { (row) in row.text(0) }
    }
}
