extension Migration {
    /// Builds: results of steps by their keys, and the builds of the past.
    ///
    /// A result may be found by several keys: one says what the step is made of, another the same in a way that is
    /// told sooner.
    static let schema2 = Migration(
        version: 2,
        script: """
            CREATE TABLE build_cache (
                key TEXT PRIMARY KEY, layer TEXT, newest INTEGER, size INTEGER NOT NULL, created INTEGER NOT NULL,
                last_used INTEGER NOT NULL, uses INTEGER NOT NULL, description TEXT NOT NULL,
                spec TEXT NOT NULL) STRICT;
            CREATE INDEX build_cache_by_use ON build_cache (last_used);
            CREATE TABLE build_cache_keys (
                key TEXT PRIMARY KEY, record TEXT NOT NULL REFERENCES build_cache (key) ON DELETE CASCADE)
                STRICT, WITHOUT ROWID;
            CREATE INDEX build_cache_keys_by_record ON build_cache_keys (record);
            CREATE TABLE build_history (
                id TEXT PRIMARY KEY, started INTEGER NOT NULL, status TEXT NOT NULL, spec TEXT NOT NULL) STRICT;
            CREATE INDEX build_history_by_time ON build_history (started);

            PRAGMA user_version = 2;
            """)
}
