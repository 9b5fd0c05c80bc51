import JSONText
import Linux
import StateStore
import Testing

@Suite struct TransactionTests {
    private struct Refused: Error {}

    let scratch: Scratch
    let database: StateDatabase

    init() throws {
        scratch = try Scratch()
        database = try scratch.open()
    }

    @Test("a write that throws leaves nothing of itself")
    func rollback() throws {
        #expect(throws: Refused.self) {
            try database.write { transaction in
                try transaction.setValue("x", forKey: "a")
                throw Refused()
            }
        }
        #expect(try database.read { try $0.value(forKey: "a") } == nil)
        try database.write { try $0.setValue("y", forKey: "a") }
        #expect(try database.read { try $0.value(forKey: "a") } == "y")
    }

    @Test("a reader sees one state while the writer goes on, and does not wait for it")
    func snapshot() throws {
        try database.write { try $0.setValue("old", forKey: "a") }
        try database.read { transaction in
            #expect(try transaction.value(forKey: "a") == "old")
            try database.write { try $0.setValue("new", forKey: "a") }
            #expect(try transaction.value(forKey: "a") == "old")
        }
        #expect(try database.read { try $0.value(forKey: "a") } == "new")
    }

    @Test("values are bound, never pasted: quotes, zero bytes and empty text come back as they went")
    func values() throws {
        for text in ["", "'); DROP TABLE kv; --", "a\u{0}b", "żółć 🦆", "\n\r\t"] {
            try database.write { try $0.setValue(text, forKey: "k" + text) }
            #expect(try database.read { try $0.value(forKey: "k" + text) } == text)
        }
        let bytes: [UInt8] = [0, 255, 10]
        let back = try database.read { transaction in
            try transaction.first("SELECT ?1, ?2, ?3", [.blob(bytes), .blob([]), .real(1.5)]) { row in
                (row.blob(0), row.blob(1), row.real(2))
            }
        }
        #expect(back?.0 == bytes && back?.1 == [] && back?.2 == 1.5)
    }

    @Test("tables are strict and refuse a value of another type")
    func strict() throws {
        let error = #expect(throws: DatabaseError.self) {
            try database.write { transaction in
                try transaction.run(
                    "INSERT INTO layers (diff_id, size, form, created, spec) VALUES ('a', 'many', 'tree', 0, '{}')")
            }
        }
        #expect(error?.name == "SQLITE_CONSTRAINT")
    }

    @Test("a reader cannot write, whatever it tries")
    func readOnly() throws {
        #expect(throws: DatabaseError.self) {
            try database.read { transaction in
                _ = try transaction.query("DELETE FROM kv", []) { _ in }
            }
        }
    }

    @Test("many readers and writers at once lose nothing")
    func concurrency() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for writer in 0..<8 {
                tasks.addTask {
                    for number in 0..<20 {
                        try await database.writing { try $0.setValue("1", forKey: "\(writer)/\(number)") }
                        _ = try await database.reading { try $0.value(forKey: "\(writer)/\(number)") }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        let count = try database.read { try $0.first("SELECT count(*) FROM kv") { $0.integer(0) } }
        #expect(count == 160)
    }

    @Test("a commit costs little: measured, printed")
    func commitSpeed() throws {
        let start = Clock.monotonic()
        for number in 0..<100 { try database.write { try $0.setValue("\(number)", forKey: "a") } }
        print("one commit on the disk: \(Double(Clock.monotonic() - start) / 1e8) ms")
    }
}
