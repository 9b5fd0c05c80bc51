/// Finds what of an instruction's line begins a heredoc.
enum HeredocReader {
    /// The heredocs of a line, without contents, in their order.
    static func heredocs(in line: String) throws(ExpansionFault) -> [Heredoc] {
        guard line.contains("<<") else { return [] }
        let lexer = ShellWords(keepsQuotes: true, keepsEscapes: true, keepsUnset: true)
        // A line that cannot be taken apart has none; the shell will say what is wrong with it.
        guard let words = (try? lexer.expand(line) { _ in nil })?.words else { return [] }
        var found: [Heredoc] = []
        for word in words {
            if let heredoc = try heredoc(word) { found.append(heredoc) }
        }
        return found
    }

    /// Reads `<<NAME`, `<<-NAME`, `3<<"NAME"`; nil where it is something else.
    static func heredoc(_ word: String) throws(ExpansionFault) -> Heredoc? {
        var rest = Array(word.utf8)[...]
        rest = rest.drop { (0x30...0x39).contains($0) }
        guard rest.starts(with: [0x3C, 0x3C]) else { return nil }
        rest = rest.dropFirst(2)
        let strips = rest.first == UInt8(ascii: "-")
        if strips { rest = rest.dropFirst() }
        rest = rest.drop(while: \.isSpace)
        guard !rest.isEmpty, !rest.contains(UInt8(ascii: "<")) else { return nil }
        var lexer = ShellWords(keepsUnset: true)
        let words = try lexer.expand(rest.text) { _ in nil }.words
        guard words.count == 1, let name = words.first else { return nil }
        lexer.keepsQuotes = true
        let raw = try lexer.expand(rest.text) { _ in nil }.words.first ?? ""
        return Heredoc(name: name, content: "", isExpanded: quotes(name) == quotes(raw), stripsTabs: strips)
    }

    private static func quotes(_ text: String) -> Int { text.utf8.count { $0 == 0x27 || $0 == 0x22 } }
}
