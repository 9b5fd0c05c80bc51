import CSQLite
import Diagnostics
import Linux

/// Opens connections and judges what is in the file before anything is changed in it.
enum Opening {
    /// The connection that may write, with the schema at this program's version.
    static func writer(path: String) throws(Diagnostic) -> Connection {
        do {
            try keepPrivate(path)
            let connection = try Connection(path: path, access: .write)
            try inspect(connection, path: path)
            // FULL: a commit is on the disk when `write` returns. The journal's promise rests on it.
            try connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
            try migrate(connection)
            return connection
        } catch let error as DatabaseError {
            throw diagnostic(for: error, path: path)
        } catch let diagnostic as Diagnostic {
            throw diagnostic
        } catch {
            throw Diagnostic(code: "SC3000", summary: "the database \(path) could not be opened", detail: "\(error)")
        }
    }

    /// A connection that SQLite itself keeps from writing.
    static func reader(path: String) throws(DatabaseError) -> Connection {
        let connection = try Connection(path: path, access: .read)
        try connection.execute("PRAGMA query_only = ON")
        return connection
    }

    /// Lets only the owner read the database: it holds what manifests were given as inputs.
    ///
    /// SQLite gives its `-wal` and `-shm` the database's mode.
    private static func keepPrivate(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            _ = try Files.open(path, [.readWrite, .create, .noFollow], mode: 0o600)
        } catch {
            // What cannot be opened is SQLite's to judge.
            return
        }
        for name in [path, path + "-wal", path + "-shm"] where Files.exists(name) {
            try Files.chmod(name, mode: 0o600)
        }
    }

    private static func inspect(_ connection: Connection, path: String) throws {
        let version = try integer(connection, "PRAGMA user_version")
        let application = try integer(connection, "PRAGMA application_id")
        let tables = try integer(connection, "SELECT count(*) FROM sqlite_schema")
        if tables > 0, application != Migration.applicationID { throw foreign(path) }
        if version > Migration.newest { throw newer(path, version) }
        let verdict = try connection.query("PRAGMA quick_check(1)", []) { (row) in row.text(0) }.first ?? "ok"
        if verdict != "ok" { throw damaged(path, verdict) }
    }

    private static func migrate(_ connection: Connection) throws {
        let version = try integer(connection, "PRAGMA user_version")
        for migration in Migration.all where migration.version > version {
            try connection.execute("BEGIN IMMEDIATE")
            do {
                try connection.execute(migration.script)
                try connection.execute("COMMIT")
            } catch {
                if connection.isInTransaction { try? connection.execute("ROLLBACK") }
                throw error
            }
        }
    }

    private static func integer(_ connection: Connection, _ sql: StaticString) throws(DatabaseError) -> Int64 {
        try connection.query(sql, []) { (row) in row.integer(0) }.first ?? 0
    }

    // MARK: What the user reads

    private static func diagnostic(for error: DatabaseError, path: String) -> Diagnostic {
        if error.isCorruption { return damaged(path, error.message) }
        if error.primaryCode == SQLITE_CANTOPEN {
            return Diagnostic(
                code: "SC3001", summary: "the database \(path) cannot be opened",
                detail: "\(error.message). The folder must exist and be writable by the daemon.",
                hint: "check the folder and its owner, or choose another data root with --root")
        }
        if error.isFull {
            return Diagnostic(
                code: "SC3002", summary: "no room on the disk for the database \(path)", detail: error.message,
                hint: "free some space on that file system and start again")
        }
        return Diagnostic(
            code: "SC3000", summary: "the database \(path) could not be opened", detail: error.description)
    }

    private static func damaged(_ path: String, _ verdict: String) -> Diagnostic {
        Diagnostic(
            code: "SC3003", summary: "the database \(path) is damaged",
            detail: "SQLite says: \(verdict). The file was left as it is. Running containers are not affected.",
            hint: "stop the daemon, keep a copy of the file, then restore a backup or try: "
                + "sqlite3 \(path) .recover | sqlite3 recovered.db")
    }

    private static func foreign(_ path: String) -> Diagnostic {
        Diagnostic(
            code: "SC3004", summary: "\(path) is a database of another program",
            detail: "It has tables but not stackctl's application id. The file was left as it is.",
            hint: "choose another data root with --root, or move the file away")
    }

    private static func newer(_ path: String, _ version: Int64) -> Diagnostic {
        Diagnostic(
            code: "SC3005", summary: "the database \(path) was written by a newer stackctl",
            detail: "Its schema is version \(version); this stackctl knows up to version \(Migration.newest). "
                + "The file was left as it is.",
            hint: "install the newer stackctl again, or choose another data root with --root")
    }
}
