import Diagnostics
import YAMLText

/// What is the matter with a text that is no YAML, as far as its lines tell.
struct YAMLExplanation {
    var summary: String
    var hint: String
    /// Where to look; nil is where the parser stopped.
    var mark: YAMLMark?
}

/// The parser tells where it stopped, and in its own terms; mostly what is wrong is a line's indentation, or something
/// that was begun before.
///
/// Source: the messages of libyaml 0.2, scanner.c and parser.c.
extension YAMLProblem {
    func explanation() -> YAMLExplanation {
        let mark = failure.mark
        if lines.isIndentedByTabs(mark.line) {
            return YAMLExplanation(
                summary: "line \(mark.line) is indented by tabs", hint: "indent with spaces: YAML has no tabs there")
        }
        switch failure.reason {
        case "mapping values are not allowed in this context": return valueWithinValue
        case "did not find expected key": return noKey
        case "did not find expected '-' indicator": return noElement
        case "could not find expected ':'": return noColon
        case "did not find expected <document start>": return outOfTheFile
        case "did not find expected ',' or ']'": return openBracket("[", "]")
        case "did not find expected ',' or '}'": return openBracket("{", "}")
        case "found unexpected end of stream", "found unexpected document indicator":
            if let open = failure.contextMark, failure.context == "while scanning a quoted scalar" {
                return YAMLExplanation(
                    summary: "the quote that is opened here is never closed",
                    hint: "close it; a ' within '…' is written twice, and a \" within \"…\" as \\\"", mark: open)
            }
        case "found unknown escape character":
            return YAMLExplanation(
                summary: "a backslash within \"…\" stands before what it cannot",
                hint: "write it twice: \"\\\\\", or put the text in single quotes")
        case "block sequence entries are not allowed in this context":
            return YAMLExplanation(
                summary: "a list cannot begin behind something else in its line",
                hint: "begin the list on a line of its own: \"- …\"")
        case "did not find expected comment or line break":
            return YAMLExplanation(
                summary: "something stands behind a \"|\" or \">\" that begins a text of several lines",
                hint: "begin the text on the next line, or put what begins with | or > in quotes",
                mark: failure.contextMark)
        case "found unexpected ':'":
            return YAMLExplanation(
                summary: "a \":\" stands here without a space behind it",
                hint: "write \": \" between key and value, or put the text in quotes")
        case "control characters are not allowed":
            return YAMLExplanation(
                summary: "a character stands here that no text may have", hint: "delete it, or write the line anew")
        case let reason where reason.contains("UTF-8"):
            return YAMLExplanation(summary: "a byte here is not UTF-8", hint: "save the file as UTF-8")
        case let reason where reason.hasPrefix("the alias *"): return alias
        default: break
        }
        return beginsWithSign ?? other
    }

    /// `image: a` and, deeper, `tty: true`; `a: b: c`.
    private var valueWithinValue: YAMLExplanation {
        let line = failure.mark.line
        if let before = lines.previous(before: line), lines.indentation(line) > lines.indentation(before) {
            let text = lines.text(before)
            if text.allSatisfy({ $0.isLetter || $0.isNumber || "._-".contains($0) }), text.first != "-" {
                return YAMLExplanation(
                    summary: "\"\(ComposePath.shown(text))\" has lines below it, and no \":\" behind it",
                    hint: "write \"\(ComposePath.shown(text)):\"",
                    mark: YAMLMark(line: before, column: lines.end(before)))
            }
            return YAMLExplanation(
                summary: "line \(line) is indented deeper than line \(before), which has its value already",
                hint: "indent it by \(spaces(lines.indentation(before))), like line \(before)"
                    + ", or write the key it belongs to above it")
        }
        return quoteTheValue ?? other
    }

    private func spaces(_ count: Int) -> String { count == 1 ? "1 space" : "\(count) spaces" }

    /// A line that is indented like nothing around it; a list where the map goes on; text behind a value.
    private var noKey: YAMLExplanation {
        let line = failure.mark.line
        let own = lines.indentation(line)
        guard let around = failure.contextMark, failure.mark.column == own + 1 else {
            if let quote = openQuote { return quote }
            return YAMLExplanation(
                summary: "something stands here behind the end of the value",
                hint: "put the whole value in one pair of quotes; a ' within '…' is written twice")
        }
        let text = lines.text(line)
        if text == "-" || text.hasPrefix("- ") {
            return YAMLExplanation(
                summary: "an element of a list stands where a key is expected",
                hint: "end the key the list belongs to with \":\", and indent all its elements alike")
        }
        guard own != around.column - 1 else { return quoteTheValue ?? other }
        var hint = "indent it by \(spaces(around.column - 1)), like the map that begins at line \(around.line)"
        if let before = lines.previous(before: line), before > around.line,
            lines.indentation(before) > around.column - 1
        {
            hint += ", or by \(lines.indentation(before)), like line \(before)"
        } else {
            hint += ", or write the key it belongs to above it"
        }
        return YAMLExplanation(
            summary: "line \(line) is indented by \(spaces(own)), and no map above it is",
            hint: hint)
    }

    /// A quote that is closed lines below, by one that was to open another.
    private var openQuote: YAMLExplanation? {
        let mark = failure.mark
        for quote in ["\"", "'"] as [Unicode.Scalar] where lines.count(of: quote, before: mark) % 2 == 1 {
            let above = stride(from: mark.line - 1, to: max(mark.line - 200, 0), by: -1)
            guard let line = above.first(where: { lines.count(of: quote, in: $0) % 2 == 1 }),
                let column = lines.last(quote, in: line)
            else { continue }
            return YAMLExplanation(
                summary: "the quote that is opened here is closed only by one at line \(mark.line)",
                hint: "close it in its own line", mark: YAMLMark(line: line, column: column))
        }
        return nil
    }

    /// A line in a list that is no element of it.
    private var noElement: YAMLExplanation {
        let line = failure.mark.line
        guard let list = failure.contextMark else { return other }
        let text = lines.text(line)
        if text == "-" || text.hasPrefix("- ") {
            return YAMLExplanation(
                summary: "line \(line) is indented by \(spaces(lines.indentation(line))),"
                    + " and the list around it, which begins at line \(list.line), by \(list.column - 1)",
                hint: "indent all elements of a list alike")
        }
        return YAMLExplanation(
            summary: "line \(line) stands in the list that begins at line \(list.line), and is no element of it",
            hint: "begin it with \"- \", or indent it like the key it belongs to")
    }

    /// A line without a colon where a key has to be.
    private var noColon: YAMLExplanation {
        guard let key = failure.contextMark else { return other }
        let text = lines.text(key.line)
        let parts = text.split(separator: " ", maxSplits: 1)
        let isPair = parts.count == 2 && parts[0].allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) }
        let written = isPair ? "\(parts[0]): \(parts[1])" : text + ":"
        return YAMLExplanation(
            summary: "line \(key.line) has no \":\" behind its key",
            hint: text.first == "\"" || text.first == "'"
                ? "write KEY: VALUE" : "write \"\(ComposePath.shown(written))\"", mark: key)
    }

    /// A line further left than the first one.
    private var outOfTheFile: YAMLExplanation {
        guard let first = lines.first, lines.indentation(first) > lines.indentation(failure.mark.line) else {
            return other
        }
        return YAMLExplanation(
            summary: "line \(failure.mark.line) begins further left than line \(first), the first of the file",
            hint: "begin all keys of the top in the first column")
    }

    private func openBracket(_ open: String, _ close: String) -> YAMLExplanation {
        guard let begin = failure.contextMark else { return other }
        if begin.line != failure.mark.line {
            return YAMLExplanation(
                summary: "the \"\(open)\" that is opened here has no \"\(close)\" before line \(failure.mark.line)",
                hint: "close it, or write the \",\" that is missing between its elements", mark: begin)
        }
        if lines.character(at: failure.mark) == "{" || lines.text(begin.line).contains("${") {
            return YAMLExplanation(
                summary: "{ and } mean a map within \(open) \(close)",
                hint: "put a text that has them in quotes: \"${NAME}\"")
        }
        return YAMLExplanation(
            summary: "a \",\" or the \"\(close)\" is missing here",
            hint: "put commas between the elements, and texts that have , [ ] { or } in quotes")
    }

    private var alias: YAMLExplanation {
        let name = failure.reason.dropFirst("the alias *".count).prefix { $0 != " " }
        if failure.reason.contains("within") {
            return YAMLExplanation(summary: failure.reason, hint: "take it out: nothing can contain itself")
        }
        let known = lines.anchors
        let hint: String
        if known.contains(String(name)) {
            hint = "move what has &\(name) up: an anchor stands before its aliases"
        } else if let near = nearest(String(name), among: known) {
            hint = "did you mean *\(near)?"
        } else {
            hint = "put a text that begins with * in quotes, or write &\(name) before what it stands for"
        }
        return YAMLExplanation(summary: failure.reason, hint: hint)
    }

    /// `@name`, `*.log`, `%d`.
    private var beginsWithSign: YAMLExplanation? {
        let places = [failure.mark] + (failure.contextMark.map { [$0] } ?? [])
        for mark in places {
            guard let sign = lines.character(at: mark), "@`%*&!,]}".unicodeScalars.contains(sign) else { continue }
            return YAMLExplanation(
                summary: "no text begins with \(sign)", hint: "put a text that begins with \(sign) in quotes",
                mark: mark)
        }
        return nil
    }

    /// `KEY: a: b`.
    private var quoteTheValue: YAMLExplanation? {
        let text = lines.text(failure.mark.line).drop { $0 == " " || $0 == "-" }
        guard text.first != "\"", text.first != "'",
            text.split(separator: ": ", omittingEmptySubsequences: false).count > 2
        else { return nil }
        return YAMLExplanation(
            summary: "a second \": \" stands in this line", hint: "put a text with \": \" in it in quotes")
    }

    private var other: YAMLExplanation {
        YAMLExplanation(
            summary: "this cannot be read: \(failure.reason)",
            hint: "look whether the line is indented like those around it, and whether quotes and brackets are closed")
    }
}
