import Diagnostics
import JSONText
import Linux

/// Where a command writes: its two streams and what they can show.
struct Output: Sendable {
    /// Writes bytes to one stream.
    typealias Writer = @Sendable ([UInt8]) -> Void

    /// What a stream can show.
    struct Style: Sendable, Equatable {
        /// Whether it is a terminal.
        var isTerminal = false
        /// Whether colours are wanted.
        var color = false
        /// Columns.
        var width = 100
    }

    /// What standard output can show.
    let style: Style
    /// What standard error can show.
    let errorStyle: Style
    /// The columns of standard output at this moment: a terminal's window may be resized.
    let currentWidth: @Sendable () -> Int
    private let out: Writer
    private let error: Writer

    /// An output over two writers.
    init(
        style: Style, errorStyle: Style, currentWidth: (@Sendable () -> Int)? = nil, out: @escaping Writer,
        error: @escaping Writer
    ) {
        self.currentWidth = currentWidth ?? { style.width }
        self.style = style
        self.errorStyle = errorStyle
        self.out = out
        self.error = error
    }

    /// The same, with standard error in the place of standard output.
    var onStandardError: Output {
        Output(style: errorStyle, errorStyle: errorStyle, currentWidth: currentWidth, out: error, error: error)
    }

    /// The same with colours and moving rows as one of `auto`, `always`, `never` asks for.
    func restyled(ansi: String) -> Output {
        func restyled(_ style: Style) -> Style {
            switch ansi {
            case "always": Style(isTerminal: true, color: true, width: style.width)
            case "never": Style(isTerminal: false, color: false, width: style.width)
            default: style
            }
        }
        return Output(
            style: restyled(style), errorStyle: restyled(errorStyle), currentWidth: currentWidth, out: out,
            error: error)
    }

    /// The same without standard output, of which nothing is seen.
    var silenced: Output {
        Output(style: Style(), errorStyle: errorStyle, currentWidth: currentWidth, out: { _ in }, error: error)
    }

    /// Writes to standard output.
    func write(_ text: String) { out(Array(text.utf8)) }

    /// Writes a line to standard output.
    func print(_ line: String = "") { write(line + "\n") }

    /// Writes bytes to standard output.
    func write(bytes: [UInt8]) { out(bytes) }

    /// Writes to standard error.
    func writeError(_ text: String) { error(Array(text.utf8)) }

    /// Writes bytes to standard error.
    func writeError(bytes: [UInt8]) { error(bytes) }

    /// Writes a JSON value to standard output, indented.
    func print(json value: JSONValue) { print(TerminalText.json(value.serialized(.pretty))) }

    /// Writes a JSON value to standard output, indented by four, as Docker's client does what it inspects.
    func print(wideJSON value: JSONValue) {
        let lines = value.serialized(.pretty).split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(repeating: " ", count: line.prefix { $0 == " " }.count) + line
        }
        print(TerminalText.json(lines.joined(separator: "\n")))
    }

    /// Writes a JSON value to standard output, on one line.
    func print(jsonLine value: JSONValue) { print(TerminalText.json(value.serialized(.compact))) }

    /// Shows diagnostics on standard error.
    func show(_ diagnostics: [Diagnostic]) {
        let renderer = DiagnosticRenderer(color: errorStyle.color, width: errorStyle.width)
        for diagnostic in diagnostics {
            var text = renderer.render(diagnostic)
            if !text.hasSuffix("\n") { text += "\n" }
            writeError(text)
        }
    }
}
