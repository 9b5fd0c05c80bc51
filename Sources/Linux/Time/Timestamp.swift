import CLinux
import Glibc

/// A moment in UTC, to the nanosecond.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Whole seconds since 1970-01-01T00:00:00Z; negative before.
    package var seconds: Int64
    /// 0 to 999,999,999.
    package var nanoseconds: Int32

    /// A moment from its parts.
    ///
    /// Nanoseconds outside a second are carried over.
    package init(seconds: Int64, nanoseconds: Int32 = 0) {
        var carry = Int64(nanoseconds / 1_000_000_000)
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            carry -= 1
        }
        self.seconds = seconds &+ carry
        self.nanoseconds = rest
    }

    /// A moment from nanoseconds since 1970.
    package init(nanosecondsSinceEpoch value: Int64) {
        var whole = value / 1_000_000_000
        var rest = value % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            whole -= 1
        }
        seconds = whole
        nanoseconds = Int32(rest)
    }

    /// Nanoseconds since 1970; the nearest representable value beyond years 1677 and 2262.
    package var nanosecondsSinceEpoch: Int64 {
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = scaled.addingReportingOverflow(Int64(nanoseconds))
        if overflow || carried { return seconds < 0 ? .min : .max }
        return sum
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// The time from `other` to this moment.
    package func since(_ other: Timestamp) -> Duration {
        .seconds(seconds &- other.seconds) + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
    }
}

/// The kernel's clocks.
package enum Clock {
    /// The wall clock.
    package static func now() -> Timestamp {
        var value = timespec()
        clock_gettime(CLOCK_REALTIME, &value)
        return Timestamp(seconds: Int64(value.tv_sec), nanoseconds: Int32(value.tv_nsec))
    }

    /// Nanoseconds since the machine started; never set back.
    package static func monotonic() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_MONOTONIC, &value)
        return Int64(value.tv_sec) &* 1_000_000_000 &+ Int64(value.tv_nsec)
    }

    /// Blocks the calling thread; never on the cooperative pool.
    package static func block(for duration: Duration) {
        let count = max(0, duration.wholeNanoseconds)
        var rest = timespec(tv_sec: Int(count / 1_000_000_000), tv_nsec: Int(count % 1_000_000_000))
        var left = rest
        // A signal leaves what is left to sleep.
        while clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &left) == EINTR { rest = left }
    }
}

extension Duration {
    /// Whole nanoseconds, at most what 64 bits hold (292 years).
    package var wholeNanoseconds: Int64 {
        let (whole, fraction) = components
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = scaled.addingReportingOverflow(fraction / 1_000_000_000)
        if overflow || carried { return whole < 0 ? .min : .max }
        return sum
    }
}
