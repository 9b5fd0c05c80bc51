/// What the process answers to its caller.
struct ExitCode: Sendable, Equatable {
    /// The code, 0 to 255.
    let code: Int32

    /// Done.
    static let success = ExitCode(code: 0)
    /// Failed, and the reason was said.
    static let failure = ExitCode(code: 1)
    /// There are changes (`plan --detailed-exitcode`) or there is drift.
    static let changes = ExitCode(code: 2)
    /// The reader of standard output is gone, as a shell reports SIGPIPE.
    static let brokenPipe = ExitCode(code: 141)
    /// Ended by an interrupt from the keyboard.
    static let interrupted = ExitCode(code: 130)
}
