/// Words of an instruction: quotes and `$NAME` by the rules of Dockerfiles.
///
/// Source: Dockerfile reference, "Environment replacement"; the words a shell would make, without a shell.
struct InstructionWords {
    /// Why a text cannot be read.
    struct Problem: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// What `$NAME` stands for.
    let environment: [String: String]

    init(environment entries: [String]) {
        var environment: [String: String] = [:]
        for entry in entries {
            let sides = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if let name = sides.first { environment[String(name)] = sides.count == 2 ? String(sides[1]) : "" }
        }
        self.environment = environment
    }

    /// Splits at white space outside of quotes; quotes and backslashes stay.
    static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
                word.append(character)
                continue
            }
            switch character {
            case "\\" where quote != "'":
                isEscaped = true
                word.append(character)
            case "\"", "'":
                if quote == nil { quote = character } else if quote == character { quote = nil }
                word.append(character)
            case " " where quote == nil, "\t" where quote == nil:
                if !word.isEmpty { words.append(word) }
                word = ""
            default: word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    /// Takes the quotes off and puts values in place of `$NAME` and `${NAME…}`.
    func expand(_ text: String) throws(Problem) -> String {
        var rest = text[...]
        let result = try expand(&rest, until: nil, depth: 0)
        return result
    }

    private func expand(_ rest: inout Substring, until end: Character?, depth: Int) throws(Problem) -> String {
        guard depth < 32 else { throw Problem("`${…}` is nested too deeply") }
        var result = ""
        while let character = rest.first {
            if character == end { return result }
            rest.removeFirst()
            switch character {
            case "'":
                guard let close = rest.firstIndex(of: "'") else {
                    throw Problem("unexpected end of statement while looking for matching single-quote")
                }
                result += rest[..<close]
                rest = rest[rest.index(after: close)...]
            case "\"": result += try doubleQuoted(&rest, depth: depth)
            case "\\": if let next = rest.popFirst() { result.append(next) } else { result.append("\\") }
            case "$": result += try variable(&rest, depth: depth)
            default: result.append(character)
            }
        }
        if let end { throw Problem("syntax error: missing '\(end)'") }
        return result
    }

    private func doubleQuoted(_ rest: inout Substring, depth: Int) throws(Problem) -> String {
        var result = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return result
            case "$": result += try variable(&rest, depth: depth)
            case "\\":
                guard let next = rest.popFirst() else { break }
                // Elsewhere in double quotes a backslash is a backslash.
                if !["\"", "$", "\\"].contains(next) { result.append("\\") }
                result.append(next)
            default: result.append(character)
            }
        }
        throw Problem("unexpected end of statement while looking for matching double-quote")
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }

    private func variable(_ rest: inout Substring, depth: Int) throws(Problem) -> String {
        guard rest.first == "{" else {
            let name = rest.prefix(while: Self.isName)
            guard !name.isEmpty else { return "$" }
            rest = rest.dropFirst(name.count)
            return environment[String(name)] ?? ""
        }
        rest.removeFirst()
        let name = String(rest.prefix(while: Self.isName))
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty else { throw Problem("syntax error: bad substitution") }
        let value = environment[name]
        let countsEmpty = rest.first == ":"
        if countsEmpty { rest.removeFirst() }
        guard let operation = rest.popFirst() else { throw Problem("syntax error: missing '}'") }
        if operation == "}", !countsEmpty { return value ?? "" }
        let word = try expand(&rest, until: "}", depth: depth + 1)
        guard rest.popFirst() == "}" else { throw Problem("syntax error: missing '}'") }
        let isSet = countsEmpty ? !(value ?? "").isEmpty : value != nil
        switch operation {
        case "-": return isSet ? value ?? "" : word
        case "+": return isSet ? word : ""
        case "?":
            guard isSet else { throw Problem("\(name): \(word.isEmpty ? "not allowed to be unset" : word)") }
            return value ?? ""
        default: throw Problem("unsupported modifier (\(operation)) in substitution")
        }
    }
}
