import CLinux
import Glibc
import Synchronization

/// A program this process started.
///
/// Ask for its status once at least, or let go of it: it is reaped either way.
package final class ChildProcess: Sendable {
    /// The process; signals go through it.
    package let handle: ProcessHandle
    private let status = Mutex<ExitStatus?>(nil)

    private init(_ handle: ProcessHandle) {
        self.handle = handle
    }

    /// Takes charge of a child that nobody else reaps.
    ///
    /// When it cannot be opened it is killed and reaped: nobody would know of it.
    static func adopt(
        _ pid: Int32, open: (Int32) throws(SystemError) -> ProcessHandle = { try .open($0) }
    ) throws(SystemError) -> ChildProcess {
        do throws(SystemError) {
            return ChildProcess(try open(pid))
        } catch {
            // Not reaped yet, so the number is still the child's.
            _ = Glibc.kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) == -1, Errno.current == .EINTR {}
            throw error
        }
    }

    deinit {
        if status.withLock({ $0 }) != nil { return }
        Self.reapLater(handle)
    }

    /// Its number.
    package var pid: Int32 { handle.pid }

    /// Waits for its end and says how it ended.
    ///
    /// Any number of tasks may ask, at any time.
    package func exitStatus() async throws -> ExitStatus {
        while true {
            if let known = try currentStatus() { return known }
            try await EventLoop.shared.readable(handle.raw)
        }
    }

    /// How it ended; nil while it runs.
    package func currentStatus() throws(SystemError) -> ExitStatus? {
        var failure: SystemError?
        let answer = status.withLock { status -> ExitStatus? in
            if status != nil { return status }
            do throws(SystemError) {
                status = try handle.reap()
            } catch {
                failure = error
            }
            return status
        }
        if let failure { throw failure }
        return answer
    }

    /// Sends a signal.
    ///
    /// A process that has ended is no error.
    package func send(_ signal: Int32) throws(SystemError) {
        do throws(SystemError) {
            try handle.send(signal)
        } catch let error where error.errno == .ESRCH {
            return
        }
    }

    /// Sends a signal to the process group it leads (`newSession` or `newProcessGroup`).
    ///
    /// A group that is gone is no error.
    package func sendToGroup(_ signal: Int32) throws(SystemError) {
        do throws(SystemError) {
            // While the leader is not reaped its number cannot be another group's.
            try Signals.kill(-pid, signal)
        } catch let error where error.errno == .ESRCH {
            return
        }
    }

    private static func reapLater(_ handle: ProcessHandle) {
        if let ended = try? handle.reap() {
            _ = ended
            return
        }
        // Until it ends, the loop holds the handle.
        EventLoop.shared.whenReadable(handle.raw) {
            if handle.isAlive { reapLater(handle) } else { _ = try? handle.reap() }
        }
    }
}
