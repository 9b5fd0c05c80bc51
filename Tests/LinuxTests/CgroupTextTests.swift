import Testing

@testable import Linux

@Suite("Control groups, without a kernel")
struct CgroupTextTests {
    private func detect(_ lines: [String], unified: Set<String> = []) -> CgroupHierarchy? {
        CgroupHierarchy(mounts: MountEntry.parse(lines.joined(separator: "\n")), unifiedControllers: unified)
    }

    private let memory = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
    private let cpu = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
    private let unified = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate"

    @Test("separate controllers are version 1, one tree is version 2, both are a hybrid that uses version 1")
    func versions() throws {
        #expect(detect([memory])?.version == .v1)
        #expect(detect([unified], unified: ["memory", "cpu"])?.version == .v2)
        #expect(detect([memory, unified])?.version == .hybrid)
        #expect(detect([]) == nil)
        let both = try #require(detect([memory, cpu]))
        #expect(both.roots == ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct"])
    }

    @Test("a path that leaves the tree is refused", arguments: ["", "/a", "a/../b", "a//b", ".", "a/", "a\0b"])
    func paths(path: String) throws {
        let hierarchy = try #require(detect([memory]))
        #expect(throws: SystemError.self) { try hierarchy.group(path) }
    }

    @Test("limits compare after the kernel's rounding")
    func rounding() throws {
        let v1 = try #require(detect([memory, cpu]))
        let v2 = try #require(detect([unified], unified: ["memory", "cpu", "pids"]))
        let limits = CgroupLimits(memoryBytes: 4_097, nanoCPUs: 333_333_333, cpuShares: 512, pids: 5)
        #expect(limits.normalized(for: v1).memoryBytes == 4_096)
        #expect(limits.normalized(for: v1).nanoCPUs == 333_330_000)
        #expect(limits.normalized(for: v1).cpuShares == 512)
        let shares = try #require(limits.normalized(for: v2).cpuShares)
        #expect(CgroupLimits.weight(shares: shares) == CgroupLimits.weight(shares: 512))
        #expect(CgroupLimits(cpuShares: 1_024).normalized(for: v1).cpuShares == nil)
        #expect(CgroupLimits.quota(1) == 1_000)
        _ = CgroupLimits(memoryBytes: .max, memorySwapBytes: .min, nanoCPUs: .max, cpuShares: .max).normalized(for: v2)
    }

    @Test("the largest value the kernel shows means no limit")
    func unlimited() {
        #expect(Cgroup.finite(9_223_372_036_854_771_712) == nil)
        #expect(Cgroup.finite(-1) == nil)
        #expect(Cgroup.finite(4_096) == 4_096)
        #expect(Cgroup.parseTable("a 1\nb x\nc\n\nd 4 5\ne -2") == ["a": 1, "e": -2])
    }

    @Test("device rules read as the kernel's lines")
    func deviceLines() {
        #expect(DeviceRule(major: 1, minor: 3).line == "c 1:3 rwm")
        #expect(DeviceRule(isBlock: true, major: nil, minor: nil, access: .makeNode).line == "b *:* m")
    }

    @Test("the device program answers as the rules say, when its instructions are followed")
    func deviceProgram() {
        let rules = DeviceRule.defaults
        let program = DeviceProgram.instructions(rules)
        func run(_ type: UInt32, _ access: UInt32, _ major: UInt32, _ minor: UInt32) -> UInt32? {
            interpret(program, context: [access << 16 | type, major, minor])
        }
        #expect(run(2, 6, 1, 3) == 1)
        #expect(run(2, 2, 5, 0) == 1)
        #expect(run(2, 6, 136, 77) == 1)
        #expect(run(2, 1, 10, 200) == 1)
        #expect(run(1, 1, 8, 0) == 1)
        #expect(run(2, 6, 1, 1) == 0)
        #expect(run(1, 2, 8, 0) == 0)
        #expect(run(2, 3, 10, 200) == 0)
        #expect(interpret(DeviceProgram.instructions([]), context: [0, 0, 0]) == 0)
    }

    /// The few BPF instructions the program is made of; nil when it leaves its bounds.
    private func interpret(_ program: [UInt64], context: [UInt32]) -> UInt32? {
        var registers = [UInt32](repeating: 0, count: 11)
        var position = 0
        while program.indices.contains(position) {
            let word = program[position]
            let (to, from) = (Int(word >> 8 & 15), Int(word >> 12 & 15))
            let offset = Int(Int16(bitPattern: UInt16(truncatingIfNeeded: word >> 16)))
            let immediate = UInt32(truncatingIfNeeded: word >> 32)
            position += 1
            switch word & 255 {
            case 0x61: registers[to] = context[offset / 4]
            case 0xbc: registers[to] = registers[from]
            case 0x54: registers[to] &= immediate
            case 0x74: registers[to] >>= immediate
            case 0xb4: registers[to] = immediate
            case 0x56: if registers[to] != immediate { position += offset }
            case 0x5e: if registers[to] != registers[from] { position += offset }
            case 0x95: return registers[0]
            default: return nil
            }
        }
        return nil
    }
}
