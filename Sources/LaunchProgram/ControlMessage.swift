/// What a client asks of a supervisor: one line each on the control socket.
///
/// Each gets one answer with the same number: done, or refused with an errno. Between answers come status lines, the first
/// of them at once after connecting.
package enum ControlMessage: Sendable, Hashable {
    /// Send the process a signal.
    case kill(signal: Int32)
    /// End the process for good: the signal (0: the configured one), then SIGKILL after the timeout in milliseconds
    /// (-1: the configured one).
    case stop(signal: Int32, timeout: Int64)
    /// End the process as `stop` does, and start it again.
    case restart(signal: Int32, timeout: Int64)
    /// Change the restart policy.
    case setRestartPolicy(RestartPolicy)
    /// Hand over the write end of stdin, or the terminal: the answer carries a descriptor.
    case openInput
    /// Hand over the first process's pidfd: the answer carries a descriptor.
    case openProcess
    /// Close stdin: the process reads its end once every writer is gone.
    case closeInput
    /// Change the terminal's size.
    case resize(rows: UInt32, columns: UInt32)

    /// The longest line either side sends, its end included.
    package static let maximumLength = 1024

    /// The line, with its end.
    ///
    /// The answer repeats the number.
    package func encoded(number: Int64 = 0) -> [UInt8] {
        var line = StatusLineWriter()
        line.put("id", number)
        switch self {
        case .kill(let signal):
            line.put("kill", Int64(signal))
        case .stop(let signal, let timeout):
            line.put("stop", Int64(signal))
            line.put("timeout", timeout)
        case .restart(let signal, let timeout):
            line.put("restart", Int64(signal))
            line.put("timeout", timeout)
        case .setRestartPolicy(.never): line.put("policy", 0)
        case .setRestartPolicy(.always): line.put("policy", 1)
        case .setRestartPolicy(.onFailure(let maximum)):
            line.put("policy", 2)
            line.put("maximum", Int64(maximum))
        case .setRestartPolicy(.unlessStopped): line.put("policy", 3)
        case .openInput: line.put("input", 1)
        case .openProcess: line.put("handle", 1)
        case .closeInput: line.put("input", 0)
        case .resize(let rows, let columns):
            line.put("rows", Int64(rows))
            line.put("columns", Int64(columns))
        }
        return line.bytes + [0x0A]
    }

    /// The number of the message in a line; 0 without one.
    package static func number(in line: [UInt8]) -> Int64 { StatusLineReader(line).number("id") ?? 0 }

    /// Reads a line without its end; nil when it is no message.
    package init?(decoding line: [UInt8]) {
        let words = StatusLineReader(line)
        if let signal = words.number("kill") {
            guard let signal = Self.signal(signal) else { return nil }
            self = .kill(signal: signal)
        } else if let signal = words.number("stop") {
            guard let signal = Self.signal(signal) else { return nil }
            self = .stop(signal: signal, timeout: words.number("timeout") ?? -1)
        } else if let signal = words.number("restart") {
            guard let signal = Self.signal(signal) else { return nil }
            self = .restart(signal: signal, timeout: words.number("timeout") ?? -1)
        } else if let policy = words.number("policy") {
            switch policy {
            case 0: self = .setRestartPolicy(.never)
            case 1: self = .setRestartPolicy(.always)
            case 2:
                let maximum = UInt32(clamping: words.number("maximum") ?? 0)
                self = .setRestartPolicy(.onFailure(maximumRetries: maximum))
            case 3: self = .setRestartPolicy(.unlessStopped)
            default: return nil
            }
        } else if let input = words.number("input") {
            self = input == 0 ? .closeInput : .openInput
        } else if words.number("handle") != nil {
            self = .openProcess
        } else if let rows = words.number("rows"), let columns = words.number("columns") {
            self = .resize(rows: UInt32(clamping: rows), columns: UInt32(clamping: columns))
        } else {
            return nil
        }
    }

    private static func signal(_ value: Int64) -> Int32? {
        value >= 0 && value <= 64 ? Int32(value) : nil
    }
}

/// What a supervisor, or the parent of an executed process, says.
package enum SupervisorMessage: Sendable, Hashable {
    /// The answer to a message, by its number.
    ///
    /// A descriptor may come with it.
    case done(number: Int64, carriesDescriptor: Bool)
    /// The answer to a message that could not be done: an errno.
    case refused(number: Int64, Int32)
    /// A change of status.
    case status(SupervisorStatus)
    /// The executed process runs; its id on the host.
    ///
    /// With a terminal, the message carries its descriptor.
    case started(pid: Int32)
    /// The executed process ended: its exit code, the signal (0: none), whether its time was over, and its peak resident
    /// memory in bytes.
    case ended(exitCode: Int32, signal: Int32, timedOut: Bool, peakMemory: Int64)
    /// The process could not be executed.
    case failed(LaunchFailure)

    /// The line, with its end.
    package func encoded() -> [UInt8] {
        var line = StatusLineWriter()
        switch self {
        case .done(let number, let carriesDescriptor):
            line.put("ok", number)
            line.put("descriptor", carriesDescriptor ? 1 : 0)
        case .refused(let number, let code):
            line.put("refused", number)
            line.put("errno", Int64(code))
        case .status(let status): return status.encoded() + [0x0A]
        case .started(let pid): line.put("process", Int64(pid))
        case .ended(let exitCode, let signal, let timedOut, let peakMemory):
            line.put("ended", Int64(exitCode))
            line.put("signal", Int64(signal))
            line.put("timeout", timedOut ? 1 : 0)
            line.put("peak", peakMemory)
        case .failed(let failure):
            line.put("failed", Int64(failure.operation))
            line.put("errno", Int64(failure.code))
            line.put("detail", failure.detail)
        }
        return line.bytes + [0x0A]
    }

    /// Reads a line without its end; nil when it is no message.
    package init?(decoding line: [UInt8]) {
        let words = StatusLineReader(line)
        if words.string("state") != nil {
            guard let status = SupervisorStatus(decoding: line) else { return nil }
            self = .status(status)
        } else if let number = words.number("ok") {
            self = .done(number: number, carriesDescriptor: words.number("descriptor") == 1)
        } else if let number = words.number("refused") {
            self = .refused(number: number, Int32(truncatingIfNeeded: words.number("errno") ?? 0))
        } else if let pid = words.number("process") {
            self = .started(pid: Int32(truncatingIfNeeded: pid))
        } else if let code = words.number("ended") {
            self = .ended(
                exitCode: Int32(truncatingIfNeeded: code),
                signal: Int32(truncatingIfNeeded: words.number("signal") ?? 0),
                timedOut: words.number("timeout") == 1, peakMemory: words.number("peak") ?? 0)
        } else if let operation = words.number("failed") {
            self = .failed(
                LaunchFailure(
                    operation: UInt32(truncatingIfNeeded: operation),
                    code: Int32(truncatingIfNeeded: words.number("errno") ?? 0),
                    detail: words.string("detail") ?? ""))
        } else {
            return nil
        }
    }
}
