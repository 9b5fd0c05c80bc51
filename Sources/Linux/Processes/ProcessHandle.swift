import CLinux
import Glibc

/// A process by `pidfd`: a signal sent through it cannot reach another process that got the same number.
package final class ProcessHandle: Sendable {
    /// Its number, in this process's pid namespace.
    package let pid: Int32
    private let descriptor: SharedDescriptor

    init(pid: Int32, descriptor: consuming FileDescriptor) {
        self.pid = pid
        self.descriptor = SharedDescriptor(descriptor)
    }

    /// Opens a running process.
    ///
    /// Throws `ESRCH` when there is none.
    package static func open(_ pid: Int32) throws(SystemError) -> ProcessHandle {
        let number = try system("pidfd_open", "process \(pid)") { linux_pidfd_open(pid, 0) }
        return ProcessHandle(pid: pid, descriptor: FileDescriptor(owning: number))
    }

    /// Opens a process that must have started at `startTime` (`startTime(_:)`).
    ///
    /// Throws `ESRCH` when it is another one.
    package static func open(_ pid: Int32, startedAt startTime: UInt64) throws(SystemError) -> ProcessHandle {
        let handle = try open(pid)
        // Read after the descriptor was opened: while that is open the answer is about its process, or none.
        guard try Self.startTime(pid) == startTime, handle.isAlive else {
            throw SystemError(call: "pidfd_open", errno: .ESRCH, subject: "process \(pid)")
        }
        return handle
    }

    /// The `pidfd`.
    package var raw: Int32 { descriptor.raw }

    /// Sends a signal.
    ///
    /// Throws `ESRCH` when the process is gone.
    package func send(_ signal: Int32) throws(SystemError) {
        _ = try system("pidfd_send_signal", "process \(pid)") {
            linux_pidfd_send_signal(descriptor.raw, signal)
        }
    }

    /// Duplicates one of its descriptors, with the access it was opened for and no other (pidfd_getfd(2), Linux 5.6).
    ///
    /// Throws `EBADF` where it has none of the number, `EPERM` where we may not trace it.
    package func descriptor(_ number: Int32) throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try system("pidfd_getfd", "descriptor \(number) of process \(pid)") {
                linux_pidfd_getfd(descriptor.raw, number)
            })
    }

    /// Whether it still runs; a zombie does not.
    package var isAlive: Bool {
        var record = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return poll(&record, 1, 0) == 0
    }

    /// Waits until it has ended.
    ///
    /// Any process can be waited for; only a parent can ask for the status.
    package func waitForExit() async throws {
        while isAlive { try await EventLoop.shared.readable(descriptor.raw) }
    }

    /// Reaps a child; nil while it still runs.
    ///
    /// Throws `ECHILD` when it is not ours or was reaped.
    func reap() throws(SystemError) -> ExitStatus? {
        var code: Int32 = 0
        var status: Int32 = 0
        let options = Int32(WEXITED) | Int32(WNOHANG)
        let answer = try system("waitid", "process \(pid)") {
            linux_wait_pidfd(descriptor.raw, options, &code, &status)
        }
        return answer == 0 ? nil : ExitStatus(code: code, status: status)
    }

    /// When a process started, in clock ticks since boot: with the number, an identity that is never used again.
    ///
    /// Field 22 of `/proc/PID/stat` (proc(5)). Throws `ENOENT` when there is no such process.
    package static func startTime(_ pid: Int32) throws(SystemError) -> UInt64 {
        let path = "/proc/\(pid)/stat"
        guard let value = parseStartTime(try Files.readAll(path, limit: 64 << 10)) else {
            throw SystemError(call: "read", errno: .EBADMSG, subject: path)
        }
        return value
    }

    /// The command's name is in parentheses and may hold any byte, so fields are counted after the last one.
    static func parseStartTime(_ content: [UInt8]) -> UInt64? {
        guard let end = content.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = content[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }
}
