/// The field `Link` (RFC 8288), as far as pages of a list need it.
enum LinkField {
    /// The target of the link with `rel="next"`; nil without one.
    static func next(_ values: [String]) -> String? {
        for value in values {
            var rest = Substring(value.prefix(16 * 1024))
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let target = rest[rest.index(after: open)..<close]
                let (parameters, end) = parameters(rest[rest.index(after: close)...])
                if parameters.contains(where: { isNext($0) }) { return String(target) }
                rest = end
            }
        }
        return nil
    }

    /// The parameters up to the comma before the next link, and what follows.
    private static func parameters(_ text: Substring) -> ([Substring], Substring) {
        var found: [Substring] = []
        var start = text.startIndex
        var position = text.startIndex
        var isQuoted = false
        while position < text.endIndex {
            let character = text[position]
            let after = text.index(after: position)
            if character == "\"" { isQuoted.toggle() }
            if !isQuoted, character == ";" || character == "," {
                found.append(text[start..<position])
                start = after
                if character == "," { return (found, text[after...]) }
            }
            position = after
        }
        found.append(text[start...])
        return (found, text[text.endIndex...])
    }

    private static func isNext(_ parameter: Substring) -> Bool {
        let sides = parameter.split(separator: "=", maxSplits: 1)
        guard sides.count == 2 else { return false }
        let name = sides[0].filter { $0 != " " && $0 != "\t" }
        guard name.lowercased() == "rel" else { return false }
        let words = sides[1].filter { $0 != "\"" }.lowercased().split(whereSeparator: { $0 == " " || $0 == "\t" })
        return words.contains("next")
    }
}
