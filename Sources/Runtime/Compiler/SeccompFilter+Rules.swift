/// Filters made of rules.
extension SeccompFilter {
    /// The most instructions the kernel takes.
    private static let largest = 4096
    /// Numbers from here on are calls of the x32 interface.
    private static let firstForeignNumber: UInt32 = 0x4000_0000

    /// The filter of a profile, as BPF instructions.
    ///
    /// Calls of other architectures (32 bits, x32) do not exist, as in the standard filter.
    ///
    /// - Throws: `RuntimeError.invalid` where the rules need more instructions than the kernel takes.
    package static func custom(_ profile: SeccompRules) throws(RuntimeError) -> [UInt8] {
        var filter = FilterAssembler()
        filter.loadArchitecture()
        filter.decide(.fail(errno: 38), ifNotEqual: SystemCall.architecture)
        filter.loadNumber()
        filter.decide(.fail(errno: 38), ifGreaterThan: firstForeignNumber - 1)
        let standard = profile.standard
        for (number, rules) in grouped(profile) {
            if let first = rules.first, first.conditions.isEmpty {
                filter.decide(first.action, ifEqual: number)
                continue
            }
            let fits = filter.when(number, atMost: 255) { filter in
                for rule in rules { filter.decide(rule.action, ifAll: rule.conditions) }
                filter.decide(standard)
            }
            guard fits else { throw .invalid(field: "seccomp", reason: "too many conditions on one system call") }
        }
        filter.decide(standard)
        guard filter.bytes.count / 8 <= largest else {
            throw .invalid(field: "seccomp", reason: "the profile needs more than \(largest) instructions")
        }
        return filter.bytes
    }

    /// The rules of each call, in the order the calls were first named.
    private static func grouped(_ profile: SeccompRules) -> [(UInt32, [SeccompRules.Rule])] {
        var order: [UInt32] = []
        var rules: [UInt32: [SeccompRules.Rule]] = [:]
        for rule in profile.rules where rule.action != profile.standard {
            for number in rule.names.compactMap({ SystemCall.number(named: $0) }) {
                if rules[number] == nil { order.append(number) }
                rules[number, default: []].append(rule)
            }
        }
        // One without conditions decides for its call, wherever it stands among the others.
        return order.map { number in
            let all = rules[number] ?? []
            return (number, all.first { $0.conditions.isEmpty }.map { [$0] } ?? all)
        }
    }
}

extension FilterAssembler {
    /// Decides if every condition holds; otherwise what follows is next.
    mutating func decide(_ verdict: Verdict, ifAll conditions: [SeccompRules.Condition]) {
        var tests: [Test] = conditions.flatMap { Self.tests($0) }
        tests.append(Test(Self.answer, verdict.value))
        for (index, test) in tests.enumerated() {
            // What fails goes behind the decision.
            let failing = UInt8(clamping: tests.count - index - 1)
            emit(
                test.code, test.value, then: test.then == Test.failed ? failing : test.then,
                otherwise: test.otherwise == Test.failed ? failing : test.otherwise)
        }
    }

    /// An instruction of a condition; a jump to `failed` leaves the whole rule.
    private struct Test {
        static let failed: UInt8 = 255
        let code: UInt16
        let value: UInt32
        var then: UInt8 = 0
        var otherwise: UInt8 = 0

        init(_ code: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) {
            self.code = code
            self.value = value
            self.then = then
            self.otherwise = otherwise
        }
    }

    /// Arguments have 64 bits, and BPF words 32: the upper half decides unless it is equal.
    private static func tests(_ condition: SeccompRules.Condition) -> [Test] {
        let upper = Test(load, 20 + 8 * condition.argument)
        let lower = Test(load, 16 + 8 * condition.argument)
        let (high, low) = halves(condition.value)
        let (secondHigh, secondLow) = halves(condition.second)
        let failed = Test.failed
        switch condition.comparison {
        case .equal:
            return [
                upper, Test(jumpIfEqual, high, otherwise: failed), lower, Test(jumpIfEqual, low, otherwise: failed),
            ]
        case .notEqual:
            return [upper, Test(jumpIfEqual, high, otherwise: 2), lower, Test(jumpIfEqual, low, then: failed)]
        case .greater, .greaterOrEqual:
            let last = condition.comparison == .greater ? jumpIfGreater : jumpIfGreaterOrEqual
            return [
                upper, Test(jumpIfGreater, high, then: 3), Test(jumpIfEqual, high, otherwise: failed), lower,
                Test(last, low, otherwise: failed),
            ]
        case .less, .lessOrEqual:
            let last = condition.comparison == .less ? jumpIfGreaterOrEqual : jumpIfGreater
            return [
                upper, Test(jumpIfGreater, high, then: failed), Test(jumpIfEqual, high, otherwise: 2), lower,
                Test(last, low, then: failed),
            ]
        case .maskedEqual:
            return [
                upper, Test(and, high), Test(jumpIfEqual, secondHigh, otherwise: failed), lower, Test(and, low),
                Test(jumpIfEqual, secondLow, otherwise: failed),
            ]
        }
    }

    private static func halves(_ value: UInt64) -> (high: UInt32, low: UInt32) {
        (UInt32(truncatingIfNeeded: value >> 32), UInt32(truncatingIfNeeded: value))
    }
}
