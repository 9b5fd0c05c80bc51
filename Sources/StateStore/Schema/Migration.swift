/// One numbered step of the schema.
///
/// Steps are only ever added, never edited once released.
struct Migration {
    /// The `user_version` of the database after the script.
    let version: Int64
    /// The statements, the last of which sets `user_version`.
    let script: StaticString

    /// "STCK", in the file's header: tells our database from any other (`file` and `PRAGMA application_id` show it).
    static let applicationID: Int64 = 0x5354_434B

    /// All steps, oldest first.
    static let all = [schema1, schema2]

    /// The version this program writes.
    static var newest: Int64 { all.last?.version ?? 0 }
}
