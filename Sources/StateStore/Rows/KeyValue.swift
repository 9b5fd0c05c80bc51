extension Transaction where Self: ~Copyable {
    /// A free value of the engine.
    package func value(forKey key: String) throws(DatabaseError) -> String? {
        try first("SELECT value FROM kv WHERE key = ?1", [.text(key)]) { (row) in row.text(0) }
    }
}

extension WriteTransaction {
    /// Sets a free value of the engine; `nil` forgets it.
    package func setValue(_ value: String?, forKey key: String) throws(DatabaseError) {
        guard let value else {
            try run("DELETE FROM kv WHERE key = ?1", [.text(key)])
            return
        }
        try run(
            "INSERT INTO kv (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            [.text(key), .text(value)])
    }
}
