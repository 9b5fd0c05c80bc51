import Compose
import Diagnostics
import Testing

@Suite("environment files")
struct ReadingEnvironmentTests {
    private func read(
        _ text: String, isRaw: Bool = false, _ outside: [String: String] = [:]
    ) throws -> EnvironmentFile {
        try EnvironmentFile.read(Array(text.utf8), file: ".env", isRaw: isRaw) { outside[$0] }
    }

    @Test(
        "the grammar of .env",
        arguments: [
            ("A=1", "1"), ("A = 1 ", "1"), ("  A=1", "1"), ("export A=1", "1"), ("export  A = 1", "1"), ("A: 1", "1"),
            ("A=", ""), ("A=a b", "a b"), ("A=a #c", "a"), ("A=a#c", "a#c"), ("A=#c", "#c"), ("A=1\r\nB=2\r\n", "1"),
            ("\u{FEFF}A=1", "1"), ("# x\n\nA=1 # c\n# y", "1"), ("A='1 # 2' # c", "1 # 2"), ("A=\"1 # 2\"", "1 # 2"),
            ("A='a\\nb'", "a\\nb"), ("A=\"a\\nb\"", "a\nb"), ("A=a\\nb", "a\\nb"),
            ("A=\"a\\tb\\\\c\\\"d\"", "a\tb\\c\"d"),
            ("A='it\\'s'", "it's"), ("A=\"x\ny\"\nB=1", "x\ny"), ("A='x\n#y\nz'", "x\n#y\nz"), ("A='$B'", "$B"),
            ("A=\"\\$B\"", "$B"), ("A=$$B", "$B"), ("A=\"\\0101\"", "A"), ("A=\"\\q\"", "\\q"), ("A=\"\"", ""),
            ("A=''", ""),
            ("A=1\nA=2", "2"), ("A=a=b", "a=b"), ("A=\"a\" \t", "a"), ("A=it's", "it's"),
            ("A=\"{\\\"k\\\": 1}\"", "{\"k\": 1}"),
            ("A=é", "é"), ("A=x\u{3}y", "x\u{3}y"), ("A=https://x/?a=1&b=#f", "https://x/?a=1&b=#f"),
        ])
    func grammar(_ text: String, _ expected: String) throws {
        #expect(try read(text).values["A"] == expected)
    }

    @Test("values use what is outside, then earlier lines, and a name alone has no value")
    func variables() throws {
        let text = "A=1\nB=${A}2\nC=\"$B-$OUT\"\nD=${NONE:-d}\nOUT=inner\nE=$OUT\nF\nG='$A'\nF.x-y[0]=1\n"
        let file = try read(text, ["OUT": "outer"])
        #expect(
            file.values == [
                "A": "1", "B": "12", "C": "12-outer", "D": "d", "OUT": "inner", "E": "outer", "G": "$A",
                "F.x-y[0]": "1",
            ])
        #expect(file.entries.map(\.name) == ["A", "B", "C", "D", "OUT", "E", "F", "G", "F.x-y[0]"])
        #expect(file.entries[6].value == nil && file.entries[6].location.line == 7)
        #expect(file.warnings.isEmpty)
        let unset = try read("A=$NONE\nB=${NONE}\n")
        #expect(unset.values == ["A": "", "B": ""] && unset.warnings.count == 1)
    }

    @Test("in raw files everything behind the sign is the value")
    func raw() throws {
        let text = "\u{FEFF}A=\"x\" # y\n  # no\nB='$A'\r\n\nC\n  D= 1 \nE=a=b\n"
        let file = try read(text, isRaw: true)
        #expect(file.values == ["A": "\"x\" # y", "B": "'$A'", "D": " 1 ", "E": "a=b"])
        #expect(file.entries.map(\.name) == ["A", "B", "C", "D", "E"])
    }

    @Test(
        "what is no line of it is an error at its place",
        arguments: [
            ("A=1\n B C=2\n", "SC2040", 2, 2), ("=1", "SC2040", 1, 1), ("A=\"x\nB=1\n", "SC2041", 1, 3),
            ("\nA='x", "SC2041", 2, 3), ("A=\"x\"y\n", "SC2042", 1, 6), ("A=1\nB=${", "SC2010", 2, 1),
            ("A=1\nB=${C:?wanted}", "SC2011", 2, 1), ("a/b=1", "SC2040", 1, 1), ("A=1\nB=\u{0}", "SC2043", 2, 3),
            ("export =1", "SC2040", 1, 8), ("A!\n", "SC2040", 1, 1),
        ] as [(String, String, Int, Int?)])
    func failures(_ text: String, _ code: String, _ line: Int, _ column: Int?) {
        let list = #expect(throws: DiagnosticList.self) { try read(text) }
        let problem = list?.diagnostics.first
        #expect(problem?.code == code && problem?.hint != nil, "\(String(describing: problem))")
        #expect(problem?.location == SourceLocation(file: ".env", line: line, column: column))
    }

    @Test("all lines that are wrong are named, in raw files too")
    func several() {
        let list = #expect(throws: DiagnosticList.self) { try read("A B=1\nC=2\n=3\n") }
        #expect(list?.diagnostics.map(\.location?.line) == [1, 3])
        let raw = #expect(throws: DiagnosticList.self) { try read("A B=1\nC=2\n=3\n", isRaw: true) }
        #expect(raw?.diagnostics.map(\.code) == ["SC2040", "SC2040"])
        #expect(throws: DiagnosticList.self) { try EnvironmentFile.read([0x41, 0x3D, 0xFF], file: "f") { _ in nil } }
    }

    @Test("lines that double each other's value come to an end")
    func bomb() {
        let text = "A=" + String(repeating: "x", count: 1000) + "\n" + String(repeating: "A=$A$A\n", count: 40)
        let list = #expect(throws: DiagnosticList.self) { try read(text) }
        #expect(list?.diagnostics.first?.code == "SC2013")
    }
}
