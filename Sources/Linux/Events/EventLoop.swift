import CLinux
import Glibc
import Synchronization

/// One thread that waits on `epoll` for every descriptor and every timer of the process.
///
/// A task that waits is a continuation in a table; an event takes it out and resumes it, so each is resumed exactly
/// once: by its event, by its task's cancellation, or by `forget`. Descriptors are armed for one event at a time
/// (`EPOLLONESHOT`): an event nobody waits for any more costs one wake-up, and a wait may end early. Callers try their
/// read again.
package final class EventLoop: Sendable {
    /// The loop everything uses.
    package static let shared = EventLoop()

    /// What a descriptor is waited on for.
    enum Interest: Sendable {
        case readable, writable
    }

    /// Who is told of an event.
    enum Waiter {
        case task(CheckedContinuation<Void, any Error>)
        case handler(@Sendable () -> Void)

        func resume(_ result: Result<Void, any Error>) {
            switch self {
            case .task(let continuation): continuation.resume(with: result)
            case .handler(let body): body()
            }
        }
    }

    struct Watch {
        var readers: [UInt64: Waiter] = [:]
        var writers: [UInt64: Waiter] = [:]

        var events: UInt32 {
            (readers.isEmpty ? 0 : Poll.input) | (writers.isEmpty ? 0 : Poll.output)
        }
    }

    struct State {
        var watches: [Int32: Watch] = [:]
        var timers = TimerQueue()
        var nextID: UInt64 = 0
        /// When the kernel's timer fires next; nil when it is off.
        var armed: Int64?
    }

    let state = Mutex(State())
    let poll: Int32
    let timer: Int32

    private init() {
        poll = epoll_create1(O_CLOEXEC)
        timer = timerfd_create(CLOCK_MONOTONIC, O_CLOEXEC | O_NONBLOCK)
        var event = epoll_event(events: Poll.input, data: epoll_data_t(fd: timer))
        _ = epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event)
        Thread.detach(name: "events") { [self] in run() }
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while true {
            let count = epoll_wait(poll, &events, Int32(events.count), -1)
            if count <= 0 { continue }
            for event in events.prefix(Int(count)) {
                if event.data.fd == timer {
                    expireTimers()
                } else {
                    deliver(event.events, to: event.data.fd)
                }
            }
        }
    }

    /// Resumes those whom an event concerns.
    ///
    /// An error or a hang-up concerns both directions.
    private func deliver(_ events: UInt32, to descriptor: Int32) {
        let woken = state.withLock { state -> [Waiter] in
            guard var watch = state.watches[descriptor] else { return [] }
            var woken: [Waiter] = []
            let broken = events & (Poll.error | Poll.hangUp) != 0
            if broken || events & Poll.input != 0 {
                woken += watch.readers.values
                watch.readers.removeAll()
            }
            if broken || events & Poll.output != 0 {
                woken += watch.writers.values
                watch.writers.removeAll()
            }
            if watch.events == 0 {
                state.watches[descriptor] = nil
            } else {
                state.watches[descriptor] = watch
                // Whoever remains must be armed again; a descriptor closed meanwhile cannot be, and wakes them.
                if arm(descriptor, watch.events) != nil {
                    state.watches[descriptor] = nil
                    woken += watch.readers.values
                    woken += watch.writers.values
                }
            }
            return woken
        }
        for waiter in woken { waiter.resume(.success(())) }
    }

    /// Arms a descriptor for one event.
    ///
    /// The loop's lock is held.
    func arm(_ descriptor: Int32, _ events: UInt32) -> Errno? {
        var event = epoll_event(events: events | Poll.oneShot, data: epoll_data_t(fd: descriptor))
        if epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event) == 0 { return nil }
        var code = Errno.current
        if code == .ENOENT {
            if epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 { return nil }
            code = Errno.current
        }
        return code
    }
}

/// The bits of `epoll_event.events`.
enum Poll {
    static let input: UInt32 = 0x001
    static let output: UInt32 = 0x004
    static let error: UInt32 = 0x008
    static let hangUp: UInt32 = 0x010
    static let oneShot: UInt32 = 1 << 30
}
