import CSQLite

/// A refusal by SQLite, or a row that does not hold what its table promises.
package struct DatabaseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// SQLite's extended result code, for example 2067 for `SQLITE_CONSTRAINT_UNIQUE`.
    package var code: Int32
    /// SQLite's own sentence, or ours where a row could not be read.
    package var message: String
    /// The statement that was being run; values are never part of it.
    package var statement: String

    package init(code: Int32, message: String, statement: String) {
        self.code = code
        self.message = message
        self.statement = statement
    }

    /// The primary result code: the low byte of the extended one.
    package var primaryCode: Int32 { code & 0xff }

    /// Whether a `UNIQUE` or `PRIMARY KEY` constraint refused the write: the name, address or port is taken.
    package var isUniqueViolation: Bool {
        code == SQLITE_CONSTRAINT | (8 << 8) || code == SQLITE_CONSTRAINT | (6 << 8)
    }

    /// Whether the file is not, or no longer, a whole database.
    package var isCorruption: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }

    /// Whether the disk had no room.
    package var isFull: Bool { primaryCode == SQLITE_FULL }

    package var description: String { "\(name): \(message) (in: \(statement))" }

    /// The symbolic name of the primary result code, as sqlite.org/rescode.html spells it.
    package var name: String {
        switch primaryCode {
        case SQLITE_ERROR: "SQLITE_ERROR"
        case SQLITE_PERM: "SQLITE_PERM"
        case SQLITE_BUSY: "SQLITE_BUSY"
        case SQLITE_LOCKED: "SQLITE_LOCKED"
        case SQLITE_NOMEM: "SQLITE_NOMEM"
        case SQLITE_READONLY: "SQLITE_READONLY"
        case SQLITE_INTERRUPT: "SQLITE_INTERRUPT"
        case SQLITE_IOERR: "SQLITE_IOERR"
        case SQLITE_CORRUPT: "SQLITE_CORRUPT"
        case SQLITE_FULL: "SQLITE_FULL"
        case SQLITE_CANTOPEN: "SQLITE_CANTOPEN"
        case SQLITE_CONSTRAINT: "SQLITE_CONSTRAINT"
        case SQLITE_MISMATCH: "SQLITE_MISMATCH"
        case SQLITE_MISUSE: "SQLITE_MISUSE"
        case SQLITE_NOTADB: "SQLITE_NOTADB"
        default: "SQLITE_\(primaryCode)"
        }
    }
}
