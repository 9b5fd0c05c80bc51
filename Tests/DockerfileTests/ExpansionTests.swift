import Diagnostics
import Dockerfile
import Testing

/// Through `LABEL a=…`, whose value is expanded and shown.
@Suite("expansion of variables")
struct ExpansionTests {
    static func expand(_ word: String, _ environment: [String: String]) throws(DiagnosticList) -> String {
        var base = ImageSettings()
        for (name, value) in environment { base.environment.append("\(name)=\(value)") }
        let text = Array("FROM base\nUSER \(word)\n".utf8)
        let plan = try DockerfileDocument(reading: text, name: "Dockerfile").plan(EvaluationInput())
        return try plan.evaluate(0, base: base, parent: nil).settings.user
    }

    /// Word, and what becomes of it; nil is an error.
    static let table: [(String, String?)] = [
        ("hello", "hello"), ("he'll'o", "hello"), ("he'll\\'o", "hell\\o"), ("hello$PWD", "hello/home"),
        ("hello${PWD}", "hello/home"), ("hello${PWD:-x}", "hello/home"), ("hello${XXX}y", "helloy"),
        ("hello${XXX:-000}xx", "hello000xx"), ("hello${XXX-000}xx", "hello000xx"), ("hello${EMPTY:-000}", "hello000"),
        ("hello${EMPTY-000}", "hello"), ("hello${PWD:+111}xx", "hello111xx"), ("hello${XXX:+111}xx", "helloxx"),
        ("hello${EMPTY:+111}", "hello"), ("hello${EMPTY+111}", "hello111"), ("hello\\$PWD", "hello$PWD"),
        ("'hello$PWD'", "hello$PWD"), ("\"hello$PWD\"", "hello/home"), ("\"hello\\$PWD\"", "hello$PWD"),
        ("'\"hello\"'", "\"hello\""), ("he\\'llo", "he'llo"), ("he\\\\llo", "he\\llo"), ("hello\\", "hello"),
        ("\"hello", nil), ("'hello", nil), ("${", nil), ("${}", nil), ("${PWD", nil), ("${PWD:", nil), ("${:-a}", nil),
        ("${{a}", nil), ("${aaa:-${bbb:-ccc}}", "ccc"), ("${aaa:-${PWD}z}", "/homez"), ("${aaa:-bbb}}", "bbb}"),
        ("${aaa:-bbb ${foo}", nil), ("${aaa:-bbb {foo}", "bbb {foo"), ("${PWD:=000}xx", nil), ("${PWD#/}", "home"),
        ("$", "$"), ("a$ b", "a$ b"), ("$1x", "x"), ("${1:-b}", "b"), ("$@@@", "@@"), ("${PWD^}", nil),
        ("${XXX:?}", nil), ("${XXX?gone}", nil), ("${EMPTY:?gone}", nil), ("${EMPTY?gone}x", "x"),
        ("${PWD:?gone}", "/home"), ("안녕$PWD", "안녕/home"), ("안녕${XXX:-\\$PWD:}xx", "안녕$PWD:xx"), ("$KO", "한국어"),
        // Prefixes and suffixes, the shortest and the longest.
        ("${P#*o}", "obarfoo"), ("${P##*o}", ""), ("${P%o*}", "foobarfo"), ("${P%%o*}", "f"), ("${P#f}", "oobarfoo"),
        ("${P#x}", "foobarfoo"), ("${P#}", "foobarfoo"), ("${P%foo}", "foobar"), ("${P%?}", "foobarfo"),
        ("${P##*}", ""), ("${P#*}", "foobarfoo"), ("${STAR#a\\*}", "bc"), ("${P:#f}", nil), ("${P#\\x}", nil),
        ("${PATHS##*/}", "file.tar.gz"), ("${PATHS%/*}", "/usr/lib"), ("${PATHS%%.*}", "/usr/lib/file"),
        // Replacements.
        ("${P/foo/x}", "xbarfoo"), ("${P//foo/x}", "xbarx"), ("${P//o/}", "fbarf"), ("${P/o*/x}", "fx"),
        ("${P//?/x}", "xxxxxxxxx"), ("${P/x/y}", "foobarfoo"), ("${PATHS//\\//-}", "-usr-lib-file.tar.gz"),
        ("${P/foo/\\}}", "\\}barfoo"), ("${P/foo}", nil), ("${P/foo/", nil), ("${XXX/a/b}", ""),
    ]

    @Test("gives what BuildKit gives", arguments: table.indices)
    func expands(index: Int) {
        let (word, expected) = Self.table[index]
        let environment = [
            "PWD": "/home", "EMPTY": "", "KO": "한국어", "P": "foobarfoo", "STAR": "a*bc",
            "PATHS": "/usr/lib/file.tar.gz",
        ]
        do throws(DiagnosticList) {
            #expect(try Self.expand(word, environment) == expected, "\(word)")
        } catch {
            #expect(expected == nil, "\(word): \(error)")
        }
    }

    @Test("is bounded: values that double, words that nest, patterns that take long")
    func bounds() throws {
        var text = "FROM scratch\nENV a=0123456789\n"
        for _ in 0..<40 { text += "ENV a=$a$a\n" }
        #expect(throws: DiagnosticList.self) { try evaluated(text) }
        let nested = String(repeating: "${a:-", count: 10_000) + "x" + String(repeating: "}", count: 10_000)
        #expect(throws: DiagnosticList.self) { try evaluated("FROM scratch\nENV b=\(nested)\n") }
        let pattern = String(repeating: "*a", count: 8_000)
        let value = String(repeating: "a", count: 30_000)
        #expect(throws: DiagnosticList.self) {
            try evaluated("FROM scratch\nENV v=\(value)\nENV w=${v//\(pattern)b/c}\n")
        }
        var many = "FROM scratch\n"
        for number in 0..<20_000 { many += "ENV v\(number)=x\n" }
        #expect(throws: DiagnosticList.self) { try evaluated(many) }
    }

    private func evaluated(_ text: String) throws(DiagnosticList) -> EvaluatedStage {
        let plan = try DockerfileDocument(reading: Array(text.utf8), name: "Dockerfile").plan(EvaluationInput())
        return try plan.evaluate(0, base: ImageSettings(), parent: nil)
    }
}
