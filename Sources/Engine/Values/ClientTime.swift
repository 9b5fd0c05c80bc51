import Linux

/// Times as clients write them.
package enum ClientTime {
    /// Seconds since 1970, with a fraction, or RFC 3339.
    package static func read(_ text: String) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let seconds = Int64(parts.first ?? "") else { return nil }
        guard parts.count == 2 else { return Timestamp(seconds: seconds) }
        let digits = parts[1].prefix(9)
        guard let fraction = Int32(digits.isEmpty ? "0" : digits), fraction >= 0 else { return nil }
        var nanoseconds = fraction
        for _ in digits.count..<9 { nanoseconds = nanoseconds &* 10 }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// The same, or an age as Go writes durations: `90s`, `1h30m`, `0.5h`.
    package static func read(_ text: String, before now: Timestamp) -> Timestamp? {
        if let time = read(text) { return time }
        if let time = Timestamp(abbreviated: text) { return time }
        guard let age = age(text) else { return nil }
        return Timestamp(nanosecondsSinceEpoch: now.nanosecondsSinceEpoch - age)
    }

    /// Nanoseconds; at most a thousand years.
    private static func age(_ text: String) -> Int64? {
        let units: [Substring: Double] = ["ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9]
        var rest = text[...]
        var sum = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let factor = units[unit] else { return nil }
            sum += number * factor
        }
        return sum < 3.2e19 ? Int64(exactly: min(sum, 9e18).rounded()) : nil
    }
}
