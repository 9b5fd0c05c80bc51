/// A command written as one text, split into words as a shell splits them, without any of its other powers.
struct CommandWords {
    /// The words.
    private(set) var words: [String] = []
    /// The first word that only a shell would act upon, such as `&&`.
    private(set) var shellWord: String?

    private static let operators: Set<String> = ["&&", "||", "|", ";", ">", ">>", "<", "&", "2>&1"]

    /// Splits; nil where a quote is not closed.
    init?(_ text: String) {
        var word = ""
        var isStarted = false
        var wasQuoted = false
        var quote: Unicode.Scalar?
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                if quote == "\"", !"\"\\$`\n".unicodeScalars.contains(scalar) { word.unicodeScalars.append("\\") }
                word.unicodeScalars.append(scalar)
                isEscaped = false
            } else if scalar == "\\", quote != "'" {
                isEscaped = true
                isStarted = true
            } else if let open = quote {
                if scalar == open { quote = nil } else { word.unicodeScalars.append(scalar) }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
                isStarted = true
                wasQuoted = true
            } else if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" {
                if isStarted { append(word, wasQuoted: wasQuoted) }
                word = ""
                isStarted = false
                wasQuoted = false
            } else {
                word.unicodeScalars.append(scalar)
                isStarted = true
            }
        }
        guard quote == nil, !isEscaped else { return nil }
        if isStarted { append(word, wasQuoted: wasQuoted) }
    }

    private mutating func append(_ word: String, wasQuoted: Bool) {
        if shellWord == nil, !wasQuoted, Self.operators.contains(word) { shellWord = word }
        words.append(word)
    }
}
