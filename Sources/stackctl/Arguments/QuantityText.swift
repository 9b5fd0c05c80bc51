/// Quantities as they are typed.
enum QuantityText {
    /// `90s`, `5m`, `24h`, `1h30m`; nil for anything else, and for more than ten thousand years.
    static func duration(_ text: String) -> Duration? {
        PointInTime.age(text).flatMap { $0 <= 315_360_000_000 ? .seconds($0) : nil }
    }

    /// `500`, `500k`, `500m`, `50g`, `2t` (powers of 1024), in bytes; nil for anything else.
    static func bytes(_ text: String) -> Int64? {
        guard let (number, unit) = split(text.lowercased()) else { return nil }
        let shift: Int64
        switch unit {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : bytes
    }

    private static func split(_ text: String) -> (Int64, Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        return (number, text[digits.endIndex...])
    }
}
