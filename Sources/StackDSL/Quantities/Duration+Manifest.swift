extension Duration {
    /// A duration in minutes.
    public static func minutes(_ count: some BinaryInteger) -> Duration { .seconds(count) * 60 }

    /// A duration in hours.
    public static func hours(_ count: some BinaryInteger) -> Duration { .seconds(count) * 3600 }

    /// Nanoseconds; nil when they do not fit in 64 bits.
    var nanoseconds: Int64? {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return nil }
        let (sum, carry) = whole.addingReportingOverflow(components.attoseconds / 1_000_000_000)
        return carry ? nil : sum
    }

    /// Reads "500ms", "30s", "5m", "1h" or sums of them such as "1m30s".
    static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total = Duration.zero
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let seconds = ["us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600]
            guard let amount = Double(number), let factor = seconds[String(unit)], amount * factor < 1e9 else {
                return nil
            }
            total += .seconds(amount * factor)
        }
        return total
    }
}
