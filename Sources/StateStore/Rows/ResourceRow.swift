import JSONText

/// What was set for one resource by the last apply that touched it.
package struct ResourceRow: Sendable, Hashable {
    package var stack: String
    /// The resource's address in its stack: `container.web[1]`.
    package var address: String
    package var kind: String
    /// The object's id, chosen before it was made.
    package var objectID: String
    /// The attributes we set, normalised, references resolved.
    package var attributes: JSONObject
    package var outputs: JSONObject
    /// The declaration's place: `{"file","line","column"}`, null when unknown.
    package var location: JSONValue
    /// The place of single attributes, by path.
    package var locations: JSONObject
    /// The addresses it was made after, with the condition waited for: `{"container.db": "healthy"}`.
    package var dependencies: JSONObject
    /// Deleting is refused, even when the declaration is gone.
    package var protect: Bool
    /// Nanoseconds since 1970 UTC.
    package var updated: Int64

    package init(
        stack: String, address: String, kind: String, objectID: String, attributes: JSONObject, outputs: JSONObject,
        location: JSONValue, locations: JSONObject, dependencies: JSONObject, protect: Bool, updated: Int64
    ) {
        self.stack = stack
        self.address = address
        self.kind = kind
        self.objectID = objectID
        self.attributes = attributes
        self.outputs = outputs
        self.location = location
        self.locations = locations
        self.dependencies = dependencies
        self.protect = protect
        self.updated = updated
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        stack = row.text(0)
        address = row.text(1)
        kind = row.text(2)
        objectID = row.text(3)
        attributes = try row.object(4)
        outputs = try row.object(5)
        location = try row.json(6)
        locations = try row.object(7)
        dependencies = try row.object(8)
        protect = row.bool(9)
        updated = row.integer(10)
    }
}

extension Transaction where Self: ~Copyable {
    /// The resources of a stack, by address.
    package func resources(stack: String) throws(DatabaseError) -> [ResourceRow] {
        try query(
            """
            SELECT stack, address, kind, object_id, attributes, outputs, location, locations, dependencies, protect,
                updated
            FROM resources WHERE stack = ?1 ORDER BY address
            """, [.text(stack)]
        ) { (row) throws(DatabaseError) in try ResourceRow(row) }
    }

    /// One resource of a stack.
    package func resource(stack: String, address: String) throws(DatabaseError) -> ResourceRow? {
        try first(
            """
            SELECT stack, address, kind, object_id, attributes, outputs, location, locations, dependencies, protect,
                updated
            FROM resources WHERE stack = ?1 AND address = ?2
            """, [.text(stack), .text(address)]
        ) { (row) throws(DatabaseError) in try ResourceRow(row) }
    }

    /// How many resources a stack has.
    package func resourceCount(stack: String) throws(DatabaseError) -> Int {
        try first("SELECT count(*) FROM resources WHERE stack = ?1", [.text(stack)]) { (row) in
            Int(row.integer(0))
        } ?? 0
    }
}

extension WriteTransaction {
    /// Inserts the resource or replaces what is recorded of it.
    package func save(_ row: ResourceRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO resources (stack, address, kind, object_id, attributes, outputs, location, locations,
                dependencies, protect, updated)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT (stack, address) DO UPDATE SET kind = ?3, object_id = ?4, attributes = ?5, outputs = ?6,
                location = ?7, locations = ?8, dependencies = ?9, protect = ?10, updated = ?11
            """,
            [
                .text(row.stack), .text(row.address), .text(row.kind), .text(row.objectID), .json(row.attributes),
                .json(row.outputs), .json(row.location), .json(row.locations), .json(row.dependencies),
                .bool(row.protect), .integer(row.updated),
            ])
    }

    /// Forgets a resource, but only while it is recorded as this object.
    package func deleteResource(stack: String, address: String, objectID: String) throws(DatabaseError) {
        try run(
            "DELETE FROM resources WHERE stack = ?1 AND address = ?2 AND object_id = ?3",
            [.text(stack), .text(address), .text(objectID)])
    }
}
