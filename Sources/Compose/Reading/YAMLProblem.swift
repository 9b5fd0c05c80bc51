import Diagnostics
import YAMLText

/// What keeps a file from being YAML, as users read it.
struct YAMLProblem {
    private let failure: YAMLFailure
    private let bytes: [UInt8]
    private let file: String

    init(_ failure: YAMLFailure, _ bytes: [UInt8], file: String) {
        self.failure = failure
        self.bytes = bytes
        self.file = file
    }

    var diagnostic: Diagnostic {
        let location = SourceLocation(file: file, line: failure.mark.line, column: failure.mark.column)
        switch failure.kind {
        case .syntax:
            return Diagnostic(
                code: "SC2001", summary: "the file is no valid YAML: \(failure.reason)", detail: context, hint: hint,
                location: location)
        case .limit:
            return Diagnostic(
                code: "SC2002", summary: "the file is too large: \(failure.reason)", location: location)
        case .unavailable:
            return Diagnostic(code: "SC2003", summary: failure.reason)
        }
    }

    private var context: String? {
        failure.context.map { context in
            context + (failure.contextMark.map { ", from line \($0.line), column \($0.column)" } ?? "")
        }
    }

    /// What is most often the matter with a line that looks like this.
    private var hint: String {
        let line = line(failure.mark.line)
        if line.prefix(while: { $0 == " " || $0 == "\t" }).contains("\t") {
            return "indent with spaces: YAML has no tabs there"
        }
        if let character = line.dropFirst(max(0, failure.mark.column - 1)).first, "@`%*&!".contains(character) {
            return "put a text that begins with \(character) in quotes"
        }
        let text = line.drop { $0 == " " || $0 == "-" }
        if text.first != "\"", text.first != "'",
            text.split(separator: ": ", omittingEmptySubsequences: false).count > 2
        {
            return "put a text with \": \" in it in quotes"
        }
        return "look whether the line is indented like those around it, and whether quotes and brackets are closed"
    }

    /// The text of a line; empty where there is none.
    private func line(_ number: Int) -> String {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return (1...max(1, lines.count)).contains(number) && !lines.isEmpty
            ? String(decoding: lines[number - 1], as: UTF8.self) : ""
    }
}
