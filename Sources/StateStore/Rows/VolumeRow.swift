import JSONText

/// A volume of this host.
package struct VolumeRow: Sendable, Hashable {
    /// Unique on the host; the folder's name.
    package var name: String
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// The stack that owns it, `nil` for one made through the API.
    package var stack: String?
    /// Its resource address in the stack.
    package var address: String?
    /// Anything else: labels, owner, content.
    package var spec: JSONValue

    package init(
        name: String, created: Int64, stack: String? = nil, address: String? = nil,
        spec: JSONValue = .object(JSONObject())
    ) {
        self.name = name
        self.created = created
        self.stack = stack
        self.address = address
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        name = row.text(0)
        created = row.integer(1)
        stack = row.optionalText(2)
        address = row.optionalText(3)
        spec = try row.json(4)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every volume, by name.
    package func volumes() throws(DatabaseError) -> [VolumeRow] {
        try query("SELECT name, created, stack, address, spec FROM volumes ORDER BY name", []) {
            (row) throws(DatabaseError) in try VolumeRow(row)
        }
    }

    /// The volume of this name.
    package func volume(name: String) throws(DatabaseError) -> VolumeRow? {
        try first("SELECT name, created, stack, address, spec FROM volumes WHERE name = ?1", [.text(name)]) {
            (row) throws(DatabaseError) in try VolumeRow(row)
        }
    }
}

extension WriteTransaction {
    /// Inserts the volume or replaces what is known of it.
    package func save(_ row: VolumeRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO volumes (name, created, stack, address, spec) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (name) DO UPDATE SET created = ?2, stack = ?3, address = ?4, spec = ?5
            """,
            [.text(row.name), .integer(row.created), .text(row.stack), .text(row.address), .json(row.spec)])
    }

    /// Forgets the volume.
    package func deleteVolume(name: String) throws(DatabaseError) {
        try run("DELETE FROM volumes WHERE name = ?1", [.text(name)])
    }
}
