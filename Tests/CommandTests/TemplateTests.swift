import Diagnostics
import JSONText
import Testing

@testable import stackctl

@Suite("Go templates")
struct TemplateTests {
    private static let value: JSONValue = [
        "Id": "sha256:abc", "Size": 1234, "Half": 0.5, "On": true, "Empty": "", "Nothing": .null,
        "Names": ["/web", "/site"], "Labels": ["b": "2", "a": "1"], "Env": .null,
        "Nested": ["List": [["Name": "x", "N": 1], ["Name": "y", "N": 2]], "Labels": .null],
        "Ports": ["80/tcp": [["HostPort": "8080"]], "90/udp": .null],
    ]

    private func render(_ template: String) throws -> String {
        try GoTemplate(template).render(Self.value)
    }

    @Test(
        "what people write after --format",
        arguments: [
            ("{{.Id}}", "sha256:abc"), ("a{{.Size}}b", "a1234b"), ("{{.Half}} {{.On}}", "0.5 true"),
            ("{{.Nested.List}}", "[map[N:1 Name:x] map[N:2 Name:y]]"), ("{{.Labels}}", "map[a:1 b:2]"),
            ("{{.Labels.a}}", "1"), ("{{.Labels.none}}", "<no value>"), ("{{.Nested.Labels}}", "map[]"),
            ("{{.Env}}", "[]"), ("{{.Nothing}}", "<nil>"), ("{{json .Labels}}", #"{"a":"1","b":"2"}"#),
            ("{{json .Missing}}", "null"), ("{{.Labels | json}}", #"{"a":"1","b":"2"}"#),
            ("{{join .Names \",\"}}", "/web,/site"), ("{{index .Names 1}}", "/site"),
            ("{{index .Labels \"a\"}}", "1"), ("{{index .Labels \"none\"}}", ""),
            (#"{{(index (index .Ports "80/tcp") 0).HostPort}}"#, "8080"),
            (#"{{index .Ports "80/tcp" 0}}"#, "map[HostPort:8080]"),
            ("{{upper .Id}} {{lower \"ABC\"}} {{title \"ab cd\"}}", "SHA256:ABC abc Ab Cd"),
            (#"{{range split .Id ":"}}<{{.}}>{{end}}"#, "<sha256><abc>"), ("{{println .Id}}", "sha256:abc\n"),
            ("{{len .Names}} {{len .Id}} {{len .Labels}} {{len .Env}}", "2 10 2 0"),
            ("{{range .Names}}{{.}} {{end}}", "/web /site "), ("{{range .Env}}x{{else}}none{{end}}", "none"),
            ("{{range $i, $n := .Names}}{{if $i}}, {{end}}{{$n}}{{end}}", "/web, /site"),
            ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"),
            (
                "{{range $p, $c := .Ports}}{{$p}}{{if $c}} -> {{(index $c 0).HostPort}}{{end}} {{end}}",
                "80/tcp -> 8080 90/udp "
            ),
            ("{{range .Nested.List}}{{.Name}}{{if eq .N 1}}!{{else}}?{{end}}{{end}}", "x!y?"),
            ("{{range .Nested.List}}{{if eq .Name \"x\"}}{{continue}}{{end}}{{.Name}}{{break}}{{end}}", "y"),
            ("{{if .Empty}}yes{{else if .On}}on{{else}}no{{end}}", "on"), ("{{if .Missing}}yes{{else}}no{{end}}", "no"),
            ("{{if not .Empty}}empty{{end}}", "empty"), ("{{with .Nested}}{{len .List}}{{end}}", "2"),
            ("{{with .Empty}}x{{else}}y{{end}}", "y"), ("{{with $x := .Id}}{{$x}}{{$.Size}}{{end}}", "sha256:abc1234"),
            ("{{$x := 1}}{{if .On}}{{$x = 2}}{{end}}{{$x}}", "2"),
            (
                "{{eq .Size 1234}} {{ne .Id \"a\"}} {{lt 1 2}} {{ge 2.5 2}} {{eq .Id \"a\" \"sha256:abc\"}}",
                "true true true true true"
            ),
            ("{{and .On .Id}} {{or .Empty .Id}} {{or .Empty .Nothing}}", "sha256:abc sha256:abc <nil>"),
            (
                "{{printf \"%-6s|%5d|%05d|%q|%.2f|%x|%v|%%\" \"ab\" 42 42 \"c\" 0.5 255 .On}}",
                "ab    |   42|00042|\"c\"|0.50|ff|true|%"
            ),
            ("{{printf \"%d %s\" 1}}", "1 %!s(MISSING)"), ("{{print 1 2 \"a\" 3}}", "1 2a3"),
            ("{{slice .Id 7 9}}", "ab"), ("{{truncate .Id 6}}", "sha256"), ("{{pad .Id 1 2}}|", " sha256:abc  |"),
            ("  {{- .Id -}}  x", "sha256:abcx"), ("a{{/* nothing */}}b", "ab"), ("a {{- /* nothing */ -}} b", "ab"),
            ("{{\"a\\tb\\n\\\"\"}}{{`raw\\n`}}{{'a'}}", "a\tb\n\"raw\\n97"),
            ("{{html \"<a>\"}} {{urlquery \"a b&\"}}", "&lt;a&gt; a+b%26"),
            (
                "{{.}}",
                "map[Empty: Env:<nil> Half:0.5 Id:sha256:abc Labels:map[a:1 b:2] Names:[/web /site] Nested:map[Labels:<nil> List:[map[N:1 Name:x] map[N:2 Name:y]]] Nothing:<nil> On:true Ports:map[80/tcp:[map[HostPort:8080]] 90/udp:<nil>] Size:1234]"
            ),
            ("{{ .Id|upper|lower }}", "sha256:abc"), ("", ""), ("}} {", "}} {"), ("{{range 3}}{{.}}{{end}}", "012"),
        ])
    func rendered(_ template: String, _ text: String) throws {
        #expect(try render(template) == text, "\(template)")
    }

    @Test(
        "what is wrong is said",
        arguments: [
            ("{{.Id", "unclosed action"), ("{{if .Id}}x", "{{if}} without {{end}}"), ("{{end}}", "unexpected {{end}}"),
            ("{{nope .Id}}", "function \"nope\" not defined"), ("{{.Id | nope}}", "function \"nope\" not defined"),
            ("{{.Missing}}", "map has no entry for key \"Missing\""),
            ("{{.Missing.More}}", "no entry for key \"Missing\""),
            ("{{.Id.More}}", "can't evaluate field More in a string"), ("{{.Nothing.More}}", "nil pointer evaluating"),
            ("{{index .Names 9}}", "index out of range: 9"), ("{{index .Names -1}}", "zero or more"),
            ("{{index .Size 1}}", "can't index item of a number"), ("{{len .Size}}", "len of a number"),
            ("{{join .Id}}", "wrong number of args: want 2 got 1"),
            ("{{upper .Size}}", "expected string; found a number"),
            ("{{$x}}", "undefined variable \"$x\""), ("{{\"abc}}", "unterminated quoted string"),
            ("{{(.Id}}", "unclosed left paren"),
            ("{{.Id \"x\"}}", "can't give argument to non-function"), ("{{break}}", "{{break}} outside {{range}}"),
            ("{{range .Size}}{{end}}{{range .Id}}{{end}}", "range can't iterate over sha256:abc"),
            ("{{/* x }}", "unclosed comment"), ("{{}}", "missing value for command"), ("{{.Id !}}", "unexpected \"!\""),
            ("{{template \"x\"}}", "{{template}} is not supported"),
            ("{{lt .Id 1}}", "incompatible types for comparison"),
            ("{{printf \"%99999999d\" 1}}", "is too much"), ("{{pad .Id 99999999 0}}", "zero or more"),
            ("{{else}}", "unexpected {{else}}"), ("{{if .Id}}a{{else}}b{{else}}c{{end}}", "without {{end}}"),
        ])
    func refused(_ template: String, _ reason: String) {
        let error = #expect(throws: TemplateError.self, "\(template)") { try render(template) }
        #expect(error?.description.contains(reason) == true, "\(template): \(error?.description ?? "")")
    }

    @Test("nesting without end is refused, not followed")
    func nesting() {
        let parentheses = "{{" + String(repeating: "(", count: 5000) + "1"
        let conditions = String(repeating: "{{if 1}}", count: 5000)
        let branches = "{{if 1}}" + String(repeating: "{{else if 1}}", count: 5000) + "{{end}}"
        for template in [parentheses, conditions, branches] {
            #expect(throws: TemplateError.self) { try GoTemplate(template) }
        }
    }
}

@Suite("lists by format")
struct ListFormatTests {
    private static let fields = [ListFormat.Field("ID", "IMAGE ID"), .init("Name", "NAME"), .init("Size", "SIZE")]
    private static let rows: [JSONObject] = [
        ["ID": "0123456789ab", "Name": "a", "Size": "1.2MB"],
        ["ID": "c", "Name": "a-long-name/with-parts", "Size": ""],
    ]

    private func render(_ format: String?, quiet: String? = nil) throws -> String {
        try ListFormat(format, fields: Self.fields, columns: "{{.ID}}\\t{{.Name}}\\t{{.Size}}", quiet: quiet)
            .render(Self.rows)
    }

    @Test("a table has columns of ten and more, three spaces between, and nothing after the last cell")
    func table() throws {
        let expected = """
            IMAGE ID       NAME                     SIZE
            0123456789ab   a                        1.2MB
            c              a-long-name/with-parts   

            """
        #expect(try render(nil) == expected)
        #expect(try render("table") == expected)
        #expect(try render("table {{.Size}}\\t{{.ID}}") == "SIZE      IMAGE ID\n1.2MB     0123456789ab\n          c\n")
        #expect(try render("table {{.ID}}\t{{upper .Name}}").hasPrefix("IMAGE ID       NAME\n"))
    }

    @Test("a template is a line for each row, json an object for each, quiet stands for the table only")
    func lines() throws {
        #expect(try render("{{.Name}}\\t{{.Size}}") == "a\t1.2MB\na-long-name/with-parts\t\n")
        #expect(try render("json").hasPrefix(#"{"ID":"0123456789ab","Name":"a","Size":"1.2MB"}"# + "\n"))
        #expect(try render(nil, quiet: "{{.ID}}") == "0123456789ab\nc\n")
        #expect(try render("{{.Name}}", quiet: "{{.ID}}") == "a\na-long-name/with-parts\n")
    }

    @Test("a field that is none is refused with those there are")
    func unknownField() throws {
        let diagnostic = #expect(throws: Diagnostic.self) { try render("{{.Nope}}") }
        #expect(diagnostic?.summary.contains("\"Nope\"") == true)
        #expect(diagnostic?.notes == ["fields: .ID .Name .Size"])
    }

    @Test("flags take true and false as Go's do")
    func flags() throws {
        let human = OptionDeclaration.flag("human", "u", "x")
        let root = CommandDeclaration(
            "tool", summary: "A tool",
            subcommands: [CommandDeclaration("list", summary: "List", options: [human]) { _ in .success }])
        func parse(_ words: String...) throws -> ParsedArguments {
            try ArgumentParser.parse(["list"] + words, root: root).arguments
        }
        #expect(try parse("--human=false").isRefused(human) && !parse("--human=false").isSet(human))
        #expect(try parse("-u=0").isRefused(human) && parse("--human=true").isSet(human) && !parse().isRefused(human))
        #expect(try !parse("--human=false", "--human").isRefused(human))
        #expect(throws: Diagnostic.self) { try parse("-u=maybe") }
    }
}
