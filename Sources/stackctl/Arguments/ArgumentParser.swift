import Diagnostics

/// Turns the words of a command line into a command and its arguments.
///
/// Accepted: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, joined flags (`-it`), and `--` after
/// which every word is an operand.
struct ArgumentParser {
    /// What was understood.
    struct Resolution: Sendable {
        /// The command and those above it, outermost first.
        let path: [CommandDeclaration]
        /// Its arguments.
        let arguments: ParsedArguments
        /// Whether help was asked for instead.
        let wantsHelp: Bool
    }

    /// The outermost command.
    let root: CommandDeclaration

    private var path: [CommandDeclaration]
    private var arguments = ParsedArguments()
    private var wantsHelp = false

    private init(root: CommandDeclaration) {
        self.root = root
        self.path = [root]
    }

    /// Parses `words` (without the program's name).
    ///
    /// - Throws: a `Diagnostic` that names the word, the nearest right one, and the usage line.
    static func parse(_ words: [String], root: CommandDeclaration) throws(Diagnostic) -> Resolution {
        var parser = ArgumentParser(root: root)
        return try parser.parse(words[...])
    }

    /// The command that the words are about, as far as they name one.
    static func command(of words: [String], root: CommandDeclaration) -> CommandDeclaration {
        var command = root
        for word in words {
            if let next = command.subcommand(word) { command = next } else if !word.hasPrefix("-") { continue }
            if command.subcommands.isEmpty { break }
        }
        return command
    }

    private var command: CommandDeclaration { path.last ?? root }

    private var accepted: [OptionDeclaration] {
        command.options + command.globalOptions + (path.count == 1 ? GlobalOptions.beforeCommand : [])
    }

    private mutating func parse(_ words: ArraySlice<String>) throws(Diagnostic) -> Resolution {
        var rest = words
        while let word = rest.popFirst() {
            if word == "--" {
                for operand in rest { arguments.append(operand: operand) }
                break
            }
            if word.hasPrefix("--") {
                try takeLong(word, from: &rest)
            } else if word.hasPrefix("-"), word.count > 1 {
                try takeShort(word, from: &rest)
            } else if !command.subcommands.isEmpty {
                try enter(word)
            } else {
                arguments.append(operand: word)
                if command.endsAtFirstOperand {
                    for operand in rest { arguments.append(operand: operand) }
                    break
                }
            }
        }
        if !wantsHelp, !arguments.isSet(GlobalOptions.version) { try checkOperands() }
        return Resolution(path: path, arguments: arguments, wantsHelp: wantsHelp)
    }

    private mutating func enter(_ word: String) throws(Diagnostic) {
        guard let next = command.subcommand(word) else {
            throw UsageProblem.unknownCommand(word, path: path)
        }
        path.append(next)
    }

    private mutating func takeLong(_ word: String, from rest: inout ArraySlice<String>) throws(Diagnostic) {
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        guard let option = accepted.first(where: { $0.answers(to: name) }) else {
            throw UsageProblem.unknownOption("--\(name)", accepted: accepted, path: path)
        }
        let inline = parts.count > 1 ? String(parts[1]) : nil
        if !option.takesValue, let inline {
            // As Go's flags, by which scripts for Docker are written.
            guard let isOn = Self.truth(of: inline) else {
                throw UsageProblem.unexpectedValue("--\(name)", path: path)
            }
            if !isOn {
                arguments.set(option, isOn: false)
                return
            }
        }
        try take(option, spelled: "--\(name)", inline: inline, from: &rest)
    }

    private mutating func takeShort(_ word: String, from rest: inout ArraySlice<String>) throws(Diagnostic) {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = accepted.first(where: { $0.short == letter }) else {
                throw UsageProblem.unknownOption("-\(letter)", accepted: accepted, path: path)
            }
            if option.takesValue {
                var inline: String?
                if !letters.isEmpty {
                    inline = String(letters.first == "=" ? letters.dropFirst() : letters)
                }
                try take(option, spelled: "-\(letter)", inline: inline, from: &rest)
                return
            }
            if letters.first == "=" {
                guard let isOn = Self.truth(of: String(letters.dropFirst())) else {
                    throw UsageProblem.unexpectedValue("-\(letter)", path: path)
                }
                arguments.set(option, isOn: isOn)
                return
            }
            try take(option, spelled: "-\(letter)", inline: nil, from: &rest)
        }
    }

    private mutating func take(
        _ option: OptionDeclaration, spelled: String, inline: String?, from rest: inout ArraySlice<String>
    ) throws(Diagnostic) {
        if option.long == GlobalOptions.help.long { wantsHelp = true }
        guard option.takesValue else {
            arguments.set(option, isOn: true)
            return
        }
        guard let value = inline ?? rest.popFirst() else {
            throw UsageProblem.missingValue(spelled, placeholder: option.placeholder, path: path)
        }
        if let complaint = option.complaint(about: value) {
            throw UsageProblem.badValue(spelled, complaint: complaint, path: path)
        }
        arguments.set(option, to: value)
    }

    private static func truth(of text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE", "t", "T", "1": true
        case "false", "False", "FALSE", "f", "F", "0": false
        default: nil
        }
    }

    private func checkOperands() throws(Diagnostic) {
        guard command.subcommands.isEmpty else {
            if path.count > 1 { throw UsageProblem.missingCommand(path: path) }
            return
        }
        let given = arguments.operands.count
        var least = 0
        var most = 0
        for operand in command.operands {
            switch operand.count {
            case .one:
                least += 1
                if given < least { throw UsageProblem.missingOperand(operand, path: path) }
                most += 1
            case .optional: most += 1
            case .oneOrMore:
                least += 1
                if given < least { throw UsageProblem.missingOperand(operand, path: path) }
                most = Int.max
            case .any: most = Int.max
            }
            if most == Int.max { return }
        }
        if given > most { throw UsageProblem.extraOperand(arguments.operands[most], path: path) }
    }
}
