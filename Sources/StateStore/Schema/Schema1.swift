extension Migration {
    /// Engine objects, stacks, journal, history.
    ///
    /// Times are nanoseconds since 1970 UTC. `spec`, `attributes` and other JSON columns hold compact JSON text.
    static let schema1 = Migration(
        version: 1,
        script: """
            CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

            CREATE TABLE images (
                id TEXT PRIMARY KEY, manifest_digest TEXT, layers TEXT NOT NULL, size INTEGER NOT NULL,
                created INTEGER NOT NULL, spec TEXT NOT NULL) STRICT;
            CREATE TABLE image_tags (
                reference TEXT PRIMARY KEY, image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                updated INTEGER NOT NULL) STRICT;
            CREATE INDEX image_tags_by_image ON image_tags (image);
            CREATE TABLE layers (
                diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL, form TEXT NOT NULL, created INTEGER NOT NULL,
                spec TEXT NOT NULL) STRICT;
            CREATE TABLE debian_locks (key TEXT PRIMARY KEY, packages TEXT NOT NULL, created INTEGER NOT NULL) STRICT;

            CREATE TABLE containers (
                id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, created INTEGER NOT NULL,
                desired_state TEXT NOT NULL, stack TEXT, address TEXT, spec TEXT NOT NULL, status TEXT NOT NULL) STRICT;
            CREATE INDEX containers_by_stack ON containers (stack) WHERE stack IS NOT NULL;
            CREATE TABLE networks (
                id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, subnet TEXT NOT NULL, gateway TEXT NOT NULL,
                bridge TEXT NOT NULL UNIQUE, internal INTEGER NOT NULL, created INTEGER NOT NULL, stack TEXT,
                address TEXT, spec TEXT NOT NULL) STRICT;
            CREATE TABLE endpoints (
                container TEXT NOT NULL, network TEXT NOT NULL REFERENCES networks (id),
                address TEXT NOT NULL, mac TEXT NOT NULL, interface TEXT NOT NULL, aliases TEXT NOT NULL,
                spec TEXT NOT NULL, PRIMARY KEY (container, network), UNIQUE (network, address)) STRICT;
            CREATE TABLE published_ports (
                host_address TEXT NOT NULL, host_port INTEGER NOT NULL, protocol TEXT NOT NULL,
                container TEXT NOT NULL, container_port INTEGER NOT NULL,
                PRIMARY KEY (host_address, host_port, protocol)) STRICT;
            CREATE INDEX published_ports_by_container ON published_ports (container);
            CREATE TABLE volumes (
                name TEXT PRIMARY KEY, created INTEGER NOT NULL, stack TEXT, address TEXT, spec TEXT NOT NULL) STRICT;
            CREATE TABLE events (
                seq INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, type TEXT NOT NULL, action TEXT NOT NULL,
                actor_id TEXT NOT NULL, actor TEXT NOT NULL) STRICT;
            CREATE INDEX events_by_time ON events (time);

            CREATE TABLE stacks (
                name TEXT PRIMARY KEY, generation INTEGER NOT NULL, origin TEXT, outputs TEXT NOT NULL,
                created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;
            CREATE TABLE resources (
                stack TEXT NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, object_id TEXT NOT NULL,
                attributes TEXT NOT NULL, outputs TEXT NOT NULL, location TEXT, locations TEXT NOT NULL,
                dependencies TEXT NOT NULL, protect INTEGER NOT NULL, updated INTEGER NOT NULL,
                PRIMARY KEY (stack, address)) STRICT, WITHOUT ROWID;
            CREATE TABLE journal (
                id INTEGER PRIMARY KEY AUTOINCREMENT, stack TEXT NOT NULL, run TEXT NOT NULL, address TEXT NOT NULL,
                operation TEXT NOT NULL, object_id TEXT NOT NULL, intent TEXT NOT NULL, state TEXT NOT NULL,
                error TEXT, started INTEGER NOT NULL, finished INTEGER) STRICT;
            CREATE INDEX journal_open ON journal (stack, id) WHERE state IN ('intended', 'acting');
            CREATE TABLE history (
                stack TEXT NOT NULL, generation INTEGER NOT NULL, run TEXT NOT NULL, operation TEXT NOT NULL,
                uid INTEGER NOT NULL, started INTEGER NOT NULL, finished INTEGER, outcome TEXT NOT NULL,
                summary TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (stack, run)) STRICT;

            PRAGMA application_id = 0x5354434B;
            PRAGMA user_version = 1;
            """)
}
