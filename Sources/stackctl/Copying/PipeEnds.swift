import Linux
import Synchronization

/// A pipe between a task that waits and a thread that blocks.
struct PipeEnds {
    /// The end of the task.
    let waiting: AsyncDescriptor
    /// The end of the thread.
    let blocking: BlockingEnd

    /// A pipe that the thread reads from.
    static func readByThread() throws(SystemError) -> PipeEnds {
        let ends = try Pipe().separate()
        return PipeEnds(
            waiting: try AsyncDescriptor(try ends.writing.duplicate()),
            blocking: BlockingEnd(try ends.reading.duplicate().shared()))
    }

    /// A pipe that the thread writes to.
    static func writtenByThread() throws(SystemError) -> PipeEnds {
        let ends = try Pipe().separate()
        return PipeEnds(
            waiting: try AsyncDescriptor(try ends.reading.duplicate()),
            blocking: BlockingEnd(try ends.writing.duplicate().shared()))
    }
}

/// An end of a pipe that a thread takes, so that it is closed when the thread is done with it, whoever waits for that.
final class BlockingEnd: Sendable {
    private let held: Mutex<SharedDescriptor?>

    init(_ descriptor: SharedDescriptor) { held = Mutex(descriptor) }

    /// The descriptor, once.
    func take() throws(SystemError) -> SharedDescriptor {
        let descriptor = held.withLock { held in
            defer { held = nil }
            return held
        }
        guard let descriptor else { throw SystemError(call: "read", errno: .EBADF) }
        return descriptor
    }
}

/// Counts bytes, on whichever thread.
final class ByteCounter: Sendable {
    private let value = Mutex<UInt64>(0)

    var total: UInt64 { value.withLock { $0 } }

    func add(_ count: Int) { value.withLock { $0 += UInt64(count) } }
}
