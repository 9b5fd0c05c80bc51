/// Sizes as compose files write them, in units of 1024: "512m", "1.5gb", "64KiB", "1024".
package enum ComposeSize {
    /// The bytes of a text; nil where it is no size.
    ///
    /// A whole number alone is of bytes, and may be negative: -1 is "no limit" where there is one.
    package static func bytes(_ text: String) -> Int64? {
        if let number = Int64(text) { return number }
        let digits = text.prefix { isDigit($0) || $0 == "." }
        guard let last = digits.last, isDigit(last), digits.first.map(isDigit) == true, let number = Double(digits)
        else {
            return nil
        }
        var unit = text.dropFirst(digits.count)
        if unit.first == " " { unit = unit.dropFirst() }
        guard let power = power(unit.lowercased()) else { return nil }
        let bytes = (0..<power).reduce(number) { product, _ in product * 1024 }
        return Int64(exactly: bytes.rounded(.towardZero))
    }

    private static func isDigit(_ character: Character) -> Bool { character >= "0" && character <= "9" }

    private static func power(_ unit: String) -> Int? {
        switch unit {
        case "", "b": 0
        case "k", "kb", "kib": 1
        case "m", "mb", "mib": 2
        case "g", "gb", "gib": 3
        case "t", "tb", "tib": 4
        case "p", "pb", "pib": 5
        default: nil
        }
    }
}
