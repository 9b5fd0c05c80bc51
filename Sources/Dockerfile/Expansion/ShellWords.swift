/// What is wrong with a variable's expression, in BuildKit's words.
struct ExpansionFault: Error, Hashable {
    var message: String
}

/// A text after its variables were replaced.
struct ExpandedText: Hashable {
    /// The text as one word.
    var text = ""
    /// The text split at spaces that are neither quoted nor escaped.
    var words: [String] = []
    /// The names that had a value, and those that had none.
    var known: Set<String> = []
    var unknown: Set<String> = []
}

/// Replaces variables, takes quotes and escapes away, and splits words, as BuildKit's shell lexer does.
///
/// Forms: `$name`, `${name}`, and `${name OP word}` with `:-`, `-`, `:+`, `+`, `:?`, `?`, `#`, `##`, `%`, `%%`, `/`, `//`.
///
/// Source: Dockerfile reference, "Environment replacement"; POSIX shell command language, 2.2 and 2.6.2.
struct ShellWords {
    /// What takes the meaning of the next character.
    var escape: Unicode.Scalar = "\\"
    /// Whether quotes stay where they are.
    var keepsQuotes = false
    /// Whether escapes stay where they are.
    var keepsEscapes = false
    /// Whether quotes are characters like others, as in a heredoc.
    var ignoresQuotes = false
    /// Whether what has no value is left as it was written.
    var keepsUnset = false

    /// Most bytes that one text may become.
    static let limit = 4 << 20

    /// Replaces what `value` knows.
    ///
    /// - Throws: `ExpansionFault` with the text it was found in.
    func expand(_ text: String, _ value: @escaping (String) -> String?) throws(ExpansionFault) -> ExpandedText {
        // Most words have nothing to replace.
        if isPlain(text) { return ExpandedText(text: text, words: [text]) }
        var lexer = ShellLexer(rules: self, text: text, value: value)
        do throws(ExpansionFault) {
            return try lexer.all()
        } catch {
            let shown = text.utf8.count > 200 ? String(text.prefix(200)) + "…" : text
            throw ExpansionFault(message: "failed to process \(GoText.quoted(shown)): \(error.message)")
        }
    }

    private func isPlain(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= Self.limit else { return false }
        let special: [UInt8] = [0x22, 0x24, 0x27, 0x3C, UInt8(truncatingIfNeeded: escape.value)]
        return text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !special.contains($0) }
    }
}

/// One pass over one text.
private struct ShellLexer {
    let rules: ShellWords
    let input: [Unicode.Scalar]
    let value: (String) -> String?
    var position = 0
    var keepsEscapes: Bool
    var depth = 0
    var written = 0
    var result = ExpandedText()

    init(rules: ShellWords, text: String, value: @escaping (String) -> String?) {
        self.rules = rules
        self.value = value
        input = Array(text.unicodeScalars)
        keepsEscapes = rules.keepsEscapes
    }

    private var next: Unicode.Scalar? { position < input.count ? input[position] : nil }

    private mutating func take() -> Unicode.Scalar? {
        guard position < input.count else { return nil }
        defer { position += 1 }
        return input[position]
    }

    mutating func all() throws(ExpansionFault) -> ExpandedText {
        var words = WordSplitter()
        result.text = try text(until: nil, keepsEscapes: rules.keepsEscapes, &words)
        result.words = words.finished()
        return result
    }

    /// Everything up to `end`, which is taken too.
    private mutating func text(
        until end: Unicode.Scalar?, keepsEscapes wanted: Bool, _ words: inout WordSplitter
    ) throws(ExpansionFault) -> String {
        let before = keepsEscapes
        keepsEscapes = wanted
        defer { keepsEscapes = before }
        var text = String.UnicodeScalarView()
        while let scalar = next {
            if scalar == end {
                position += 1
                return String(text)
            }
            switch scalar {
            case "$":
                let value = try dollar()
                text += value.unicodeScalars
                words.add(value)
            case "<":
                let mark = heredocMark()
                text += mark.unicodeScalars
                words.addRaw(mark)
            case "'" where !rules.ignoresQuotes, "\"" where !rules.ignoresQuotes:
                let quoted = scalar == "'" ? try singleQuoted() : try doubleQuoted()
                text += quoted.unicodeScalars
                words.addRaw(quoted)
            case rules.escape:
                position += 1
                if keepsEscapes {
                    text.append(scalar)
                    words.addRaw(String(scalar))
                }
                guard let escaped = take() else { break }
                text.append(escaped)
                words.addRaw(String(escaped))
            default:
                position += 1
                text.append(scalar)
                words.add(scalar)
            }
        }
        if let end {
            throw ExpansionFault(message: "unexpected end of statement while looking for matching \(end)")
        }
        return String(text)
    }

    /// `<<` with the spaces after it belongs to the word that follows.
    private mutating func heredocMark() -> String {
        position += 1
        guard next == "<" else { return "<" }
        position += 1
        var mark = "<<"
        while let scalar = next, scalar == " " || scalar == "\t" || scalar == "\r" {
            mark.unicodeScalars.append(scalar)
            position += 1
        }
        return mark
    }

    private mutating func singleQuoted() throws(ExpansionFault) -> String {
        position += 1
        var text = String.UnicodeScalarView()
        if rules.keepsQuotes { text.append("'") }
        while let scalar = take() {
            guard scalar == "'" else {
                text.append(scalar)
                continue
            }
            if rules.keepsQuotes { text.append("'") }
            return String(text)
        }
        throw ExpansionFault(message: "unexpected end of statement while looking for matching single-quote")
    }

    private mutating func doubleQuoted() throws(ExpansionFault) -> String {
        position += 1
        var text = String.UnicodeScalarView()
        if rules.keepsQuotes { text.append("\"") }
        while let scalar = next {
            switch scalar {
            case "\"":
                position += 1
                if rules.keepsQuotes { text.append("\"") }
                return String(text)
            case "$": text += try dollar().unicodeScalars
            case rules.escape:
                position += 1
                if keepsEscapes { text.append(scalar) }
                // At the end of the text it says nothing; before others than these it stands for itself.
                guard let escaped = next else { continue }
                if escaped == "\"" || escaped == "$" || escaped == rules.escape {
                    position += 1
                    text.append(escaped)
                } else {
                    text.append(scalar)
                }
            default:
                position += 1
                text.append(scalar)
            }
        }
        throw ExpansionFault(message: "unexpected end of statement while looking for matching double-quote")
    }
}

extension ShellLexer {
    private mutating func dollar() throws(ExpansionFault) -> String {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 64 else { throw ExpansionFault(message: "variables are nested more than 64 deep") }
        let text = try variable()
        written += text.utf8.count
        guard written <= ShellWords.limit else {
            throw ExpansionFault(message: "the text becomes longer than \(ShellWords.limit >> 20) MiB")
        }
        return text
    }

    private mutating func variable() throws(ExpansionFault) -> String {
        position += 1
        guard next == "{" else {
            let name = name()
            guard !name.isEmpty else { return "$" }
            return lookUp(name) ?? (rules.keepsUnset ? "$" + name : "")
        }
        position += 1
        switch next {
        case nil: throw Self.unclosed
        case "{", "}", ":": throw ExpansionFault(message: "syntax error: bad substitution")
        default: break
        }
        let name = name()
        guard let sign = take() else { throw Self.unclosed }
        switch sign {
        case "}": return lookUp(name) ?? (rules.keepsUnset ? "${\(name)}" : "")
        case ":":
            guard let second = take() else { throw Self.unclosed }
            guard second != "#", second != "%" else { throw unsupported(":\(second)") }
            return try modified(name, by: second, emptyIsUnset: true)
        case "+", "-", "?", "#", "%": return try modified(name, by: sign, emptyIsUnset: false)
        case "/": return try replaced(name)
        default: throw unsupported(String(sign))
        }
    }

    private static let unclosed = ExpansionFault(message: "syntax error: missing '}'")

    private func unsupported(_ modifier: String) -> ExpansionFault {
        ExpansionFault(message: "unsupported modifier (\(modifier)) in substitution")
    }

    private mutating func lookUp(_ name: String) -> String? {
        let found = value(name)
        if found == nil { result.unknown.insert(name) } else { result.known.insert(name) }
        return found
    }

    /// The text of an expression up to `end`.
    private mutating func operand(
        until end: Unicode.Scalar, keepsEscapes: Bool, missing: String
    ) throws(ExpansionFault) -> String {
        var words = WordSplitter()
        do throws(ExpansionFault) {
            return try text(until: end, keepsEscapes: keepsEscapes, &words)
        } catch {
            guard position >= input.count else { throw error }
            throw ExpansionFault(message: "syntax error: missing \(missing)")
        }
    }

    private mutating func modified(
        _ name: String, by sign: Unicode.Scalar, emptyIsUnset: Bool
    ) throws(ExpansionFault) -> String {
        let isPattern = sign == "#" || sign == "%"
        let word = try operand(until: "}", keepsEscapes: isPattern, missing: "'}'")
        let modifier = (emptyIsUnset ? ":" : "") + String(sign)
        let found = lookUp(name)
        if found == nil, rules.keepsUnset { return "${\(name)\(modifier)\(word)}" }
        let isSet = found != nil && !(emptyIsUnset && found == "")
        switch sign {
        case "-": return isSet ? found ?? "" : word
        case "+": return isSet ? word : ""
        case "?":
            guard !isSet else { return found ?? "" }
            let reason = found == nil ? "is not allowed to be unset" : "is not allowed to be empty"
            throw ExpansionFault(message: "\(name): \(word.isEmpty ? reason : word)")
        case "#", "%":
            let isGreedy = word.unicodeScalars.first == sign
            let pattern = try ShellPattern(isGreedy ? String(word.unicodeScalars.dropFirst()) : word)
            let text = found ?? ""
            return sign == "#"
                ? try pattern.removingPrefix(of: text, longest: isGreedy)
                : try pattern.removingSuffix(of: text, longest: isGreedy)
        default: throw unsupported(modifier)
        }
    }

    /// `${name/pattern/text}` and `${name//pattern/text}`.
    private mutating func replaced(_ name: String) throws(ExpansionFault) -> String {
        let all = next == "/"
        if all { position += 1 }
        let pattern = try operand(until: "/", keepsEscapes: true, missing: "'/' in ${}")
        let text = try operand(until: "}", keepsEscapes: true, missing: "'}'")
        guard let found = lookUp(name) else {
            if rules.keepsUnset { return "${\(name)/\(pattern)/\(text)}" }
            return try ShellPattern(pattern).replacing(in: "", with: text, all: all)
        }
        return try ShellPattern(pattern).replacing(in: found, with: text, all: all)
    }

    /// A name, a number, or one of the shell's special parameters.
    private mutating func name() -> String {
        var name = String.UnicodeScalarView()
        guard let first = next else { return "" }
        if first.properties.numericType == .decimal {
            while let scalar = next, scalar.properties.numericType == .decimal {
                name.append(scalar)
                position += 1
            }
            return String(name)
        }
        if "@*#?-$!0".unicodeScalars.contains(first) {
            position += 1
            return String(first)
        }
        while let scalar = next,
            scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal
        {
            name.append(scalar)
            position += 1
        }
        return String(name)
    }
}

/// Splits what is written into it at spaces.
private struct WordSplitter {
    private var words: [String] = []
    private var word = String.UnicodeScalarView()

    mutating func add(_ scalar: Unicode.Scalar) {
        guard scalar.properties.isWhitespace else {
            word.append(scalar)
            return
        }
        end()
    }

    mutating func add(_ text: String) {
        for scalar in text.unicodeScalars { add(scalar) }
    }

    mutating func addRaw(_ text: String) { word += text.unicodeScalars }

    private mutating func end() {
        guard !word.isEmpty else { return }
        words.append(String(word))
        word = String.UnicodeScalarView()
    }

    mutating func finished() -> [String] {
        end()
        return words
    }
}
