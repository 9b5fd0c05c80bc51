import JSONText

/// A layer in the content store.
package struct LayerRow: Sendable, Hashable {
    /// The digest of the uncompressed tar: `sha256:<hex>`.
    package var diffID: String
    /// Bytes on the disk.
    package var size: Int64
    /// How it is kept: `erofs` or `tree`.
    package var form: String
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// Anything the store keeps beside.
    package var spec: JSONValue

    package init(
        diffID: String, size: Int64, form: String, created: Int64, spec: JSONValue = .object(JSONObject())
    ) {
        self.diffID = diffID
        self.size = size
        self.form = form
        self.created = created
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        diffID = row.text(0)
        size = row.integer(1)
        form = row.text(2)
        created = row.integer(3)
        spec = try row.json(4)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every layer.
    package func layers() throws(DatabaseError) -> [LayerRow] {
        try query("SELECT diff_id, size, form, created, spec FROM layers ORDER BY diff_id", []) {
            (row) throws(DatabaseError) in try LayerRow(row)
        }
    }

    /// The layer of this diff id.
    package func layer(diffID: String) throws(DatabaseError) -> LayerRow? {
        try first("SELECT diff_id, size, form, created, spec FROM layers WHERE diff_id = ?1", [.text(diffID)]) {
            (row) throws(DatabaseError) in try LayerRow(row)
        }
    }

    /// The exact packages (`name=version`) an image of this key was built from.
    package func debianLock(key: String) throws(DatabaseError) -> [String]? {
        try first("SELECT packages FROM debian_locks WHERE key = ?1", [.text(key)]) {
            (row) throws(DatabaseError) in try row.strings(0)
        }
    }
}

extension WriteTransaction {
    /// Inserts the layer or replaces what is known of it.
    package func save(_ row: LayerRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO layers (diff_id, size, form, created, spec) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (diff_id) DO UPDATE SET size = ?2, form = ?3, created = ?4, spec = ?5
            """,
            [.text(row.diffID), .integer(row.size), .text(row.form), .integer(row.created), .json(row.spec)])
    }

    /// Forgets a layer.
    package func deleteLayer(diffID: String) throws(DatabaseError) {
        try run("DELETE FROM layers WHERE diff_id = ?1", [.text(diffID)])
    }

    /// Keeps the exact packages an image was built from, so that the next build is the same.
    package func saveDebianLock(key: String, packages: [String], created: Int64) throws(DatabaseError) {
        try run(
            """
            INSERT INTO debian_locks (key, packages, created) VALUES (?1, ?2, ?3)
            ON CONFLICT (key) DO UPDATE SET packages = ?2, created = ?3
            """, [.text(key), .json(packages), .integer(created)])
    }

    /// Forgets the packages of an image: the next build takes the newest.
    package func deleteDebianLock(key: String) throws(DatabaseError) {
        try run("DELETE FROM debian_locks WHERE key = ?1", [.text(key)])
    }
}
