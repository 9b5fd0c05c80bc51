import Diagnostics
import Linux

/// Numbers as people read them.
enum HumanText {
    /// `1.2MB`: powers of 1000, as sizes on disk are given.
    static func size(_ bytes: Int64) -> String {
        scaled(Double(bytes), step: 1000, units: ["B", "kB", "MB", "GB", "TB", "PB"])
    }

    /// `12.53MiB`: powers of 1024, as memory is given; four digits count.
    static func memory(_ bytes: Int64) -> String {
        scaled(Double(bytes), step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], digits: 4)
    }

    /// `3.4s`, `2m 5s`, `1h 2m`.
    static func elapsed(nanoseconds: Int64) -> String {
        let seconds = Double(nanoseconds) / 1e9
        if seconds < 60 { return "\(fixed(seconds, 1))s" }
        let whole = Int(seconds)
        if whole < 3600 { return "\(whole / 60)m \(whole % 60)s" }
        return "\(whole / 3600)h \(whole % 3600 / 60)m"
    }

    /// `2 hours`, `About a minute`, in the words that scripts reading `docker ps` know.
    static func age(seconds: Int64) -> String {
        switch seconds {
        case ..<1: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case ..<120: return "About a minute"
        case ..<3600: return "\(seconds / 60) minutes"
        case ..<7200: return "About an hour"
        case ..<172_800: return "\(seconds / 3600) hours"
        case ..<1_209_600: return "\(seconds / 86_400) days"
        case ..<5_184_000: return "\(seconds / 604_800) weeks"
        case ..<63_072_000: return "\(seconds / 2_592_000) months"
        default: return "\(seconds / 31_536_000) years"
        }
    }

    /// `2026-01-02 03:04:05 UTC`.
    static func moment(nanoseconds: Int64) -> String {
        let text = Timestamp(nanosecondsSinceEpoch: nanoseconds).rfc3339
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
    }

    /// `2026-01-02 03:04:05 +0000 UTC`, as Go prints a time.
    static func goTime(seconds: Int64) -> String {
        let text = Timestamp(seconds: seconds).rfc3339Seconds
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) +0000 UTC"
    }

    /// At most `columns` of a text, the last one `…` where something is left out.
    static func ellipsis(_ text: String, _ columns: Int) -> String {
        guard TerminalText.columns(text) > columns else { return text }
        return TerminalText.prefix(text, columns: columns - 1) + "…"
    }

    /// `number` with exactly `digits` digits after the point.
    static func fixed(_ number: Double, _ digits: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((abs(number) * Double(scale)).rounded())
        let sign = number < 0 && scaled != 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(sign)\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func scaled(_ value: Double, step: Double, units: [String], digits: Int = 3) -> String {
        var value = value
        var index = 0
        while value >= step, index < units.count - 1 {
            value /= step
            index += 1
        }
        if index == 0 { return "\(Int64(value))\(units[0])" }
        let whole = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4
        var text = fixed(value, max(0, digits - whole))
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text + units[index]
    }
}
