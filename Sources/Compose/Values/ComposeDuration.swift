/// Durations as compose files write them: "1m30s", "1.5h", "10d".
package enum ComposeDuration {
    /// Nanoseconds of each unit, the longer names of those that begin alike first.
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1_000), ("\u{B5}s", 1_000), ("\u{3BC}s", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000), ("w", 604_800_000_000_000),
    ]

    /// The nanoseconds of a text; nil where it is no duration, or longer than 292 years.
    package static func nanoseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var sum: Int64 = 0
        while !rest.isEmpty {
            guard let part = part(&rest) else { return nil }
            let (next, isOver) = sum.addingReportingOverflow(part)
            guard !isOver else { return nil }
            sum = next
        }
        return isNegative ? -sum : sum
    }

    /// Takes a number and its unit off the front.
    private static func part(_ rest: inout Substring) -> Int64? {
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction: Substring = ""
        if rest.first == "." {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty,
            let unit = units.first(where: { rest.hasPrefix($0.name) })
        else { return nil }
        rest = rest.dropFirst(unit.name.count)
        guard let number = whole.isEmpty ? 0 : Int64(whole) else { return nil }
        let (product, isOver) = number.multipliedReportingOverflow(by: unit.nanoseconds)
        let rounded = (Double("0." + (fraction.isEmpty ? "0" : fraction)) ?? 0) * Double(unit.nanoseconds)
        let (sum, isOverToo) = product.addingReportingOverflow(Int64(rounded))
        return isOver || isOverToo ? nil : sum
    }

    private static func isDigit(_ character: Character) -> Bool { character >= "0" && character <= "9" }

    /// The text Docker prints: "1m30s", "1h0m0s", "500ms", "0s".
    package static func text(nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        switch magnitude {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return sign + decimal(magnitude, 1_000) + "\u{B5}s"
        case ..<1_000_000_000: return sign + decimal(magnitude, 1_000_000) + "ms"
        default: break
        }
        let minutes = magnitude / 60_000_000_000
        let seconds = decimal(magnitude % 60_000_000_000, 1_000_000_000) + "s"
        if minutes == 0 { return sign + seconds }
        if minutes < 60 { return "\(sign)\(minutes)m\(seconds)" }
        return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)"
    }

    private static func decimal(_ number: UInt64, _ unit: UInt64) -> String {
        let rest = number % unit
        guard rest != 0 else { return String(number / unit) }
        var digits = String(rest + unit).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return "\(number / unit).\(digits)"
    }
}
