import CLinux

/// A thread that lives as long as this object, and runs what it is given, one thing after the other.
///
/// It is in the namespaces of the thread that made it.
package final class DedicatedThread: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var isEnding = false
    }

    private let state: Condition<State>

    /// Starts the thread.
    ///
    /// - Parameter ownDescriptors: gives the thread a table of open files of its own, in which only 0, 1 and 2 are
    ///   open. What it opens has low numbers, and numbers of other threads mean nothing to it, nor its own to them.
    package init(name: String, ownDescriptors: Bool = false) throws(SystemError) {
        let state = Condition(State())
        self.state = state
        guard Thread.detach(name: name, { Self.loop(state) }) else {
            throw SystemError(call: "pthread_create", errno: .EAGAIN, subject: name)
        }
        guard ownDescriptors else { return }
        do throws(SystemError) {
            try run { () throws(SystemError) in
                // CLOSE_RANGE_UNSHARE copies no more than what stays open.
                _ = try system("close_range", name) { linux_close_range(3, UInt32.max, 2) }
            }
        } catch {
            end()
            throw error
        }
    }

    deinit { end() }

    /// Runs a body on the thread and waits for it.
    ///
    /// Blocks. The thread itself must not call it.
    package func run<Answer, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let answer = Condition<Result<Answer, Failure>?>(nil)
        submit {
            let result: Result<Answer, Failure>
            do throws(Failure) {
                result = .success(try body())
            } catch {
                result = .failure(error)
            }
            answer.withLock { $0 = result }
            answer.signal()
        }
        return try answer.take { $0 }.get()
    }

    /// Runs a body on the thread behind what was given before, without waiting.
    package func submit(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.work.append(body) }
        state.signal()
    }

    private func end() {
        state.withLock { $0.isEnding = true }
        state.signal()
    }

    private static func loop(_ state: Condition<State>) {
        while let work = state.take({ state -> (@Sendable () -> Void)?? in
            if !state.work.isEmpty { return .some(state.work.removeFirst()) }
            return state.isEnding ? .some(nil) : nil
        }) {
            work()
        }
    }
}
