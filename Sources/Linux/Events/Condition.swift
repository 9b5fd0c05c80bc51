import CLinux
import Glibc

/// A value behind a lock, with waiting for its change.
// SAFETY: the value is reached only under the mutex, and the pointers never change after init.
final class Condition<Value>: @unchecked Sendable {  // SAFETY: see above
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // On the heap, and lent anew after each wait: no access may span a wait, in which others change the value.
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    init(_ initial: Value) {
        value.initialize(to: initial)
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        value.deinitialize(count: 1)
        value.deallocate()
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Answer>(_ body: (inout Value) -> Answer) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value.pointee)
    }

    func signal() {
        pthread_cond_signal(condition)
    }

    /// Waits until `body` has an answer, however long that takes.
    func take<Answer>(_ body: (inout Value) -> Answer?) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let answer = body(&value.pointee) { return answer }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// Waits until `body` has an answer; nil when the deadline came first.
    ///
    /// `waiting` is told +1 and -1 around each wait, `gaveUp` of the deadline, all under the lock.
    func take<Answer>(
        untilMonotonic deadline: Int64, _ body: (inout Value) -> Answer?, waiting: (inout Value, Int) -> Void,
        gaveUp: (inout Value) -> Void
    ) -> Answer? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var moment = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        while true {
            if let answer = body(&value.pointee) { return answer }
            waiting(&value.pointee, 1)
            let code = pthread_cond_timedwait(condition, mutex, &moment)
            waiting(&value.pointee, -1)
            if code == 0 { continue }
            if let answer = body(&value.pointee) { return answer }
            gaveUp(&value.pointee)
            return nil
        }
    }
}
