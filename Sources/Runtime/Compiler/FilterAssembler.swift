/// Assembles classic BPF for seccomp(2).
///
/// Source: linux/filter.h, linux/seccomp.h.
struct FilterAssembler {
    typealias Verdict = SeccompRules.Action

    /// The program so far, 8 bytes an instruction.
    private(set) var bytes: [UInt8] = []

    static let load: UInt16 = 0x20
    static let and: UInt16 = 0x54
    static let jumpIfEqual: UInt16 = 0x15
    static let jumpIfGreater: UInt16 = 0x25
    static let jumpIfGreaterOrEqual: UInt16 = 0x35
    static let answer: UInt16 = 0x06
    private static let jumpIfAnySet: UInt16 = 0x45

    /// Loads the number of the system call.
    mutating func loadNumber() { emit(Self.load, 0) }

    /// Loads the architecture.
    mutating func loadArchitecture() { emit(Self.load, 4) }

    /// Loads the lower half of an argument.
    mutating func loadArgument(_ index: UInt32) { emit(Self.load, 16 + 8 * index) }

    /// Decides, whatever was loaded.
    mutating func decide(_ verdict: Verdict) { emit(Self.answer, verdict.value) }

    /// Decides if what was loaded is this.
    mutating func decide(_ verdict: Verdict, ifEqual value: UInt32) {
        emit(Self.jumpIfEqual, value, otherwise: 1)
        decide(verdict)
    }

    /// Decides if what was loaded is not this.
    mutating func decide(_ verdict: Verdict, ifNotEqual value: UInt32) {
        emit(Self.jumpIfEqual, value, then: 1)
        decide(verdict)
    }

    /// Decides if what was loaded is greater.
    mutating func decide(_ verdict: Verdict, ifGreaterThan value: UInt32) {
        emit(Self.jumpIfGreater, value, otherwise: 1)
        decide(verdict)
    }

    /// Decides if what was loaded has any of these bits.
    mutating func decide(_ verdict: Verdict, ifAnyOf bits: UInt32) {
        emit(Self.jumpIfAnySet, bits, otherwise: 1)
        decide(verdict)
    }

    /// Does what the body assembles, which must end with a decision, if what was loaded is this.
    mutating func when(_ value: UInt32, _ body: (inout FilterAssembler) -> Void) {
        var inner = FilterAssembler()
        body(&inner)
        emit(Self.jumpIfEqual, value, otherwise: UInt8(truncatingIfNeeded: inner.bytes.count / 8))
        bytes += inner.bytes
    }

    /// The same, unless it takes more instructions than can be jumped over; false then, and nothing is assembled.
    mutating func when(_ value: UInt32, atMost most: Int, _ body: (inout FilterAssembler) -> Void) -> Bool {
        var inner = FilterAssembler()
        body(&inner)
        guard inner.bytes.count / 8 <= most else { return false }
        when(value) { $0 = inner }
        return true
    }

    mutating func emit(_ code: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) {
        bytes += [UInt8(truncatingIfNeeded: code), UInt8(code >> 8), then, otherwise]
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

extension SeccompRules.Action {
    /// The kernel's `SECCOMP_RET_*`.
    var value: UInt32 {
        switch self {
        case .allow: 0x7FFF_0000
        case .fail(let errno): 0x0005_0000 | UInt32(errno)
        case .killThread: 0
        case .killProcess: 0x8000_0000
        case .trap: 0x0003_0000
        case .trace(let number): 0x7FF0_0000 | UInt32(number)
        case .log: 0x7FFC_0000
        }
    }
}
