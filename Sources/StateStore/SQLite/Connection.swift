import CSQLite

/// One SQLite connection with its prepared statements.
///
/// Never leaves this module: others see it only through `ReadTransaction` and `WriteTransaction`.
// SAFETY: opened without SQLite's own mutex; `StateDatabase` hands it to one thread at a time, under a lock.
final class Connection: @unchecked Sendable {  // SAFETY: see above
    /// What a connection may do.
    enum Access {
        /// Reads and writes, and makes the file when it is not there.
        case write
        /// Reads only; SQLite refuses any change.
        case read
    }

    private let handle: OpaquePointer
    private var prepared: [UnsafePointer<UInt8>: OpaquePointer] = [:]

    /// Opens the file.
    ///
    /// The file itself is read only when the first statement runs.
    init(path: String, access: Access) throws(DatabaseError) {
        var opened: OpaquePointer?
        let flags =
            switch access {
            case .write: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .read: SQLITE_OPEN_READWRITE
            }
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw DatabaseError(code: code, message: message, statement: "open \(path)")
        }
        handle = opened
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit {
        for statement in prepared.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Runs a script of statements that return nothing: pragmas, migrations.
    func execute(_ script: StaticString) throws(DatabaseError) {
        let code = script.withUTF8Buffer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { sqlite3_exec(handle, $0.baseAddress, nil, nil, nil) }
        }
        guard code == SQLITE_OK else { throw failure(code, script) }
    }

    /// Runs one statement to its end and gives how many rows it changed.
    @discardableResult
    func run(_ sql: StaticString, _ values: [SQLValue]) throws(DatabaseError) -> Int {
        try each(sql, values) { (_) throws(DatabaseError) in }
        return Int(sqlite3_changes64(handle))
    }

    /// Runs one statement and hands over every row it yields.
    func each(
        _ sql: StaticString, _ values: [SQLValue], _ body: (borrowing Row) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        let statement = try prepare(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            try bind(value, to: statement, at: Int32(index + 1), in: sql)
        }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code, sql) }
            try body(Row(statement: statement, sql: sql))
        }
    }

    /// The row id the last `INSERT` got.
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Whether a transaction is open.
    ///
    /// SQLite ends one by itself on some errors, such as a full disk.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    private func prepare(_ sql: StaticString) throws(DatabaseError) -> OpaquePointer {
        if let statement = prepared[sql.utf8Start] { return statement }
        var statement: OpaquePointer?
        let code = sql.withUTF8Buffer { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_prepare_v3(
                    handle, $0.baseAddress, Int32($0.count), UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
            }
        }
        guard code == SQLITE_OK, let statement else { throw failure(code, sql) }
        prepared[sql.utf8Start] = statement
        return statement
    }

    private func bind(
        _ value: SQLValue, to statement: OpaquePointer, at index: Int32, in sql: StaticString
    ) throws(DatabaseError) {
        let code =
            switch value {
            case .null: sqlite3_bind_null(statement, index)
            case .integer(let number): sqlite3_bind_int64(statement, index, number)
            case .real(let number): sqlite3_bind_double(statement, index, number)
            case .text(let text): bindText(text, to: statement, at: index)
            case .blob(let bytes):
                bytes.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : bytes.withUnsafeBytes {
                        sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), Self.copied)
                    }
            }
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    private func bindText(_ text: String, to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            // An empty buffer may have no address, and SQLite would take that for NULL.
            guard let base = bytes.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, Self.copied) }
            return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                sqlite3_bind_text64(statement, index, $0, UInt64(bytes.count), Self.copied, UInt8(SQLITE_UTF8))
            }
        }
    }

    private func failure(_ code: Int32, _ sql: StaticString) -> DatabaseError {
        DatabaseError(code: code, message: String(cString: sqlite3_errmsg(handle)), statement: "\(sql)")
    }

    /// `SQLITE_TRANSIENT`: SQLite copies the bytes before the call returns.
    ///
    /// The macro is a cast Swift cannot import.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
