import Diagnostics
import JSONText
import Testing

@Suite("Text from outside")
struct TerminalTextTests {
    /// A title, a cleared screen, a C1 control sequence, a bell, a deletion, text turned around.
    static let hostile = "a\u{1B}]0;t\u{07}b\u{1B}[2Jc\u{9B}31md\u{7F}e\u{202E}f\u{2066}g\rh"

    private static func steers(_ text: String) -> Bool {
        text.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x0A, 0x09: false
            case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    @Test("one line of it has no control characters, and line ends are shown")
    func line() {
        #expect(!Self.steers(TerminalText.line(Self.hostile)))
        #expect(TerminalText.line("a\nb\tc\rd") == "a\\nb\\tc\\rd")
        #expect(TerminalText.line("a\u{1B}[31mb") == "a\u{FFFD}[31mb")
    }

    @Test("several lines of it keep line ends and tabs, and lose all other controls")
    func lines() {
        #expect(!Self.steers(TerminalText.lines(Self.hostile)))
        #expect(TerminalText.lines("a\r\nb\tc\n") == "a\nb\tc\n")
        #expect(TerminalText.lines("a\rb") == "a\u{FFFD}b")
        #expect(TerminalText.lines("plain é 漢 🙂") == "plain é 漢 🙂")
    }

    @Test("as JSON it is the same value without control characters")
    func json() throws {
        let value: JSONValue = ["name\u{9B}1m": .string(Self.hostile)]
        let text = TerminalText.json(value.serialized(.pretty))
        #expect(!Self.steers(text))
        #expect(try JSONValue.parse(text) == value)
        #expect(TerminalText.json("{\"a\": \"é\"}") == "{\"a\": \"é\"}")
    }

    @Test("in a diagnostic it steers nothing, wherever it stands")
    func diagnostic() {
        let text = Self.hostile
        let diagnostic = Diagnostic(
            code: "SC1", summary: text, detail: text, hint: text, address: text,
            location: SourceLocation(file: text, line: 1), notes: [text])
        #expect(!Self.steers(DiagnosticRenderer(color: false).render(diagnostic)))
    }

    @Test(
        "columns count wide characters twice and marks not at all",
        arguments: [("abc", 3), ("漢字", 4), ("e\u{301}", 1), ("🙂", 2), ("", 0)])
    func columns(text: String, columns: Int) {
        #expect(TerminalText.columns(text) == columns)
    }

    @Test("a beginning fits, and never cuts a wide character in two")
    func prefix() {
        #expect(TerminalText.prefix("漢字", columns: 3) == "漢")
        #expect(TerminalText.prefix("abc", columns: 2) == "ab")
        #expect(TerminalText.prefix("abc", columns: 0) == "")
    }
}
