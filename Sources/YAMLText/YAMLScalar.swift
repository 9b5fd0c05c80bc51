/// What a plain scalar is by the YAML 1.2 core schema and what of YAML 1.1 is still about, as gopkg.in/yaml.v3 has it.
///
/// `yes` and `on` are texts, `0777` and `0o777` are octal, `1_000` is a number, `22:22` and dates are texts.
public enum YAMLScalar: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string
    /// `<<`, which merges maps into the one it stands in.
    case merge

    /// What a scalar without quotes and without tag is.
    public static func resolve(_ text: String) -> YAMLScalar {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case "<<": return .merge
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        default: break
        }
        guard let first = text.utf8.first, text.utf8.count <= longestNumber else { return .string }
        switch first {
        case UInt8(ascii: "."):
            return isDecimal(text) ? double(text) : .string
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let digits = text.filter { $0 != "_" }
            if let number = integer(digits) { return number }
            return isDecimal(digits) ? double(digits) : .string
        default:
            return .string
        }
    }

    /// More letters than any number that is one has, without digits that say nothing.
    private static let longestNumber = 400

    private static func double(_ text: String) -> YAMLScalar {
        guard let number = Double(text), number.isFinite else { return .string }
        return .double(number)
    }

    private static let prefixes: [Character: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]

    /// A whole number in any base; a text where it is one that is larger than fits.
    private static func integer(_ text: String) -> YAMLScalar? {
        var digits = Substring(text)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        var radix = 10
        if digits.hasPrefix("0"), digits.utf8.count > 1 {
            radix = 8
            digits = digits.dropFirst()
            if let prefix = digits.first.flatMap({ prefixes[$0] }) {
                radix = prefix
                digits = digits.dropFirst()
            }
        }
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        if let number = Int64((isNegative ? "-" : "") + digits, radix: radix) { return .int(number) }
        return !isNegative && UInt64(digits, radix: radix) != nil ? .string : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// Whether it is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
    private static func isDecimal(_ text: String) -> Bool {
        var rest = text[...].utf8
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        func skip(_ letters: [UInt8]) -> Bool {
            guard let first = rest.first, letters.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        let signs = Array("+-".utf8)
        _ = skip(signs)
        let whole = digits()
        if skip([UInt8(ascii: ".")]) {
            guard digits() > 0 || whole > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if skip(Array("eE".utf8)) {
            _ = skip(signs)
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

extension YAMLScalar {
    /// A number as Go's strconv writes it with the fewest digits: 1000, 0.5, 1e+06, .inf as "+Inf".
    public static func text(_ number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : number < 0 ? "-Inf" : "+Inf" }
        guard number != 0 else { return number.sign == .minus ? "-0" : "0" }
        let (digits, exponent) = shortest(number.magnitude)
        let sign = number < 0 ? "-" : ""
        // Go's threshold for the fewest digits.
        return sign + (exponent < -4 || exponent >= 6 ? scientific(digits, exponent) : positional(digits, exponent))
    }

    private static func scientific(_ digits: [Character], _ exponent: Int) -> String {
        let fraction = digits.count > 1 ? "." + String(digits.dropFirst()) : ""
        let magnitude = String(exponent.magnitude)
        return String(digits.prefix(1)) + fraction + "e" + (exponent < 0 ? "-" : "+")
            + (magnitude.count < 2 ? "0" : "") + magnitude
    }

    private static func positional(_ digits: [Character], _ exponent: Int) -> String {
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + String(digits) }
        let whole = digits.prefix(exponent + 1)
        let padding = String(repeating: "0", count: exponent + 1 - whole.count)
        let fraction = digits.dropFirst(exponent + 1)
        return String(whole) + padding + (fraction.isEmpty ? "" : "." + String(fraction))
    }

    /// The fewest digits that mean the number, the first of them before the point, and the power of ten it stands at.
    private static func shortest(_ number: Double) -> (digits: [Character], exponent: Int) {
        let parts = number.description.split(separator: "e", omittingEmptySubsequences: false)
        let mantissa = parts.first.map(String.init) ?? ""
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let point = mantissa.firstIndex(of: ".") ?? mantissa.endIndex
        exponent += mantissa.distance(from: mantissa.startIndex, to: point) - 1
        var digits = mantissa.filter { $0 != "." }.map(\.self)
        while digits.first == "0", digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == "0", digits.count > 1 { digits.removeLast() }
        return (digits, exponent)
    }
}
