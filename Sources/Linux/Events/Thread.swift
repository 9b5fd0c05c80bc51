import CLinux
import Glibc

/// Threads of our own, apart from Swift's cooperative pool.
///
/// They take no signals.
enum Thread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that nobody joins; returns false when the system has no room for it.
    @discardableResult
    static func detach(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = create(name: name, body) else { return false }
        pthread_detach(thread)
        return true
    }

    /// Runs a body on a thread of its own and waits for it; `EAGAIN` when there is no room for a thread.
    static func run<Answer>(
        name: String, _ body: @escaping @Sendable () throws(SystemError) -> Answer
    ) throws(SystemError) -> Answer {
        let box = Answering<Answer>()
        let thread = create(name: name) {
            do throws(SystemError) {
                box.result = .success(try body())
            } catch {
                box.result = .failure(error)
            }
        }
        guard let thread else { throw SystemError(call: "pthread_create", errno: .EAGAIN) }
        pthread_join(thread, nil)
        guard let result = box.result else { throw SystemError(call: "pthread_join", errno: .ECANCELED) }
        return try result.get()
    }

    // SAFETY: written by one thread and read by another only after pthread_join, which orders the two.
    private final class Answering<Answer>: @unchecked Sendable {  // SAFETY: see above
        var result: Result<Answer, SystemError>?
    }

    private static func create(name: String, _ body: @escaping @Sendable () -> Void) -> pthread_t? {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var every = sigset_t()
        var before = sigset_t()
        sigfillset(&every)
        // A new thread inherits the mask: it is set around the start so that no signal slips in.
        pthread_sigmask(SIG_BLOCK, &every, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                linux_set_thread_name(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        if code != 0 {
            start.release()
            return nil
        }
        return thread
    }
}
