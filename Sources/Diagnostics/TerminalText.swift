/// Text from outside, made fit for a terminal: what a container, a manifest or a registry wrote must not steer it.
public enum TerminalText {
    /// One line: line ends and tabs are written as escapes, other controls are replaced.
    public static func line(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n".unicodeScalars
            case "\r": result += "\\r".unicodeScalars
            case "\t": result += "\\t".unicodeScalars
            default: result.append(isControl(scalar) ? "\u{FFFD}" : scalar)
            }
        }
        return String(result)
    }

    /// Several lines: line ends and tabs stay, a line end of two characters becomes one, other controls are replaced.
    public static func lines(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) && $0 != "\n" && $0 != "\t" }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.replacing("\r\n", with: "\n").unicodeScalars {
            result.append(scalar == "\n" || scalar == "\t" || !isControl(scalar) ? scalar : "\u{FFFD}")
        }
        return String(result)
    }

    /// JSON text: what JSON allows unescaped and a terminal would act upon is written as an escape.
    ///
    /// The value stays the same.
    public static func json(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) && $0.value >= 0x7F }) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard isControl(scalar), scalar.value >= 0x7F else {
                result.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
        }
        return String(result)
    }

    /// The columns that a line takes: none for marks that join the character before, two for wide ones (UAX #11).
    public static func columns(_ text: String) -> Int {
        text.reduce(0) { $0 + columns(of: $1) }
    }

    /// The longest beginning of a line that takes at most `columns`.
    public static func prefix(_ text: String, columns: Int) -> Substring {
        var room = columns
        return text.prefix { character in
            room -= Self.columns(of: character)
            return room >= 0
        }
    }

    private static func columns(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        return isWide(scalar.value) ? 2 : 1
    }

    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case ..<0x1100: false
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// C0 and C1 controls, and the marks that turn the direction of text (UAX #9).
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
