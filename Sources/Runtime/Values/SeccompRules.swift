/// Which system calls a process may make, rule by rule.
///
/// Source: OCI runtime specification, config-linux.md, "Seccomp".
package struct SeccompRules: Sendable, Hashable {
    /// What becomes of a call.
    package enum Action: Sendable, Hashable {
        case allow
        /// It fails with this errno.
        case fail(errno: UInt16)
        case killThread
        case killProcess
        /// The thread gets SIGSYS.
        case trap
        /// A tracer is told this number.
        case trace(UInt16)
        /// It is allowed, and the kernel logs it.
        case log
    }

    /// How an argument is compared.
    package enum Comparison: String, Sendable, Hashable {
        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case equal = "SCMP_CMP_EQ"
        case greaterOrEqual = "SCMP_CMP_GE"
        case greater = "SCMP_CMP_GT"
        /// The argument's bits of `value` are those of `second`.
        case maskedEqual = "SCMP_CMP_MASKED_EQ"
    }

    /// A condition on one argument.
    package struct Condition: Sendable, Hashable {
        /// Which argument, 0 to 5.
        package var argument: UInt32
        package var comparison: Comparison
        package var value: UInt64
        package var second: UInt64

        package init(argument: UInt32, _ comparison: Comparison, value: UInt64, second: UInt64 = 0) {
            self.argument = argument
            self.comparison = comparison
            self.value = value
            self.second = second
        }
    }

    /// What becomes of some calls when all conditions hold.
    package struct Rule: Sendable, Hashable {
        /// Names; those this architecture does not have are passed over.
        package var names: [String]
        package var action: Action
        package var conditions: [Condition]

        package init(names: [String], action: Action, conditions: [Condition] = []) {
            self.names = names
            self.action = action
            self.conditions = conditions
        }
    }

    /// What becomes of calls without a rule.
    package var standard: Action
    /// The rules; the first that fits decides.
    package var rules: [Rule]

    package init(standard: Action, rules: [Rule]) {
        self.standard = standard
        self.rules = rules
    }
}
