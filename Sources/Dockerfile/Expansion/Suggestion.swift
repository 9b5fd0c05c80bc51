import Diagnostics

/// The "did you mean" of BuildKit: what is less than three letters away.
enum Suggestion {
    /// The nearest of the options; nil where none is near, or where the word is one of them.
    static func of(_ word: String, among options: some Sequence<String>, ignoringCase: Bool = false) -> String? {
        let wanted = Array(ignoringCase ? word.lowercased() : word)
        guard wanted.count <= 64 else { return nil }
        var best: (option: String, distance: Int)?
        for option in options {
            let letters = Array(ignoringCase ? option.lowercased() : option)
            if letters == wanted { return nil }
            guard abs(letters.count - wanted.count) < 3 else { continue }
            let distance = editDistance(wanted, letters)
            guard distance < best?.distance ?? 3 else { continue }
            best = (option, distance)
        }
        return best.map { ignoringCase ? cased($0.option, like: word) : $0.option }
    }

    /// What is put after a message.
    static func remark(_ word: String, among options: some Sequence<String>, ignoringCase: Bool = false) -> String {
        of(word, among: options, ignoringCase: ignoringCase).map { " (did you mean \($0)?)" } ?? ""
    }

    private static func cased(_ option: String, like word: String) -> String {
        if word == word.lowercased() { return option.lowercased() }
        return word == word.uppercased() ? option.uppercased() : option
    }
}
