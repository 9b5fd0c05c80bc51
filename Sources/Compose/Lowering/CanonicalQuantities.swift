/// Durations as compose files write them.
enum CanonicalDuration {
    /// Nanoseconds of a text such as `1m30s`; nil where it is none.
    static func nanoseconds(_ text: String) -> Int64? {
        let units: [String: Double] = [
            "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3_600e9, "d": 86_400e9, "w": 604_800e9,
        ]
        if text == "0" { return 0 }
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix { !$0.isNumber && $0 != "." }
            guard let number = Double(digits), let factor = units[String(unit)] else { return nil }
            total += number * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return text.isEmpty ? nil : Int64(exactly: total.rounded())
    }
}

/// Sizes as compose files write them.
enum CanonicalSize {
    /// Bytes of a text such as `64m`; nil where it is none.
    static func bytes(_ text: String) -> Int64? {
        if let number = Int64(text) { return number }
        let units: [String: Double] = [
            "b": 1, "k": 1_024, "kb": 1_024, "m": 1_048_576, "mb": 1_048_576, "g": 1_073_741_824, "gb": 1_073_741_824,
        ]
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let number = Double(digits), let factor = units[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        return Int64(exactly: (number * factor).rounded())
    }
}
