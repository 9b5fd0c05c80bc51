import JSONText

/// A stack that has been applied.
package struct StackRow: Sendable, Hashable {
    package var name: String
    /// Rises by one with every apply that changed something.
    package var generation: Int64
    /// The manifest's folder at the last apply.
    package var origin: String?
    /// The outputs the manifest declares, as JSON, references unresolved.
    ///
    /// The whole document is in `history`.
    package var outputs: JSONValue
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// Nanoseconds since 1970 UTC.
    package var updated: Int64

    package init(
        name: String, generation: Int64, origin: String?, outputs: JSONValue, created: Int64, updated: Int64
    ) {
        self.name = name
        self.generation = generation
        self.origin = origin
        self.outputs = outputs
        self.created = created
        self.updated = updated
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        name = row.text(0)
        generation = row.integer(1)
        origin = row.optionalText(2)
        outputs = try row.json(3)
        created = row.integer(4)
        updated = row.integer(5)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every stack, by name.
    package func stacks() throws(DatabaseError) -> [StackRow] {
        try query("SELECT name, generation, origin, outputs, created, updated FROM stacks ORDER BY name", []) {
            (row) throws(DatabaseError) in try StackRow(row)
        }
    }

    /// The names of the stacks, also of those that cannot be read otherwise.
    package func stackNames() throws(DatabaseError) -> [String] {
        try query("SELECT name FROM stacks ORDER BY name", []) { (row) in row.text(0) }
    }

    /// The stack of this name.
    package func stack(name: String) throws(DatabaseError) -> StackRow? {
        try first(
            "SELECT name, generation, origin, outputs, created, updated FROM stacks WHERE name = ?1", [.text(name)]
        ) { (row) throws(DatabaseError) in try StackRow(row) }
    }
}

extension WriteTransaction {
    /// Inserts the stack or replaces what is known of it.
    package func save(_ row: StackRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO stacks (name, generation, origin, outputs, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (name) DO UPDATE SET generation = ?2, origin = ?3, outputs = ?4, updated = ?6
            """,
            [
                .text(row.name), .integer(row.generation), .text(row.origin), .json(row.outputs),
                .integer(row.created), .integer(row.updated),
            ])
    }

    /// Forgets the stack.
    ///
    /// Its history stays.
    package func deleteStack(name: String) throws(DatabaseError) {
        try run("DELETE FROM stacks WHERE name = ?1", [.text(name)])
    }
}
