/// How a process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// It called `exit` with this code.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32, coreDumped: Bool)

    /// From a `waitid` answer: `CLD_EXITED` is 1, `CLD_KILLED` 2, `CLD_DUMPED` 3.
    init(code: Int32, status: Int32) {
        self = code == 1 ? .exited(status) : .signaled(status, coreDumped: code == 3)
    }

    /// The code as a shell reports it: 128 and the signal for a signal.
    package var code: Int32 {
        switch self {
        case .exited(let code): return code
        case .signaled(let signal, _): return 128 + signal
        }
    }

    /// Whether it exited with 0.
    package var isSuccess: Bool { self == .exited(0) }

    package var description: String {
        switch self {
        case .exited(let code): return "exited with \(code)"
        case .signaled(let signal, let core):
            return "killed by \(Signals.name(signal))" + (core ? " (core dumped)" : "")
        }
    }
}
