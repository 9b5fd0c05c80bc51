import Diagnostics
import YAMLText

/// What keeps a file from being YAML, as users read it.
struct YAMLProblem {
    let failure: YAMLFailure
    let lines: SourceLines
    private let file: String

    init(_ failure: YAMLFailure, _ bytes: [UInt8], file: String) {
        self.failure = failure
        lines = SourceLines(bytes)
        self.file = file
    }

    var diagnostic: Diagnostic {
        switch failure.kind {
        case .syntax:
            let explanation = explanation()
            let mark = explanation.mark ?? failure.mark
            return Diagnostic(
                code: "SC2001", summary: explanation.summary, detail: detail(explanation),
                hint: explanation.hint, location: SourceLocation(file: file, line: mark.line, column: mark.column))
        case .limit:
            let location = SourceLocation(file: file, line: failure.mark.line, column: failure.mark.column)
            return Diagnostic(
                code: "SC2002", summary: "the file is too large: \(failure.reason)", location: location)
        case .unavailable:
            return Diagnostic(code: "SC2003", summary: failure.reason)
        }
    }

    /// The parser's own words, for those who know them.
    private func detail(_ explanation: YAMLExplanation) -> String? {
        if explanation.summary == failure.reason {
            return failure.contextMark.map { "The anchor is at line \($0.line), column \($0.column)." }
        }
        let context = failure.context.map { context in
            ", " + context + (failure.contextMark.map { ", from line \($0.line), column \($0.column)" } ?? "")
        }
        return "The file is no valid YAML: \(failure.reason)\(context ?? "")."
    }
}

/// The lines of a text, by their numbers.
struct SourceLines {
    private let lines: [[Unicode.Scalar]]

    init(_ bytes: [UInt8]) {
        lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Array(String(decoding: $0, as: UTF8.self).unicodeScalars).filter { $0 != "\r" && $0 != "\u{FEFF}" } }
    }

    private subscript(scalars number: Int) -> [Unicode.Scalar] {
        lines.indices.contains(number - 1) ? lines[number - 1] : []
    }

    /// A line without the spaces at both ends.
    func text(_ number: Int) -> String {
        String(Self.string(self[scalars: number][...])[...].trimming { $0 == " " || $0 == "\t" })
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The spaces a line begins with.
    func indentation(_ number: Int) -> Int { self[scalars: number].prefix { $0 == " " }.count }

    /// Whether a tab is among what a line begins with.
    func isIndentedByTabs(_ number: Int) -> Bool {
        self[scalars: number].prefix { $0 == " " || $0 == "\t" }.contains("\t")
    }

    /// The character at a place; nil at the end of a line.
    func character(at mark: YAMLMark) -> Unicode.Scalar? {
        let line = self[scalars: mark.line]
        return line.indices.contains(mark.column - 1) ? line[mark.column - 1] : nil
    }

    /// How often a character stands in a line.
    func count(of character: Unicode.Scalar, in number: Int) -> Int {
        self[scalars: number].count { $0 == character }
    }

    /// How often a character stands in a line before a place in it.
    func count(of character: Unicode.Scalar, before mark: YAMLMark) -> Int {
        self[scalars: mark.line].prefix(max(mark.column - 1, 0)).count { $0 == character }
    }

    /// The column of the last such character in a line.
    func last(_ character: Unicode.Scalar, in number: Int) -> Int? {
        self[scalars: number].lastIndex(of: character).map { $0 + 1 }
    }

    /// The column behind a line's text.
    func end(_ number: Int) -> Int { self[scalars: number].count + 1 }

    /// The last line before another that says something.
    func previous(before number: Int) -> Int? {
        var number = min(number, lines.count + 1) - 1
        while number > 0 {
            let text = text(number)
            if !text.isEmpty, !text.hasPrefix("#") { return number }
            number -= 1
        }
        return nil
    }

    /// The first line that says something.
    var first: Int? { (1...max(lines.count, 1)).first { !text($0).isEmpty && !text($0).hasPrefix("#") } }

    /// The names of all anchors.
    var anchors: [String] {
        lines.flatMap { line in
            line.indices.filter { line[$0] == "&" }.map { start in
                Self.string(
                    line[(start + 1)...].prefix {
                        $0.properties.isAlphabetic || "0123456789_-".unicodeScalars.contains($0)
                    })
            }
        }.filter { !$0.isEmpty }
    }
}
