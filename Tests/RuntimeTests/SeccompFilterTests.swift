import Runtime
import Testing

/// A classic BPF machine, so that the filter is tested by what it answers.
private struct FilterMachine {
    let instructions: [(code: UInt16, then: Int, otherwise: Int, value: UInt32)]

    init(_ bytes: [UInt8]) {
        instructions = stride(from: 0, to: bytes.count, by: 8).map { start in
            let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + 4 + $1]) << UInt32(8 * $1) }
            let code = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
            return (code, Int(bytes[start + 2]), Int(bytes[start + 3]), value)
        }
    }

    func run(call: UInt32, architecture: UInt32, first: UInt64 = 0) -> UInt32? {
        var accumulator: UInt32 = 0
        var next = 0
        while instructions.indices.contains(next) {
            let step = instructions[next]
            next += 1
            switch step.code {
            case 0x20:
                switch step.value {
                case 0: accumulator = call
                case 4: accumulator = architecture
                case 16: accumulator = UInt32(truncatingIfNeeded: first)
                case 20: accumulator = UInt32(truncatingIfNeeded: first >> 32)
                default: return nil
                }
            case 0x15: next += accumulator == step.value ? step.then : step.otherwise
            case 0x25: next += accumulator > step.value ? step.then : step.otherwise
            case 0x35: next += accumulator >= step.value ? step.then : step.otherwise
            case 0x54: accumulator &= step.value
            case 0x45: next += accumulator & step.value != 0 ? step.then : step.otherwise
            case 0x06: return step.value
            default: return nil
            }
        }
        return nil
    }
}

#if arch(x86_64)
@Suite("The system call filter")
struct SeccompFilterTests {
    private static let allow: UInt32 = 0x7FFF_0000
    private static let refuse: UInt32 = 0x0005_0001
    private static let absent: UInt32 = 0x0005_0026
    private static let native: UInt32 = 0xC000_003E

    private static func answer(_ call: UInt32, _ first: UInt64 = 0, _ capabilities: Set<Capability> = []) -> UInt32? {
        FilterMachine(SeccompFilter.standard(capabilities: capabilities)).run(
            call: call, architecture: native, first: first)
    }

    @Test(
        "ordinary calls are allowed", arguments: [0, 1, 9, 57, 59, 101, 202, 257, 322, 332, 437, 439, 449] as [UInt32])
    func ordinary(call: UInt32) { #expect(Self.answer(call) == Self.allow) }

    @Test(
        "calls that reach the host are refused",
        arguments: [
            155, 165, 166, 167, 169, 175, 246, 248, 250, 272, 298, 304, 308, 313, 320, 321, 323, 425, 428, 429, 432,
            442, 161, 164, 227,
        ] as [UInt32])
    func refused(call: UInt32) { #expect(Self.answer(call) == Self.refuse) }

    @Test("new namespaces are refused, new threads are not")
    func clone() {
        #expect(Self.answer(56, 0x003D_0F00) == Self.allow)
        for flag in [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]
            as [UInt64]
        {
            #expect(Self.answer(56, flag | 17) == Self.refuse)
        }
        #expect(Self.answer(435) == Self.absent)
        #expect(Self.answer(435, 0, [.sysAdmin]) == Self.allow)
    }

    @Test("kernel cryptography and the hypervisor are no addresses")
    func sockets() {
        for family in [1, 2, 10, 16, 17] as [UInt64] { #expect(Self.answer(41, family) == Self.allow) }
        for family in [38, 40] as [UInt64] { #expect(Self.answer(41, family) == Self.refuse) }
    }

    @Test(
        "a profile's conditions compare all 64 bits",
        arguments: [
            (.equal, 0x1_0000_0005, 0, [0x1_0000_0005]), (.notEqual, 5, 0, [4, 0x1_0000_0005]),
            (.less, 0x1_0000_0005, 0, [4, 0x1_0000_0004]), (.lessOrEqual, 0x1_0000_0005, 0, [4, 0x1_0000_0005]),
            (.greater, 0x1_0000_0005, 0, [0x1_0000_0006, 0x2_0000_0000]),
            (.greaterOrEqual, 0x1_0000_0005, 0, [0x1_0000_0005, 0x2_0000_0000]),
            (.maskedEqual, 0x1_0000_000F, 0x1_0000_0001, [0x1_0000_0001, 0x1_0000_0011]),
        ] as [(SeccompRules.Comparison, UInt64, UInt64, [UInt64])])
    func conditions(
        _ comparison: SeccompRules.Comparison, _ value: UInt64, _ second: UInt64, _ holding: [UInt64]
    ) throws {
        let rule = SeccompRules.Rule(
            names: ["socket", "nosuchcall"], action: .fail(errno: 1),
            conditions: [.init(argument: 0, comparison, value: value, second: second)])
        let profile = SeccompRules(
            standard: .allow, rules: [rule, .init(names: ["mount"], action: .killProcess)])
        let machine = FilterMachine(try SeccompFilter.custom(profile))
        func answer(_ call: UInt32, _ first: UInt64 = 0) -> UInt32? {
            machine.run(call: call, architecture: Self.native, first: first)
        }
        let samples: [UInt64] = [
            4, 5, 0x11, 0x1_0000_0001, 0x1_0000_0004, 0x1_0000_0005, 0x1_0000_0006, 0x1_0000_0011, 0x2_0000_0000,
        ]
        let fitting = samples.filter { answer(41, $0) == Self.refuse }
        #expect(Set(holding).isSubset(of: fitting), "\(fitting)")
        let expected = samples.filter { sample in
            switch comparison {
            case .equal: sample == value
            case .notEqual: sample != value
            case .less: sample < value
            case .lessOrEqual: sample <= value
            case .greater: sample > value
            case .greaterOrEqual: sample >= value
            case .maskedEqual: sample & value == second
            }
        }
        #expect(fitting == expected)
        #expect(answer(165) == 0x8000_0000)
        #expect(answer(0) == Self.allow)
        // The x32 interface, and another architecture.
        #expect(answer(0x4000_0029) == Self.absent)
        #expect(machine.run(call: 0, architecture: 0x4000_0003) == Self.absent)
    }

    @Test("only ordinary personalities")
    func personality() {
        #expect(Self.answer(135, 0xFFFF_FFFF) == Self.allow)
        #expect(Self.answer(135, 0x0040_0000) == Self.refuse)
    }

    @Test("a capability opens its calls")
    func capabilities() {
        #expect(Self.answer(165, 0, [.sysAdmin]) == Self.allow)
        #expect(Self.answer(161, 0, [.sysChroot]) == Self.allow)
        #expect(Self.answer(169, 0, [.sysAdmin]) == Self.refuse)
        #expect(Self.answer(321, 0, [.bpf]) == Self.allow)
    }

    @Test("other architectures and calls of the future do not exist")
    func unknown() {
        let machine = FilterMachine(SeccompFilter.standard(capabilities: []))
        #expect(machine.run(call: 4, architecture: 0x4000_0003) == Self.absent)
        #expect(Self.answer(0x4000_0001) == Self.absent)
        #expect(Self.answer(999) == Self.absent)
    }
}
#endif
