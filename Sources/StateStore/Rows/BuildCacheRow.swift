import JSONText

/// The result of a build step, found by its key.
package struct BuildCacheRow: Sendable, Hashable {
    /// What the result depends on: `sha256:<hex>`.
    package var key: String
    /// The diff id of the layer; nil where the step changed no files.
    package var layer: String?
    /// The newest time of a file that went in, nanoseconds since 1970 UTC.
    package var newest: Int64?
    /// Bytes of the layer on the disk.
    package var size: Int64
    /// Nanoseconds since 1970 UTC, as all times.
    package var created: Int64
    package var lastUsed: Int64
    /// How often it was used since.
    package var uses: Int64
    /// What the step was called.
    package var description: String
    /// Anything else.
    package var spec: JSONValue

    package init(
        key: String, layer: String?, newest: Int64?, size: Int64, created: Int64, lastUsed: Int64, uses: Int64 = 0,
        description: String, spec: JSONValue = .object(JSONObject())
    ) {
        self.key = key
        self.layer = layer
        self.newest = newest
        self.size = size
        self.created = created
        self.lastUsed = lastUsed
        self.uses = uses
        self.description = description
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        key = row.text(0)
        layer = row.optionalText(1)
        newest = row.optionalInteger(2)
        size = row.integer(3)
        created = row.integer(4)
        lastUsed = row.integer(5)
        uses = row.integer(6)
        description = row.text(7)
        spec = try row.json(8)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every result, the last used first.
    package func buildCache() throws(DatabaseError) -> [BuildCacheRow] {
        try query(
            """
            SELECT key, layer, newest, size, created, last_used, uses, description, spec FROM build_cache
            ORDER BY last_used DESC, created DESC, key
            """, []
        ) { (row) throws(DatabaseError) in try BuildCacheRow(row) }
    }

    /// The result of a key, its own or another one it is found by; none whose layer is not in the store.
    package func buildCache(key: String) throws(DatabaseError) -> BuildCacheRow? {
        try first(
            """
            SELECT key, layer, newest, size, created, last_used, uses, description, spec FROM build_cache
            WHERE key IN (SELECT ?1 UNION ALL SELECT record FROM build_cache_keys WHERE key = ?1)
            AND (layer IS NULL OR layer IN (SELECT diff_id FROM layers))
            ORDER BY created DESC LIMIT 1
            """, [.text(key)]
        ) { (row) throws(DatabaseError) in try BuildCacheRow(row) }
    }

    /// Whether a result has this as one of its other keys.
    package func hasBuildCacheKey(_ key: String) throws(DatabaseError) -> Bool {
        try first("SELECT 1 FROM build_cache_keys WHERE key = ?1", [.text(key)]) { (row) in row.bool(0) } ?? false
    }

    /// The layers that results have.
    package func buildCacheLayers() throws(DatabaseError) -> [String] {
        try query("SELECT DISTINCT layer FROM build_cache WHERE layer IS NOT NULL", []) { (row) in row.text(0) }
    }
}

extension WriteTransaction {
    /// Inserts the result or replaces the one there is of that key.
    package func save(_ row: BuildCacheRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO build_cache (key, layer, newest, size, created, last_used, uses, description, spec)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (key) DO UPDATE
            SET layer = ?2, newest = ?3, size = ?4, created = ?5, last_used = ?6, description = ?8, spec = ?9
            """,
            [
                .text(row.key), .text(row.layer), .integer(row.newest), .integer(row.size), .integer(row.created),
                .integer(row.lastUsed), .integer(row.uses), .text(row.description), .json(row.spec),
            ])
    }

    /// Lets a result be found by another key too.
    package func saveBuildCacheKey(_ key: String, of record: String) throws(DatabaseError) {
        try run(
            """
            INSERT INTO build_cache_keys (key, record) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET record = ?2
            """, [.text(key), .text(record)])
    }

    /// Takes down that a result was used.
    package func useBuildCache(key: String, at time: Int64) throws(DatabaseError) {
        try run(
            "UPDATE build_cache SET last_used = max(last_used, ?2), uses = uses + 1 WHERE key = ?1",
            [.text(key), .integer(time)])
    }

    /// Forgets the results that have a layer.
    package func deleteBuildCache(layer: String) throws(DatabaseError) {
        try run("DELETE FROM build_cache WHERE layer = ?1", [.text(layer)])
    }

    /// Forgets a result and gives whether it was known.
    @discardableResult
    package func deleteBuildCache(key: String) throws(DatabaseError) -> Bool {
        try run("DELETE FROM build_cache WHERE key = ?1", [.text(key)]) > 0
    }
}
