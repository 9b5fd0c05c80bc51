import JSONText

/// A value given to a statement.
///
/// The five storage classes of SQLite.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// Text, or `NULL` where there is none.
    package static func text(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }

    /// An integer, or `NULL` where there is none.
    package static func integer(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }

    /// A 0 or 1, as `STRICT` tables keep truth.
    package static func bool(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }

    /// Compact JSON text.
    package static func json(_ value: JSONValue) -> SQLValue { .text(value.serialized(.compact)) }

    /// Compact JSON text of an object.
    package static func json(_ value: JSONObject) -> SQLValue { .text(JSONValue.object(value).serialized(.compact)) }

    /// A JSON array of strings.
    package static func json(_ value: [String]) -> SQLValue {
        .json(.array(value.map { .string($0) }))
    }
}
