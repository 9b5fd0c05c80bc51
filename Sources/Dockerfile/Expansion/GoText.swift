/// Texts in the forms Go prints them in, which histories and messages of BuildKit have.
enum GoText {
    /// `%q`: in double quotes, with Go's escapes.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0B}": result += "\\v"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    result += "\\x" + hexadecimal(scalar.value, 2)
                } else if isPrinted(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    result +=
                        scalar.value < 0x10000
                        ? "\\u" + hexadecimal(scalar.value, 4) : "\\U" + hexadecimal(scalar.value, 8)
                }
            }
        }
        return result + "\""
    }

    /// `%q` of a list: `["a" "b"]`.
    static func quoted(_ texts: [String]) -> String { "[" + texts.map { quoted($0) }.joined(separator: " ") + "]" }

    /// `%v` of a list: `[a b]`.
    static func list(_ texts: [String]) -> String { "[" + texts.joined(separator: " ") + "]" }

    private static func isPrinted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func hexadecimal(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Times as Go writes and reads them: `1h30m`, `500ms`.
enum GoDuration {
    /// Nanoseconds; nil where it is no duration.
    ///
    /// Source: Go, `time.ParseDuration`.
    static func parse(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        if rest.elementsEqual([UInt8(ascii: "0")]) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total: Double = 0
        while !rest.isEmpty {
            let number = rest.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            guard number.contains(where: { $0 != UInt8(ascii: ".") }),
                let amount = Double(padded(String(decoding: number, as: UTF8.self)))
            else { return nil }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
            guard let scale = units[String(decoding: unit, as: UTF8.self)] else { return nil }
            rest = rest[unit.endIndex...]
            total += amount * scale
        }
        guard total < 9.2e18 else { return nil }
        let value = Int64(total.rounded())
        return isNegative ? -value : value
    }

    private static func padded(_ number: String) -> String {
        (number.hasPrefix(".") ? "0" : "") + number + (number.hasSuffix(".") ? "0" : "")
    }

    private static let units: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]

    /// The text of so many nanoseconds.
    ///
    /// Source: Go, `Duration.String`.
    static func text(_ nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let amount = nanoseconds.magnitude
        if amount < 1_000 { return sign + "\(amount)ns" }
        if amount < 1_000_000 { return sign + decimal(amount, 1_000) + "µs" }
        if amount < 1_000_000_000 { return sign + decimal(amount, 1_000_000) + "ms" }
        let minute: UInt64 = 60_000_000_000
        let seconds = decimal(amount % minute, 1_000_000_000) + "s"
        let minutes = amount / minute
        if minutes == 0 { return sign + seconds }
        let hours = minutes / 60
        return sign + (hours > 0 ? "\(hours)h" : "") + "\(minutes % 60)m" + seconds
    }

    private static func decimal(_ amount: UInt64, _ unit: UInt64) -> String {
        var fraction = String(amount % unit + unit).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(amount / unit)" + (fraction.isEmpty ? "" : "." + fraction)
    }
}
