/// What a user typed, checked against the declaration of the command.
struct ParsedArguments: Sendable, Equatable {
    /// Values by long option name; a flag has one empty value.
    private var values: [String: [String]] = [:]
    /// Flags given as `--flag=false`.
    private var refused: Set<String> = []
    /// Words without a dash, in order.
    private(set) var operands: [String] = []

    /// Whether the flag was given, and not as `--flag=false`.
    func isSet(_ option: OptionDeclaration) -> Bool { values[option.long] != nil }

    /// Whether the flag was given as `--flag=false`, which turns off what is on without it.
    func isRefused(_ option: OptionDeclaration) -> Bool { refused.contains(option.long) }

    /// The value of the option, the last one where it was given twice.
    func value(of option: OptionDeclaration) -> String? { values[option.long]?.last }

    /// All values of an option that may be given many times.
    func values(of option: OptionDeclaration) -> [String] { values[option.long] ?? [] }

    /// The values of a `.pair` option, split at the first `=`.
    func pairs(of option: OptionDeclaration) -> [(key: String, value: String)] {
        values(of: option).map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts.first ?? ""), parts.count > 1 ? String(parts[1]) : "")
        }
    }

    /// The operand at `index`, if that many were given.
    func operand(_ index: Int) -> String? { operands.indices.contains(index) ? operands[index] : nil }

    /// Records a flag; the last one given counts.
    mutating func set(_ flag: OptionDeclaration, isOn: Bool) {
        values[flag.long] = isOn ? [""] : nil
        if isOn { refused.remove(flag.long) } else { refused.insert(flag.long) }
    }

    /// Records an option with a value.
    mutating func set(_ option: OptionDeclaration, to value: String) {
        if option.repeats {
            values[option.long, default: []].append(value)
        } else {
            values[option.long] = [value]
        }
    }

    /// Records an operand.
    mutating func append(operand: String) { operands.append(operand) }
}
