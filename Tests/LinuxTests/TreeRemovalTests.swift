import Testing

@testable import Linux

@Suite("Removing trees")
struct TreeRemovalTests {
    /// Runs a body with a directory of its own, in memory where the host has room there, which is removed.
    private func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let parent = Files.exists("/dev/shm") ? "/dev/shm" : "/tmp"
        let path = "\(parent)/linux-tests-\(try Random.hex(bytes: 8))"
        try Files.makeDirectory(path, mode: 0o700)
        defer { try? Files.removeTree(path) }
        try body(path)
    }

    /// Makes directories, each in the one before.
    private func dig(_ path: String, levels: Int, _ atBottom: (Int32) throws -> Void = { _ in }) throws {
        try Files.makeDirectory(path)
        var current = try Files.open(path, [.path, .directory])
        for _ in 0..<levels {
            try Files.makeDirectory("d", at: current.raw)
            current = try Files.open("d", [.path, .directory], at: current.raw)
        }
        try atBottom(current.raw)
    }

    @Test("a tree deeper than any path can say is removed, and no link in it is followed")
    func deep() throws {
        try inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/kept/inside")
            try dig("\(path)/tree", levels: 100_000) { bottom in
                try Files.symlink("\(path)/kept", at: "link", in: bottom)
                try Files.makeFIFO("pipe", at: bottom)
            }
            try Files.removeTree("\(path)/tree")
            #expect(try Files.list(path).map(\.name) == ["kept"])
            #expect(Files.exists("\(path)/kept/inside"))
        }
    }

    @Test("directories are made where they can be, and tried a few times where they cannot")
    func makeDirectories() throws {
        try inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/a/b//c/")
            try Files.makeDirectories("\(path)/a/b/c")
            #expect(Files.exists("\(path)/a/b/c"))
            try Files.symlink("nowhere", at: "\(path)/link")
            #expect(throws: SystemError.self) { try Files.makeDirectories("\(path)/link/x") }
        }
        let error = #expect(throws: SystemError.self) { try Files.makeDirectories("/proc/no/such") }
        #expect(error?.errno == .ENOENT)
    }
}
