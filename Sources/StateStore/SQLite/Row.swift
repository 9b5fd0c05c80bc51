import CSQLite
import JSONText

/// One row while its statement stands on it.
///
/// Columns are counted from 0.
package struct Row: ~Copyable {
    let statement: OpaquePointer
    let sql: StaticString

    /// The text of a column.
    ///
    /// `NULL` is an empty string.
    package func text(_ column: Int32) -> String {
        guard let bytes = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The text of a column, `nil` for `NULL`.
    package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    /// The integer of a column.
    ///
    /// `NULL` is 0.
    package func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    /// The integer of a column, `nil` for `NULL`.
    package func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    /// The number of a column.
    ///
    /// `NULL` is 0.
    package func real(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }

    /// The truth of a column: anything but 0 and `NULL`.
    package func bool(_ column: Int32) -> Bool { integer(column) != 0 }

    /// The bytes of a column.
    ///
    /// `NULL` is empty.
    package func blob(_ column: Int32) -> [UInt8] {
        guard let base = sqlite3_column_blob(statement, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column))))
    }

    /// The JSON value of a column.
    ///
    /// `NULL` is JSON's null.
    ///
    /// - Throws: `DatabaseError` when the column does not hold JSON.
    package func json(_ column: Int32) throws(DatabaseError) -> JSONValue {
        guard let bytes = sqlite3_column_text(statement, column) else { return .null }
        let buffer = UnsafeBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column)))
        do {
            return try JSONValue.parse([UInt8](buffer))
        } catch {
            throw unreadable(column, "is not JSON: \(error.reason)")
        }
    }

    /// The JSON object of a column.
    ///
    /// `NULL` is an empty object.
    package func object(_ column: Int32) throws(DatabaseError) -> JSONObject {
        if isNull(column) { return JSONObject() }
        guard let object = try json(column).objectValue else { throw unreadable(column, "is not a JSON object") }
        return object
    }

    /// The JSON array of strings of a column.
    ///
    /// `NULL` is empty.
    package func strings(_ column: Int32) throws(DatabaseError) -> [String] {
        if isNull(column) { return [] }
        guard let array = try json(column).arrayValue else { throw unreadable(column, "is not a JSON array") }
        return array.compactMap(\.stringValue)
    }

    /// An error that says a column does not hold what it should.
    package func unreadable(_ column: Int32, _ why: String) -> DatabaseError {
        let name = sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "\(column)"
        return DatabaseError(code: SQLITE_MISMATCH, message: "column \(name) \(why)", statement: "\(sql)")
    }

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
}
