import Testing

@testable import Linux

/// Version 2 groups made of ordinary files: few machines have version 1 and version 2 with a memory controller.
@Suite("Changing the limits of a version 2 group")
struct CgroupUpdateTests {
    private func withGroup(_ files: [String: String], _ body: (Cgroup, String) throws -> Void) throws {
        let root = try Files.temporaryDirectory(prefix: "linux-tests-")
        defer { try? Files.removeTree(root) }
        try Files.makeDirectory("\(root)/web")
        let usual = [
            "memory.max": "max", "memory.swap.max": "max", "memory.current": "0", "memory.swap.current": "0",
            "memory.stat": "", "cpu.max": "max 100000", "cpu.weight": "100", "pids.max": "max",
        ]
        for (name, text) in usual.merging(files, uniquingKeysWith: { $1 }) {
            try Files.write("\(root)/web/\(name)", Array("\(text)\n".utf8))
        }
        let table = MountEntry.parse("41 31 0:38 / \(root) rw - cgroup2 cgroup2 rw")
        let hierarchy = try #require(
            CgroupHierarchy(mounts: table, unifiedControllers: ["memory", "cpu", "pids"]))
        try body(try hierarchy.group("web"), "\(root)/web")
    }

    @Test("a limit that the cache leaves room for is set, with as much swap as memory")
    func fits() throws {
        let stat = "active_file 30000000\ninactive_file 20000000\nslab_reclaimable 1000000"
        try withGroup(["memory.current": "70000000", "memory.stat": stat]) { group, directory in
            try group.change(to: CgroupLimits(memoryBytes: 20_000_000))
            #expect(try Files.readText("\(directory)/memory.max").hasPrefix("20000000"))
            #expect(try Files.readText("\(directory)/memory.swap.max").hasPrefix("20000000"))
        }
    }

    @Test("a limit below what cannot be dropped is refused, and nothing is changed")
    func refused() throws {
        let before = ["memory.current": "70000000", "memory.max": "100000000", "memory.stat": "inactive_file 10000000"]
        try withGroup(before) { group, directory in
            // No swap is allowed, so that the host's does not count.
            let wanted = CgroupLimits(memoryBytes: 50_000_000, memorySwapBytes: 50_000_000, pids: 7)
            let error = #expect(throws: SystemError.self) { try group.change(to: wanted) }
            #expect(error?.errno == .EBUSY)
            let kept = try ["memory.max", "pids.max"].map { try Files.readText("\(directory)/\($0)") }
            #expect(kept == ["100000000\n", "max\n"])
        }
    }

    @Test("where one limit cannot be set the others are set back")
    func rolledBack() throws {
        let before = ["memory.max": "100000000", "memory.swap.max": "max", "cpu.max": "50000 100000"]
        try withGroup(before) { group, directory in
            try Files.unlink("\(directory)/pids.max")
            #expect(throws: SystemError.self) {
                try group.change(to: CgroupLimits(memoryBytes: 200_000_000, nanoCPUs: 2_000_000_000, pids: 5))
            }
            #expect(try Files.readText("\(directory)/memory.max").hasPrefix("100000000"))
            #expect(try Files.readText("\(directory)/memory.swap.max").hasPrefix("max"))
            #expect(try Files.readText("\(directory)/cpu.max").hasPrefix("50000 100000"))
        }
    }

    @Test("memory and swap together are twice the memory, unless more is said")
    func swap() {
        #expect(CgroupLimits(memoryBytes: 10).finiteMemorySwapBytes == 20)
        #expect(CgroupLimits(memoryBytes: 10, memorySwapBytes: 15).finiteMemorySwapBytes == 15)
        #expect(CgroupLimits(memoryBytes: 10, memorySwapBytes: -1).finiteMemorySwapBytes == nil)
        #expect(CgroupLimits(memoryBytes: .max).finiteMemorySwapBytes == nil)
        #expect(CgroupLimits().finiteMemorySwapBytes == nil)
    }

    @Test("numbers of /proc/meminfo are read")
    func memoryInformation() {
        let table = Cgroup.parseTable(colonsIn: "MemTotal:   24 kB\nSwapFree:        8 kB\nHugePages_Total:  0\nx\n:")
        #expect(table == ["MemTotal": 24, "SwapFree": 8, "HugePages_Total": 0])
    }
}
