import CLinux
import Glibc
import Synchronization

extension EventLoop {
    /// Waits until a descriptor can be read, has ended or has failed.
    ///
    /// May return early: try the read, and wait again on `EAGAIN`. A regular file is always ready.
    /// Throws `CancellationError`, or `SystemError` (`EBADF`) when the descriptor is closed or forgotten.
    package func readable(_ descriptor: Int32) async throws {
        try await wait(descriptor, .readable, unless: { false })
    }

    /// Waits until a descriptor can be written or has failed; otherwise as `readable`.
    package func writable(_ descriptor: Int32) async throws {
        try await wait(descriptor, .writable, unless: { false })
    }

    /// Wakes everyone who waits on a descriptor, with `EBADF`, and stops watching it.
    ///
    /// Call it before closing.
    package func forget(_ descriptor: Int32) {
        let woken = state.withLock { state -> [Waiter] in
            var event = epoll_event()
            _ = epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event)
            guard let watch = state.watches.removeValue(forKey: descriptor) else { return [] }
            return Array(watch.readers.values) + Array(watch.writers.values)
        }
        let error = SystemError(call: "epoll_wait", errno: .EBADF, subject: "fd \(descriptor)")
        for waiter in woken { waiter.resume(.failure(error)) }
    }

    /// Waits for a direction.
    ///
    /// `closed` is asked under the loop's lock: a close that sets it before it calls `forget` cannot be missed.
    func wait(_ descriptor: Int32, _ interest: Interest, unless closed: @Sendable () -> Bool) async throws {
        let id = newID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome = register(.task(continuation), id, descriptor, interest, closed)
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            cancel(id, descriptor, interest)
        }
    }

    /// Calls a body once when a descriptor can be read, on the loop's thread: it must be short.
    func whenReadable(_ descriptor: Int32, _ body: @escaping @Sendable () -> Void) {
        if register(.handler(body), newID(), descriptor, .readable, { false }) != nil { body() }
    }

    private func newID() -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    /// Enters a waiter in the table; returns what to answer it at once instead, if anything.
    private func register(
        _ waiter: Waiter, _ id: UInt64, _ descriptor: Int32, _ interest: Interest, _ closed: () -> Bool
    ) -> Result<Void, any Error>? {
        state.withLock { state -> Result<Void, any Error>? in
            if closed() {
                return .failure(SystemError(call: "epoll_ctl", errno: .EBADF, subject: "fd \(descriptor)"))
            }
            // The cancellation handler cannot find a waiter that is not in the table yet; the task says it instead.
            if case .task = waiter, Task.isCancelled { return .failure(CancellationError()) }
            var watch = state.watches[descriptor] ?? Watch()
            if interest == .readable { watch.readers[id] = waiter } else { watch.writers[id] = waiter }
            if let code = arm(descriptor, watch.events) {
                // EPERM: a regular file or a directory, which epoll does not watch since it never waits.
                if code == .EPERM { return .success(()) }
                return .failure(SystemError(call: "epoll_ctl", errno: code, subject: "fd \(descriptor)"))
            }
            state.watches[descriptor] = watch
            return nil
        }
    }

    private func cancel(_ id: UInt64, _ descriptor: Int32, _ interest: Interest) {
        let waiter = state.withLock { state -> Waiter? in
            guard var watch = state.watches[descriptor] else { return nil }
            let waiter =
                interest == .readable ? watch.readers.removeValue(forKey: id) : watch.writers.removeValue(forKey: id)
            state.watches[descriptor] = watch.events == 0 ? nil : watch
            return waiter
        }
        waiter?.resume(.failure(CancellationError()))
    }
}
