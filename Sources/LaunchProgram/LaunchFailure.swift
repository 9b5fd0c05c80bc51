/// The operation that failed, and why.
package struct LaunchFailure: Error, Sendable, Hashable {
    /// The operation's index in the program, or one of the steps below.
    package var operation: UInt32
    /// The errno.
    package var code: Int32
    /// What exactly failed: a system call, a path component, a missing user.
    ///
    /// At most 200 bytes.
    package var detail: KernelString

    package init(operation: UInt32, code: Int32, detail: KernelString = "") {
        self.operation = operation
        self.code = code
        self.detail = detail
    }

    /// Not an operation of the program: making the process (clone3, pipes, joining namespaces).
    package static let processStep: UInt32 = 0xFFFF_FFF0
    /// Not an operation of the program: the process was ended from outside before the user's program began.
    package static let interruptedStep: UInt32 = 0xFFFF_FFF3
    /// Not an operation of the program: reading the plan.
    package static let planStep: UInt32 = 0xFFFF_FFF1
    /// Not an operation of the program: the supervisor's own files (log, status, control socket).
    package static let filesStep: UInt32 = 0xFFFF_FFF2

    package func hash(into hasher: inout Hasher) {
        hasher.combine(operation)
        hasher.combine(code)
        hasher.combine(detail)
    }
}
