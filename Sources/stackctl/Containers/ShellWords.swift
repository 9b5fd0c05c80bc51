import Diagnostics

/// A command line in one text, taken apart as a shell does: blanks part words, quotes and backslashes keep them together.
enum ShellWords {
    /// The words; variables and wildcards are not looked at.
    ///
    /// - Throws: `Diagnostic` (SC0238) for a quote that is not closed.
    static func split(_ text: String) throws(Diagnostic) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                // Between double quotes a backslash counts only before what has a meaning there.
                if quote == "\"", !"\"\\$`".contains(character) { word = (word ?? "") + "\\" }
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let ended = word { words.append(ended) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else {
            throw Diagnostic(
                code: "SC0238", summary: "`\(TerminalText.line(text))` has a quote that is not closed",
                hint: "close it, or put a backslash before it")
        }
        if let word { words.append(word) }
        return words
    }
}
