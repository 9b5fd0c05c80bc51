import Diagnostics
import JSONText
import Linux
import StateStore
import Testing

@Suite struct OpeningTests {
    @Test("a new database is made, and opened again as it was left")
    func reopen() throws {
        let scratch = try Scratch()
        try scratch.open().write { try $0.setValue("1", forKey: "a") }
        let again = try scratch.open()
        #expect(try again.read { try $0.value(forKey: "a") } == "1")
        #expect(try again.read { try $0.first("PRAGMA journal_mode") { $0.text(0) } } == "wal")
        #expect(try again.write { try $0.first("PRAGMA synchronous") { $0.integer(0) } } == 2)
        #expect(try again.write { try $0.first("PRAGMA foreign_keys") { $0.integer(0) } } == 1)
    }

    @Test("only the owner may read the database, one made with a wider mode too")
    func mode() throws {
        let scratch = try Scratch()
        try Files.write(scratch.path, [], mode: 0o644)
        let database = try scratch.open()
        try database.write { try $0.setValue("1", forKey: "a") }
        for name in [scratch.path, scratch.path + "-wal", scratch.path + "-shm"] {
            #expect(try Files.status(name).mode & 0o777 == 0o600, "\(name)")
        }
    }

    @Test("a database of a newer stackctl is refused naming both versions, and left as it is")
    func newer() throws {
        let scratch = try Scratch()
        try scratch.open().write { _ = try $0.query("PRAGMA user_version = 99") { _ in } }
        let before = try Files.readAll(scratch.path)
        let error = #expect(throws: Diagnostic.self) { try scratch.open() }
        #expect(error?.code == "SC3005")
        #expect(error?.detail?.contains("version 99") == true)
        #expect(error?.detail?.contains("up to version 2") == true)
        #expect(error?.hint != nil)
        #expect(try Files.readAll(scratch.path) == before)
    }

    @Test("a database of version 1 is brought to the newest and keeps what it has")
    func older() throws {
        let scratch = try Scratch()
        try scratch.open().write { tables in
            try tables.setValue("1", forKey: "a")
            try tables.run("DROP TABLE build_cache_keys")
            try tables.run("DROP TABLE build_cache")
            try tables.run("DROP TABLE build_history")
            _ = try tables.query("PRAGMA user_version = 1") { _ in }
        }
        let database = try scratch.open()
        try database.write { tables in
            for number in 1...3 {
                try tables.save(
                    BuildHistoryRow(id: "b\(number)", started: Int64(number), status: "completed", spec: [:]))
            }
        }
        #expect(try database.write { try $0.trimBuildHistory(keeping: 2) } == ["b1"])
        #expect(try database.read { try $0.buildHistory().map(\.id) } == ["b3", "b2"])
        #expect(try database.read { try $0.buildCache().isEmpty && $0.value(forKey: "a") == "1" })
    }

    @Test("a file that is no database is refused and left as it is", arguments: [20, 4_096, 100_000])
    func garbage(size: Int) throws {
        let scratch = try Scratch()
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
        try Files.writeAtomically(scratch.path, bytes, mode: 0o600)
        let error = #expect(throws: Diagnostic.self) { try scratch.open() }
        #expect(error?.code == "SC3003")
        #expect(try Files.readAll(scratch.path) == bytes)
        #expect(try Files.list(scratch.folder).count == 1)
    }

    @Test("a database with damage inside is refused and left as it is")
    func damaged() throws {
        let scratch = try Scratch()
        do {
            let database = try scratch.open()
            try database.write { transaction in
                for number in 0..<500 {
                    try transaction.setValue(String(repeating: "x", count: 200), forKey: "key \(number)")
                }
            }
        }
        var bytes = try Files.readAll(scratch.path)
        try #require(bytes.count > 40_000)
        for offset in stride(from: 4_096 * 4, to: bytes.count, by: 4_096) {
            for position in offset..<min(offset + 64, bytes.count) { bytes[position] = 0xA5 }
        }
        try Files.writeAtomically(scratch.path, bytes, mode: 0o600)
        let error = #expect(throws: Diagnostic.self) { try scratch.open() }
        #expect(error?.code == "SC3003")
        #expect(try Files.readAll(scratch.path) == bytes)
    }

    @Test("a truncated database is refused")
    func truncated() throws {
        let scratch = try Scratch()
        _ = try scratch.open()
        let bytes = try Files.readAll(scratch.path)
        try Files.writeAtomically(scratch.path, Array(bytes.prefix(bytes.count / 2)), mode: 0o600)
        let error = #expect(throws: Diagnostic.self) { try scratch.open() }
        #expect(error?.code == "SC3003")
    }

    @Test("a missing folder is a clear sentence")
    func noFolder() throws {
        let error = #expect(throws: Diagnostic.self) { try StateDatabase(path: "/nonexistent/folder/state.db") }
        #expect(error?.code == "SC3001")
    }

    @Test("an empty file becomes a database")
    func emptyFile() throws {
        let scratch = try Scratch()
        try Files.writeAtomically(scratch.path, [], mode: 0o600)
        #expect(try scratch.open().read { try $0.containers() }.isEmpty)
    }
}
