/// A date and time of day in the proleptic Gregorian calendar, UTC.
package struct CalendarTime: Sendable, Hashable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    /// 0 is Sunday.
    package var weekday: Int

    /// The calendar time of a count of seconds since 1970.
    ///
    /// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    package init(secondsSinceEpoch value: Int64) {
        var days = value / 86_400
        var rest = value % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        hour = Int(rest / 3_600)
        minute = Int(rest / 60 % 60)
        second = Int(rest % 60)
        weekday = Int(((days % 7) + 11) % 7)
    }

    /// Days from 1970-01-01 to a date.
    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shiftedYear = Int64(year) - (month <= 2 ? 1 : 0)
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String { rfc3339 }

    /// `2026-01-02T03:04:05.123456789Z`: always nine digits, so that texts sort as the moments do.
    package var rfc3339: String {
        let date = CalendarTime(secondsSinceEpoch: seconds)
        let fraction = Self.padded(Int(nanoseconds), 9)
        return "\(Self.date(date))T\(Self.time(date)).\(fraction)Z"
    }

    /// `2026-01-02T03:04:05Z`.
    package var rfc3339Seconds: String {
        let date = CalendarTime(secondsSinceEpoch: seconds)
        return "\(Self.date(date))T\(Self.time(date))Z"
    }

    /// The form of HTTP's `Date` header, RFC 9110: `Fri, 02 Jan 2026 03:04:05 GMT`.
    package var httpDate: String {
        let date = CalendarTime(secondsSinceEpoch: seconds)
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = "\(weekdays[date.weekday]), \(Self.padded(date.day, 2)) \(months[date.month - 1])"
        return "\(day) \(Self.padded(date.year, 4)) \(Self.time(date)) GMT"
    }

    private static func date(_ date: CalendarTime) -> String {
        "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    private static func time(_ date: CalendarTime) -> String {
        "\(padded(date.hour, 2)):\(padded(date.minute, 2)):\(padded(date.second, 2))"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp {
    /// Reads RFC 3339 text; a fraction may have any number of digits, of which nine count.
    ///
    /// Nil when it is not a date.
    package init?(rfc3339 text: String) {
        var scanner = TimestampScanner(bytes: Array(text.utf8))
        guard let year = scanner.number(digits: 4), scanner.skip("-"),
            let month = scanner.number(digits: 2), scanner.skip("-"),
            let day = scanner.number(digits: 2), scanner.skip("Tt "),
            let hour = scanner.number(digits: 2), scanner.skip(":"),
            let minute = scanner.number(digits: 2), scanner.skip(":"),
            let second = scanner.number(digits: 2)
        else { return nil }
        guard (1...12).contains(month), (1...Self.daysIn(month, of: year)).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        guard let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        let clock = Int64(hour * 3_600 + minute * 60 + second)
        let days = CalendarTime.days(year: year, month: month, day: day)
        self.init(seconds: days * 86_400 + clock - Int64(offset), nanoseconds: fraction)
    }

    /// Reads RFC 3339, also what leaves its end out: a day, a minute or a second, in UTC.
    package init?(abbreviated text: String) {
        for rest in ["", "Z", ":00Z", "T00:00:00Z"] {
            guard let time = Timestamp(rfc3339: text + rest) else { continue }
            self = time
            return
        }
        return nil
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }
}

/// Reads a date's text from the left.
private struct TimestampScanner {
    var bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func number(digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + digits] {
            guard byte >= 48, byte <= 57 else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        position += digits
        return value
    }

    mutating func skip(_ any: StaticString) -> Bool {
        guard position < bytes.count else { return false }
        let byte = bytes[position]
        let matches = any.withUTF8Buffer { $0.contains(byte) }
        if matches { position += 1 }
        return matches
    }

    /// The nanoseconds after an optional point; nil when a point has no digits.
    mutating func fraction() -> Int32? {
        guard skip(".,") else { return 0 }
        var value: Int32 = 0
        var digits = 0
        while let digit = number(digits: 1) {
            if digits < 9 { value = value * 10 + Int32(digit) }
            digits += 1
        }
        if digits == 0 { return nil }
        for _ in digits..<max(digits, 9) { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int? {
        if skip("Zz") { return 0 }
        let negative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        guard skip("+-"), let hours = number(digits: 2), skip(":"), let minutes = number(digits: 2), hours < 24,
            minutes < 60
        else { return nil }
        return (negative ? -1 : 1) * (hours * 3_600 + minutes * 60)
    }
}
