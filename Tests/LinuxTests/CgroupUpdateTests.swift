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
            CgroupHierarchy(mounts: table, unifiedControllers: ["memory", "cpu", "pids", "cpuset", "io"]))
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

    @Test("quotas as given, reservations, cpusets and block devices have files of their own")
    func further() throws {
        let files = ["memory.low": "0", "cpuset.cpus": "", "cpuset.mems": "", "io.weight": "default 100"]
        try withGroup(files) { group, directory in
            var limits = CgroupLimits()
            limits.cpuQuota = 25_000
            limits.cpuPeriod = 50_000
            limits.memoryReservationBytes = 1 << 20
            limits.cpuSet = "0-1"
            limits.memoryNodes = "0"
            limits.blockIO.weight = 1_000
            try group.change(to: limits)
            let texts = try ["cpu.max", "memory.low", "cpuset.cpus", "cpuset.mems", "io.weight"].map {
                try Files.readText("\(directory)/\($0)").split(separator: "\n").first.map(String.init)
            }
            #expect(texts == ["25000 50000", "1048576", "0-1", "0", "default 10000"])
            limits.blockIO.readBytes = [.init(path: "/dev/null", value: 5)]
            let error = #expect(throws: SystemError.self) { try group.apply(limits) }
            #expect(error?.errno == .ENOTBLK)
        }
    }

    @Test("counters of block devices are read in both forms")
    func blockCounters() {
        let old = BlockCounter.parse("8:0 Read 4096\n8:0 Write 1\nTotal 4097\nx y z\n")
        #expect(old.map(\.value) == [4096, 1])
        #expect(old.first?.device == DeviceNumber(major: 8, minor: 0))
        let new = BlockCounter.parse("254:0 rbytes=7 wbytes=9 rios=1\n1:1 rbytes=3\n", read: "rbytes", write: "wbytes")
        #expect(new.map(\.operation) == ["read", "write", "read"])
        #expect(new.map(\.value) == [7, 9, 3])
    }

    @Test("rules for devices are read as Docker writes them")
    func deviceRules() {
        #expect(DeviceRule.rules(line: "c 10:200 rwm") == [DeviceRule(major: 10, minor: 200)])
        #expect(DeviceRule.rules(line: "b 8:* r") == [DeviceRule(isBlock: true, major: 8, minor: nil, access: .read)])
        #expect(DeviceRule.rules(line: "a *:* rwm").map { Set($0) } == Set(DeviceRule.everything))
        for bad in ["", "c 1:3", "d 1:3 r", "c 1:3 x", "c 1 r", "c 1:x r", "c 1:3 rwmr", "c  1:3 r", "c -1:3 r"] {
            #expect(DeviceRule.rules(line: bad) == nil, "\(bad)")
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
