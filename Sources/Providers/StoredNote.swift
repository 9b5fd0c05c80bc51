import JSONText
import StateStore

/// What a provider writes down for a later step, or for one that follows a crash.
struct StoredNote: Sendable {
    let database: StateDatabase
    let key: String

    /// `nil` where nothing is noted, or nothing that can be read.
    func read() async throws -> JSONValue? {
        let key = key
        let text = try await database.reading { try $0.value(forKey: key) }
        return text.flatMap { try? JSONValue.parse(Array($0.utf8)) }
    }

    /// `nil` forgets it.
    func write(_ value: JSONValue?) async throws {
        let key = key
        let text = value?.serialized(.compact)
        try await database.writing { try $0.setValue(text, forKey: key) }
    }
}
