import Synchronization
import Testing

@testable import Linux

@Suite("Files")
struct FileTests {
    /// Runs a body with a directory of its own, which is removed.
    private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let path = try Files.temporaryDirectory(prefix: "linux-tests-")
        defer { try? Files.removeTree(path) }
        try body(path)
    }

    @Test("an error says the call, the path and the kernel's name for it")
    func errors() {
        let error = #expect(throws: SystemError.self) { _ = try Files.open("/no/such/file").raw }
        #expect(error?.description == "open /no/such/file: No such file or directory (ENOENT)")
        #expect(Errno(9_999).name == "E9999")
    }

    @Test("a path with a NUL is refused, not cut short")
    func nulInPath() {
        let error = #expect(throws: SystemError.self) { _ = try Files.readAll("/etc/passwd\0.txt") }
        #expect(error?.errno == .EINVAL)
    }

    @Test("an atomic write replaces the file, sets its mode and leaves nothing beside it")
    func atomicWrite() throws {
        try inTemporaryDirectory { path in
            try Files.writeAtomically("\(path)/a", Array("one".utf8), mode: 0o600)
            try Files.writeAtomically("\(path)/a", Array("two".utf8), mode: 0o666, fsync: false)
            #expect(try Files.readText("\(path)/a") == "two")
            #expect(try Files.status("\(path)/a").mode == 0o666)
            #expect(try Files.list(path).map(\.name) == ["a"])
            #expect(throws: SystemError.self) { try Files.writeAtomically("\(path)/no/b", []) }
            #expect(throws: SystemError.self) { try Files.writeAtomically(path, [1]) }
            #expect(try Files.list(path).map(\.name) == ["a"])
        }
    }

    @Test("a file larger than the limit is refused, one as large is read")
    func limit() throws {
        try inTemporaryDirectory { path in
            try Files.write("\(path)/a", [UInt8](repeating: 7, count: 1_000))
            #expect(try Files.readAll("\(path)/a", limit: 1_000).count == 1_000)
            let error = #expect(throws: SystemError.self) { try Files.readAll("\(path)/a", limit: 999) }
            #expect(error?.errno == .EFBIG)
        }
    }

    @Test("removing a tree removes links, not what they lead to, and names that are not text")
    func removeTree() throws {
        try inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/tree/a/b/c")
            try Files.makeDirectory("\(path)/kept")
            try Files.write("\(path)/kept/file", [1])
            try Files.symlink("../kept", at: "\(path)/tree/link")
            try Files.symlink("\(path)/kept/file", at: "\(path)/tree/a/file")
            try Files.write(Array("\(path)/tree/".utf8) + [0xff, 0xfe], [1])
            try Files.makeDirectory("\(path)/tree/closed", mode: 0)
            try Files.removeTree("\(path)/tree")
            #expect(!Files.exists("\(path)/tree"))
            #expect(Files.exists("\(path)/kept/file"))
            try Files.removeTree("\(path)/tree")
            try Files.symlink("kept", at: "\(path)/link")
            try Files.removeTree("\(path)/link")
            #expect(try Files.list(path).map(\.name) == ["kept"])
        }
    }

    @Test("a path opened inside a root cannot leave it by dots, links or absolute names")
    func openInRoot() throws {
        try inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/root/etc")
            try Files.write("\(path)/root/etc/name", Array("inside".utf8))
            try Files.write("\(path)/name", Array("outside".utf8))
            try Files.symlink("/etc/name", at: "\(path)/root/absolute")
            try Files.symlink("../../../../name", at: "\(path)/root/dots")
            let root = try Files.open("\(path)/root", [.path, .directory])
            #expect(try Files.openInRoot(root.raw, "absolute").readAll() == Array("inside".utf8))
            #expect(try Files.openInRoot(root.raw, "/../../etc/name").readAll() == Array("inside".utf8))
            let error = #expect(throws: SystemError.self) { _ = try Files.openInRoot(root.raw, "dots").raw }
            #expect(error?.errno == .ENOENT)
        }
    }

    @Test("renames elsewhere do not keep a path from being opened inside a root")
    func openInRootWhileRenaming() throws {
        try inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/root/etc/deep")
            try Files.write("\(path)/root/name", Array("inside".utf8))
            try Files.write("\(path)/a", [])
            try Files.write("\(path)/b", [])
            let root = try Files.open("\(path)/root", [.path, .directory])
            let isOver = Atomic(false)
            let renaming = Thread.detach(name: "renames") {
                while !isOver.load(ordering: .relaxed) { try? Files.exchange("\(path)/a", "\(path)/b") }
            }
            defer { isOver.store(true, ordering: .relaxed) }
            try #require(renaming)
            for _ in 0..<30_000 { _ = try Files.openInRoot(root.raw, "etc/../etc/deep/../../name").raw }
        }
    }

    @Test("a lock keeps others out until its life ends")
    func lock() async throws {
        let path = try Files.temporaryDirectory(prefix: "linux-tests-")
        defer { try? Files.removeTree(path) }
        func taken() throws -> Bool { try FileLock.acquire("\(path)/lock") == nil }
        do {
            let first = try FileLock.acquire("\(path)/lock")
            #expect(try taken())
            _ = first?.descriptor
        }
        // A program that another test starts has what is open here, too, until it is executed.
        var isTaken = try taken()
        for _ in 0..<3_000 where isTaken {
            try await EventLoop.shared.sleep(for: .milliseconds(20))
            isTaken = try taken()
        }
        #expect(!isTaken)
    }

    @Test("copies keep content and mode, of kernel files too")
    func copies() throws {
        try inTemporaryDirectory { path in
            let content = try Random.bytes(300_000)
            try Files.write("\(path)/a", content, mode: 0o640)
            try Files.copy("\(path)/a", to: "\(path)/b")
            #expect(try Files.readAll("\(path)/b") == content)
            #expect(try Files.status("\(path)/b").mode == 0o640)
            try Files.copy("/proc/version", to: "\(path)/c")
            #expect(try Files.readAll("\(path)/c") == Files.readAll("/proc/version"))
        }
    }

    @Test("a sealed memory file cannot be changed")
    func sealed() throws {
        let file = try MemoryFile.sealed(name: "test", content: [1, 2, 3])
        #expect(try file.pread(upTo: 10, at: 0) == [1, 2, 3])
        let error = #expect(throws: SystemError.self) { try file.pwriteAll([9], at: 0) }
        #expect(error?.errno == .EPERM)
    }

    @Test("identifiers are 64 digits and not repeated")
    func identifiers() throws {
        let ids = try Set((0..<100).map { _ in try Random.hexID() })
        #expect(ids.count == 100)
        #expect(ids.allSatisfy { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) })
        #expect(try Random.bytes(1_000).count == 1_000)
    }
}
