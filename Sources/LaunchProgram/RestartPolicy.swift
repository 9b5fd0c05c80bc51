/// When the supervisor starts a container's process again after it ended.
package enum RestartPolicy: Sendable, Hashable {
    /// Never.
    case never
    /// Whatever the exit code, until it is stopped by hand.
    case always
    /// After a non-zero exit code, at most so often in a row; 0 is no maximum.
    case onFailure(maximumRetries: UInt32)
    /// As `always`; the daemon does not start it again after a manual stop.
    case unlessStopped

    /// Whether to start again after an exit that nobody asked for.
    package func restarts(exitCode: Int32, restartCount: UInt32) -> Bool {
        switch self {
        case .never: false
        case .always, .unlessStopped: true
        case .onFailure(let maximum): exitCode != 0 && (maximum == 0 || restartCount < maximum)
        }
    }

    package func encode(to writer: inout ByteWriter) {
        switch self {
        case .never: writer.put(UInt8(0))
        case .always: writer.put(UInt8(1))
        case .onFailure(let maximum):
            writer.put(UInt8(2))
            writer.put(maximum)
        case .unlessStopped: writer.put(UInt8(3))
        }
    }

    package init(from reader: inout ByteReader) throws(LaunchProgramError) {
        switch try reader.byte() {
        case 0: self = .never
        case 1: self = .always
        case 2: self = .onFailure(maximumRetries: try reader.unsigned32())
        case 3: self = .unlessStopped
        default: throw .invalidValue(offset: reader.offset - 1)
        }
    }
}

/// How long to wait before the next start: 100 ms, doubling to one minute, from the beginning after 10 s of running.
package struct RestartBackoff: Sendable, Hashable {
    private var delay: Int64 = 0

    package init() {}

    /// The wait, in milliseconds, after a run of the given length in nanoseconds.
    package mutating func next(afterRunning ran: Int64) -> Int64 {
        if delay == 0 || ran >= 10_000_000_000 {
            delay = 100
        } else {
            delay = min(delay * 2, 60_000)
        }
        return delay
    }
}
