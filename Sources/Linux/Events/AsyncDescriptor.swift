import CLinux
import Glibc
import Synchronization

/// A descriptor whose reads and writes suspend the task instead of blocking a thread: pipes, ptys, sockets.
///
/// One task may read while another writes. `close` may come at any moment, from any task: it wakes those who wait, and
/// the number is freed when the last call under way is over, so it can never be another file's.
package final class AsyncDescriptor: Sendable {
    private struct State {
        var closing = false
        var users = 0
    }

    let loop = EventLoop.shared
    private let number: Int32
    private let state = Mutex(State())

    /// Takes ownership and makes the descriptor non-blocking.
    package init(_ descriptor: consuming FileDescriptor) throws(SystemError) {
        try descriptor.setNonBlocking(true)
        number = descriptor.release()
    }

    /// Takes ownership of a descriptor that does not block already.
    init(nonBlocking descriptor: consuming FileDescriptor) {
        number = descriptor.release()
    }

    deinit {
        // Nobody can be inside a call: each holds a reference.
        if !state.withLock({ $0.closing }) {
            loop.forget(number)
            _ = Glibc.close(number)
        }
    }

    /// Whether `close` was called.
    package var isClosed: Bool { state.withLock { $0.closing } }

    /// Closes; those who wait get `EBADF`.
    ///
    /// A second call does nothing.
    package func close() {
        let (first, idle) = state.withLock { state in
            let first = !state.closing
            state.closing = true
            return (first, state.users == 0)
        }
        guard first else { return }
        loop.forget(number)
        if idle { _ = Glibc.close(number) }
    }

    /// Runs a call that may answer `EAGAIN`, until it has something else to say.
    func perform<Answer: SignedInteger & Sendable>(
        _ call: StaticString, _ interest: EventLoop.Interest, _ body: (Int32) -> Answer
    ) async throws -> Answer {
        try begin(call)
        defer { end() }
        while true {
            let answer = body(number)
            if answer != -1 { return answer }
            let code = Errno.current
            switch code {
            case .EINTR: continue
            case .EAGAIN: try await loop.wait(number, interest, unless: { [self] in isClosed })
            default: throw SystemError(call: call.description, errno: code, subject: "fd \(number)")
            }
        }
    }

    /// Waits for a direction.
    ///
    /// May return early.
    func wait(_ interest: EventLoop.Interest) async throws {
        try begin("epoll_wait")
        defer { end() }
        try await loop.wait(number, interest, unless: { [self] in isClosed })
    }

    /// Runs a body that uses the number, which stays valid meanwhile.
    package func withRaw<Answer>(_ body: (Int32) throws(SystemError) -> Answer) throws(SystemError) -> Answer {
        try begin("fd")
        defer { end() }
        return try body(number)
    }

    /// Reads what there is, at most `count` bytes; waits when there is nothing.
    ///
    /// Empty is the end.
    ///
    /// A pty whose other side is closed answers `EIO`, which is its end and read as such.
    package func read(upTo count: Int = 64 << 10) async throws -> [UInt8] {
        // No buffer is held while it waits: thousands of connections do.
        while true {
            if let bytes = try readAvailable(upTo: count) { return bytes }
            try await wait(.readable)
        }
    }

    /// Reads what there is, at most `count` bytes, without waiting; `nil` when there is nothing.
    ///
    /// Empty is the end, as with `read`.
    package func readAvailable(upTo count: Int = 64 << 10) throws(SystemError) -> [UInt8]? {
        try begin("read")
        defer { end() }
        do throws(SystemError) {
            return try Transfer.collect("read", upTo: max(1, count)) { Glibc.read(number, $0, $1) }
        } catch {
            switch error.errno {
            case .EAGAIN: return nil
            case .EIO: return []
            default: throw SystemError(call: "read", errno: error.errno, subject: "fd \(number)")
            }
        }
    }

    /// Writes every byte.
    package func writeAll(_ bytes: [UInt8]) async throws {
        var done = 0
        while done < bytes.count {
            let offset = done
            done += try await perform("write", .writable) { number in
                bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: offset), $0.count - offset) }
            }
        }
    }

    private func begin(_ call: StaticString) throws(SystemError) {
        let open = state.withLock { state in
            if state.closing { return false }
            state.users += 1
            return true
        }
        if !open { throw SystemError(call: call.description, errno: .EBADF, subject: "closed descriptor") }
    }

    private func end() {
        let last = state.withLock { state in
            state.users -= 1
            return state.closing && state.users == 0
        }
        if last { _ = Glibc.close(number) }
    }
}
