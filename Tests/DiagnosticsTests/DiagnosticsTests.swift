import Diagnostics
import JSONText
import Testing

@Suite("Diagnostics")
struct DiagnosticsTests {
    let full = Diagnostic(
        severity: .warning, code: "SC1", summary: "two things", detail: "The other one.", hint: "rename it",
        address: "container.web", location: SourceLocation(file: "Stack.swift", line: 3, column: 4), notes: ["a", "b"])

    @Test("the JSON of a diagnostic is read back as the same diagnostic")
    func json() throws {
        #expect(Diagnostic(json: full.json) == full)
        let bare = Diagnostic(code: "SC2", summary: "x")
        #expect(bare.json.serialized() == #"{"severity":"error","code":"SC2","summary":"x"}"#)
        #expect(Diagnostic(json: bare.json) == bare)
        #expect(Diagnostic(json: ["code": "SC2"]) == nil)
    }

    @Test("plain rendering puts place, detail, notes and hint under the summary")
    func rendering() {
        let expected = """
            warning: two things [SC1]
              Stack.swift:3:4  container.web
              The other one.
              note: a
              note: b
              hint: rename it
            """
        #expect(DiagnosticRenderer(color: false).render(full) == expected)
    }

    @Test("colour only adds escape sequences")
    func color() {
        let colored = DiagnosticRenderer(color: true).render(full)
        #expect(colored.contains("\u{1B}[1;33mwarning:\u{1B}[0m"))
        #expect(!DiagnosticRenderer(color: false).render(full).contains("\u{1B}"))
    }

    @Test("long text is wrapped, but output of other programs is not")
    func wrapping() {
        let words = Array(repeating: "word", count: 20).joined(separator: " ")
        let diagnostic = Diagnostic(code: "", summary: "s", detail: words + "\n  " + words)
        let lines = DiagnosticRenderer(color: false, width: 40).render(diagnostic).split(separator: "\n")
        #expect(lines.dropLast().allSatisfy { $0.count <= 40 })
        #expect(lines.last?.count == 103)
    }

    @Test("a list is sorted by severity, then by place")
    func sorting() {
        let list = DiagnosticList([
            Diagnostic(severity: .warning, code: "w", summary: "w"),
            Diagnostic(code: "b", summary: "b", location: SourceLocation(file: "S", line: 9)),
            Diagnostic(code: "a", summary: "a", location: SourceLocation(file: "S", line: 2)),
        ])
        #expect(list.sorted.map(\.code) == ["a", "b", "w"])
        #expect(list.hasErrors)
    }

    @Test(
        "the nearest word is found, and nothing when none is near",
        arguments: [
            ("server", "servers"), ("aply", "apply"), ("paln", "plan"), ("dest", "destroy"), ("xyz", nil), ("", nil),
            ("PLAN", "plan"), ("troys", nil), ("stroy", "destroy"), ("x", nil),
        ])
    func nearestWord(word: String, expected: String?) {
        #expect(nearest(word, among: ["plan", "apply", "destroy", "servers", "show"]) == expected)
    }
}
