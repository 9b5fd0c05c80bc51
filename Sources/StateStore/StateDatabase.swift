import Diagnostics
import Synchronization

/// The daemon's one database: engine objects, recorded stacks, journal and history.
///
/// One writer, any number of readers that never wait for it (WAL). `read` and `write` block the calling thread:
/// call them from the blocking executor, or where a few microseconds are fine. Do not nest them.
package final class StateDatabase: Sendable {
    /// Where the file is.
    package let path: String
    private let writer: Mutex<Connection>
    private let idleReaders = Mutex<[Connection]>([])
    /// More idle readers than threads that read at a time only hold memory.
    private static let idleLimit = 4

    /// Opens the database and brings it to this program's schema; makes it when it is not there.
    ///
    /// - Throws: a `Diagnostic` when the file is damaged, of another program, or of a newer stackctl. The file is
    ///   left as it was in each of these cases.
    package init(path: String) throws(Diagnostic) {
        self.path = path
        writer = Mutex(try Opening.writer(path: path))
    }

    /// Runs `body` on a consistent view.
    package func read<Value>(_ body: (borrowing ReadTransaction) throws -> Value) throws -> Value {
        let connection = try takeReader()
        defer { giveBack(connection) }
        try connection.execute("BEGIN DEFERRED")
        // A read has nothing to lose by an end that fails; SQLite has then ended it already.
        defer { try? connection.execute("COMMIT") }
        return try body(ReadTransaction(connection: connection))
    }

    /// Runs `body` as the one writer.
    ///
    /// Commits to the disk when it returns, undoes all of it when it throws.
    @discardableResult
    package func write<Value>(_ body: (borrowing WriteTransaction) throws -> Value) throws -> Value {
        var value: Value?
        try writer.withLock { connection in
            try Self.transact(connection) { transaction in value = try body(transaction) }
        }
        // Without an error the body has answered.
        guard let value else { throw CancellationError() }
        return value
    }

    /// Commits what `body` does, or undoes all of it.
    ///
    /// Apart from `write` and never a part of it: the optimizer of Swift 6.3 fails on a value that cannot be copied where
    /// it specializes the generic function that makes it.
    @inline(never)
    private static func transact(
        _ connection: Connection, _ body: (borrowing WriteTransaction) throws -> Void
    ) throws {
        try connection.execute("BEGIN IMMEDIATE")
        do {
            try body(WriteTransaction(connection: connection))
            try connection.execute("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    private func takeReader() throws -> Connection {
        if let idle = idleReaders.withLock({ $0.popLast() }) { return idle }
        return try Opening.reader(path: path)
    }

    private func giveBack(_ connection: Connection) {
        idleReaders.withLock { if $0.count < Self.idleLimit { $0.append(connection) } }
    }
}
