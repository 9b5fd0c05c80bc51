/// What can be asked inside a `read` or a `write` of `StateDatabase`.
///
/// The value cannot be copied nor kept, so a connection never leaves the closure it was given to.
/// Statements are `StaticString`: a value can only be bound, never pasted into the text.
package protocol Transaction: ~Copyable {
    /// Runs a statement and gives one value per row.
    func query<Value>(
        _ sql: StaticString, _ values: [SQLValue], _ row: (borrowing Row) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> [Value]
}

extension Transaction where Self: ~Copyable {
    /// Runs a statement and gives the first row's value, `nil` when there is no row.
    package func first<Value>(
        _ sql: StaticString, _ values: [SQLValue] = [], _ row: (borrowing Row) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> Value? {
        try query(sql, values, row).first
    }
}

/// A consistent view of the database; it cannot change anything.
package struct ReadTransaction: ~Copyable, Transaction {
    let connection: Connection

    package func query<Value>(
        _ sql: StaticString, _ values: [SQLValue] = [], _ row: (borrowing Row) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> [Value] {
        try connection.query(sql, values, row)
    }
}

/// The one writer's transaction.
///
/// All of it is committed, or none.
package struct WriteTransaction: ~Copyable, Transaction {
    let connection: Connection

    package func query<Value>(
        _ sql: StaticString, _ values: [SQLValue] = [], _ row: (borrowing Row) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> [Value] {
        try connection.query(sql, values, row)
    }

    /// Runs a statement that changes rows and gives how many it changed.
    @discardableResult
    package func run(_ sql: StaticString, _ values: [SQLValue] = []) throws(DatabaseError) -> Int {
        try connection.run(sql, values)
    }

    /// Runs an `INSERT` and gives the new row's id.
    @discardableResult
    package func insert(_ sql: StaticString, _ values: [SQLValue]) throws(DatabaseError) -> Int64 {
        try connection.run(sql, values)
        return connection.lastInsertedRow
    }
}

extension Connection {
    func query<Value>(
        _ sql: StaticString, _ values: [SQLValue], _ row: (borrowing Row) throws(DatabaseError) -> Value
    ) throws(DatabaseError) -> [Value] {
        var found: [Value] = []
        try each(sql, values) { (line) throws(DatabaseError) in found.append(try row(line)) }
        return found
    }
}
