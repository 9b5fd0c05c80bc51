import Diagnostics

/// The ways a command line can be wrong, as the diagnostics a user reads.
enum UsageProblem {
    static func unknownCommand(_ word: String, path: [CommandDeclaration]) -> Diagnostic {
        let command = path.last
        let known = command?.subcommands.flatMap { [$0.name] + $0.aliases } ?? []
        let prefix = path.map(\.name).joined(separator: " ")
        let scope = path.count > 1 ? " of `\(prefix)`" : ""
        return problem(
            "SC0101", "unknown command `\(word)`\(scope)",
            hint: nearest(word, among: known).map { "did you mean `\(prefix) \($0)`?" }
                ?? "`\(prefix) --help` lists the commands", path: path)
    }

    static func missingCommand(path: [CommandDeclaration]) -> Diagnostic {
        let prefix = path.map(\.name).joined(separator: " ")
        let known = path.last?.subcommands.map(\.name).joined(separator: ", ") ?? ""
        return problem(
            "SC0102", "`\(prefix)` wants one of its commands: \(known)", hint: "`\(prefix) --help` says what each does",
            path: path)
    }

    static func unknownOption(
        _ spelled: String, accepted: [OptionDeclaration], path: [CommandDeclaration]
    ) -> Diagnostic {
        let name = String(spelled.drop { $0 == "-" })
        let prefix = path.map(\.name).joined(separator: " ")
        let near = spelled.hasPrefix("--") ? nearest(name, among: accepted.map(\.long)) : nil
        return problem(
            "SC0103", "unknown option `\(spelled)`",
            hint: near.map { "did you mean `--\($0)`?" } ?? "`\(prefix) --help` lists the options", path: path)
    }

    static func unexpectedValue(_ spelled: String, path: [CommandDeclaration]) -> Diagnostic {
        problem("SC0104", "option `\(spelled)` takes no value", hint: "write `\(spelled)` alone", path: path)
    }

    static func missingValue(_ spelled: String, placeholder: String, path: [CommandDeclaration]) -> Diagnostic {
        let joint = spelled.hasPrefix("--") ? "=" : " "
        return problem(
            "SC0105", "option `\(spelled)` wants a value", hint: "write `\(spelled)\(joint)\(placeholder)`", path: path)
    }

    static func badValue(_ spelled: String, complaint: String, path: [CommandDeclaration]) -> Diagnostic {
        problem("SC0106", "option `\(spelled)`: \(complaint)", hint: nil, path: path)
    }

    static func missingOperand(_ operand: OperandDeclaration, path: [CommandDeclaration]) -> Diagnostic {
        problem("SC0107", "\(operand.name) is missing: \(lowercasedFirst(operand.summary))", hint: nil, path: path)
    }

    static func extraOperand(_ word: String, path: [CommandDeclaration]) -> Diagnostic {
        problem("SC0108", "unexpected argument `\(word)`", hint: nil, path: path)
    }

    private static func lowercasedFirst(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }

    private static func problem(
        _ code: String, _ summary: String, hint: String?, path: [CommandDeclaration]
    ) -> Diagnostic {
        Diagnostic(code: code, summary: summary, hint: hint, notes: ["usage: \(HelpText.usageLine(path))"])
    }
}
