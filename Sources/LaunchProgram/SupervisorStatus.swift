/// Where a container's process is in its life.
package enum SupervisorState: UInt8, Sendable, Hashable {
    /// The supervisor is there, the process not yet.
    case created
    /// The user's process runs.
    case running
    /// It ended and will be started again.
    case restarting
    /// It ended for good.
    case exited
    /// It could not be started, and will not be tried again.
    case failed
}

/// What is known about a container's process.
///
/// Written to the status file at each change, and sent to every client.
package struct SupervisorStatus: Sendable, Hashable {
    /// Where the process is in its life.
    package var state: SupervisorState
    /// The host's id of the container's first process; 0 when there is none.
    package var pid: Int32
    /// The host's id of the supervisor.
    package var supervisorPID: Int32
    /// When the process was started last, in nanoseconds since 1970; 0: never.
    package var startedAt: Int64
    /// When it ended last, in nanoseconds since 1970; 0: never.
    package var finishedAt: Int64
    /// Its exit code, 128 + n for signal n.
    package var exitCode: Int32
    /// The signal that ended it; 0: none.
    package var signal: Int32
    /// Whether the kernel's out-of-memory killer hit the container during the last run.
    package var oomKilled: Bool
    /// How often the supervisor started it again.
    package var restartCount: UInt32
    /// Whether it was asked to stop by hand.
    package var stopRequested: Bool
    /// Why the last start failed.
    package var failure: LaunchFailure?

    package init(state: SupervisorState = .created, supervisorPID: Int32 = 0) {
        self.state = state
        self.supervisorPID = supervisorPID
        pid = 0
        startedAt = 0
        finishedAt = 0
        exitCode = 0
        signal = 0
        oomKilled = false
        restartCount = 0
        stopRequested = false
        failure = nil
    }

    /// Whether nothing will change any more.
    package var isFinal: Bool { state == .exited || state == .failed }

    /// The status as one line of `key=value` words, without its end.
    package func encoded() -> [UInt8] {
        var line = StatusLineWriter()
        line.put("state", Self.name(of: state))
        line.put("pid", Int64(pid))
        line.put("supervisor", Int64(supervisorPID))
        line.put("started", startedAt)
        line.put("finished", finishedAt)
        line.put("exit", Int64(exitCode))
        line.put("signal", Int64(signal))
        line.put("oom", oomKilled ? 1 : 0)
        line.put("restarts", Int64(restartCount))
        line.put("stopped", stopRequested ? 1 : 0)
        if let failure {
            line.put("operation", Int64(failure.operation))
            line.put("errno", Int64(failure.code))
            line.put("detail", failure.detail)
        }
        return line.bytes
    }

    /// Reads the line; nil when it is not one.
    package init?(decoding line: [UInt8]) {
        let words = StatusLineReader(line)
        guard let name = words.string("state"), let state = Self.state(named: name.bytes) else { return nil }
        guard let pid = words.number("pid"), let supervisor = words.number("supervisor") else { return nil }
        self.init(state: state, supervisorPID: Int32(truncatingIfNeeded: supervisor))
        self.pid = Int32(truncatingIfNeeded: pid)
        startedAt = words.number("started") ?? 0
        finishedAt = words.number("finished") ?? 0
        exitCode = Int32(truncatingIfNeeded: words.number("exit") ?? 0)
        signal = Int32(truncatingIfNeeded: words.number("signal") ?? 0)
        oomKilled = words.number("oom") == 1
        restartCount = UInt32(truncatingIfNeeded: words.number("restarts") ?? 0)
        stopRequested = words.number("stopped") == 1
        if let operation = words.number("operation"), let code = words.number("errno") {
            failure = LaunchFailure(
                operation: UInt32(truncatingIfNeeded: operation), code: Int32(truncatingIfNeeded: code),
                detail: words.string("detail") ?? "")
        }
    }

    private static func name(of state: SupervisorState) -> KernelString {
        switch state {
        case .created: "created"
        case .running: "running"
        case .restarting: "restarting"
        case .exited: "exited"
        case .failed: "failed"
        }
    }

    private static func state(named name: [UInt8]) -> SupervisorState? {
        let states: [SupervisorState] = [.created, .running, .restarting, .exited, .failed]
        for state in states where Self.name(of: state).bytes == name { return state }
        return nil
    }

    package static func == (left: Self, right: Self) -> Bool { left.encoded() == right.encoded() }

    package func hash(into hasher: inout Hasher) {
        for byte in encoded() { hasher.combine(byte) }
    }
}
