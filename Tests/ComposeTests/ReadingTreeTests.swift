import Compose
import Diagnostics
import JSONText
import Testing

@Suite("reading compose files")
struct ReadingTreeTests {
    private func read(
        _ text: String, _ environment: [String: String] = [:], replaces: Bool = true
    ) throws -> (documents: [ComposeNode], warnings: [Diagnostic]) {
        let interpolation = Interpolation(environment: environment, replaces: replaces)
        return try ComposeFileReader(interpolation: interpolation).read(Array(text.utf8), file: "compose.yaml")
    }

    private func errors(_ text: String, _ environment: [String: String] = [:]) -> [Diagnostic] {
        let list = #expect(throws: DiagnosticList.self) { try read(text, environment) }
        return list?.diagnostics ?? []
    }

    /// What `x-v` of a file is, as JSON.
    private func value(_ text: String) throws -> JSONValue? {
        try read("x-v: \(text)\n").documents.first?["x-v"].map(json)
    }

    @Test(
        "scalars have the types of yaml.v3",
        arguments: [
            ("yes", "\"yes\""), ("on", "\"on\""), ("true", "true"), ("\"true\"", "\"true\""), ("~", "null"),
            ("", "null"),
            ("0o17", "15"), ("017", "15"), ("1.50", "1.5"), ("22:22", "\"22:22\""), ("2020-01-01", "\"2020-01-01\""),
            ("!!str 12", "\"12\""), ("!!int 12", "12"), ("!!float 1", "1.0"), ("!!null ''", "null"), ("! 12", "\"12\""),
            ("!!bool true", "true"), ("!!seq [1]", "[1]"), ("!!map {a: 1}", "{\"a\": 1}"), ("<<", "\"<<\""),
            ("[1, 'a', {b: }]", "[1, \"a\", {\"b\": null}]"), ("|\n  a\n  b\n", "\"a\\nb\\n\""),
            (">\n  a\n  b\n", "\"a b\\n\""),
        ])
    func scalars(_ text: String, _ expected: String) throws {
        #expect(try value(text) == (try JSONValue.parse(expected)))
    }

    @Test("merge keys give what a map does not have, earlier ones first")
    func merge() throws {
        let text = """
            x-a: &a {one: 1, two: 1, four: 1}
            x-b: &b
              two: 2
              three: 2
            x-v:
              zero: 0
              <<: [*a, *b]
              three: 0
            x-w: {<<: *a, two: {<<: *b}}
            x-u: {"<<": 1}
            """
        let root = try #require(try read(text).documents.first)
        #expect(root["x-v"]?.map?.keys == ["zero", "one", "two", "four", "three"])
        #expect(
            root["x-v"].map(json) == (try JSONValue.parse("{\"zero\":0,\"one\":1,\"two\":1,\"four\":1,\"three\":0}")))
        #expect(
            root["x-w"].map(json) == (try JSONValue.parse("{\"one\":1,\"four\":1,\"two\":{\"two\":2,\"three\":2}}")))
        #expect(root["x-v"]?["two"]?.location == SourceLocation(file: "compose.yaml", line: 1, column: 23))
        #expect(root["x-u"]?["<<"]?.int == 1)
    }

    @Test("a tag of merging is kept, and what it resets is not looked at")
    func instructions() throws {
        let text = "services:\n  web:\n    ports: !reset 12\n    image: !reset\n    dns: !override [1.1.1.1]\n"
        let web = try #require(try read(text).documents.first?["services"]?["web"])
        #expect(web["ports"]?.instruction == .reset && web["image"]?.instruction == .reset)
        #expect(web["dns"]?.instruction == .override && web["dns"]?.list?.count == 1)
    }

    @Test("documents of one file stay apart, and empty ones are nothing")
    func documents() throws {
        #expect(try read("").documents.isEmpty)
        #expect(try read("---\n---\n# only a remark\n").documents.isEmpty)
        let documents = try read("name: a\n---\nname: b\n---\n").documents
        #expect(documents.compactMap { $0["name"]?.string } == ["a", "b"])
    }

    @Test(
        "what cannot be a tree is an error at its place",
        arguments: [
            ("a: [1\nb: 2\n", "SC2001", 1, 4), ("x-a: 1\nx-b: 2\nx-a: 3\n", "SC2004", 3, 1), ("1: x\n", "SC2005", 1, 1),
            ("? [a]\n: 1\n", "SC2005", 1, 3), ("x-a: !foo 1\n", "SC2006", 1, 6),
            ("x-a: !overide [1]\n", "SC2006", 1, 6),
            ("x-a: !!int x\n", "SC2007", 1, 6), ("x-a: !!binary aGk=\n", "SC2006", 1, 6), ("- a\n", "SC2008", 1, 1),
            ("x-a: {<<: 1}\n", "SC2009", 1, 11), ("x-a: {<<: [{a: 1}, b]}\n", "SC2009", 1, 20),
            ("true: 1\n", "SC2005", 1, 1),
            ("x-a: &a {<<: *a}\n", "SC2001", 1, 14), ("x-a: {<<: {}, <<: {}}\n", "SC2004", 1, 15),
            ("x-a: \u{1}\n", "SC2001", 1, 6), ("\tx-a: 1\n", "SC2001", 1, 1),
        ])
    func noTree(_ text: String, _ code: String, _ line: Int, _ column: Int) {
        let found = errors(text)
        #expect(found.first?.code == code, "\(found)")
        #expect(found.first?.location == SourceLocation(file: "compose.yaml", line: line, column: column), "\(found)")
    }

    @Test(
        "what is no YAML is said with what is the matter, where, and what to do about it",
        arguments: [
            ("a:\n\tb: 1\n", 2, 1, "line 2 is indented by tabs", "spaces"),
            ("a: @b\n", 1, 4, "no text begins with @", "quotes"),
            ("a: b: c\n", 1, 5, "a second \": \" stands in this line", "quotes"),
            ("a: 1\n b: 2\n", 2, 3, "line 2 is indented deeper than line 1, which has its value already", "0 spaces"),
            ("a:\n  web\n    image: b\n", 2, 6, "\"web\" has lines below it, and no \":\" behind it", "\"web:\""),
            (
                "a:\n    b: 1\n   c: 2\n", 3, 4, "line 3 is indented by 3 spaces, and no map above it is",
                "by 0 spaces, like the map that begins at line 1, or by 4, like line 2"
            ),
            ("a:\n  b: 1\n  - c\n", 3, 3, "an element of a list stands where a key is expected", "\":\""),
            ("a: 'it's'\n", 1, 8, "something stands here behind the end of the value", "twice"),
            (
                "a: \"x\nb:\n  - \"80:80\"\n", 1, 4, "the quote that is opened here is closed only by one at line 3",
                "in its own line"
            ),
            ("a:\n  - b\n  c: 1\n", 3, 3, "line 3 stands in the list that begins at line 2", "\"- \""),
            ("a:\n  b: 1\n  mode 0400\nc: 1\n", 3, 3, "line 3 has no \":\" behind its key", "\"mode: 0400\""),
            (" a: 1\nb: 2\n", 2, 1, "line 2 begins further left than line 1, the first of the file", "first column"),
            ("a: [1\nb: 2\n", 1, 4, "the \"[\" that is opened here has no \"]\" before line 2", "close"),
            ("a: [x ${B}]\n", 1, 8, "{ and } mean a map within [ ]", "\"${NAME}\""),
            ("a: [\"b\" \"c\"]\n", 1, 9, "a \",\" or the \"]\" is missing here", "commas"),
            ("a: 'b\nc: 1\n", 1, 4, "the quote that is opened here is never closed", "close"),
            ("a: \"\\d\"\n", 1, 5, "a backslash within \"…\" stands before what it cannot", "twice"),
            ("a: - b\n", 1, 4, "a list cannot begin behind something else in its line", "line of its own"),
            ("a: |b\n", 1, 4, "something stands behind a \"|\"", "quotes"),
            ("a: *b\n", 1, 4, "the alias *b has no anchor &b before it", "begins with *"),
            ("a: *name\nb: &nane 1\n", 1, 4, "the alias *name has no anchor &name before it", "mean *nane"),
            ("a: *b\nb: &b 1\n", 1, 4, "the alias *b has no anchor &b before it", "move what has &b up"),
            ("a: \u{7}\n", 1, 4, "a character stands here that no text may have", "delete"),
        ])
    func yamlHints(_ text: String, _ line: Int, _ column: Int, _ summary: String, _ hint: String) {
        let found = errors(text)
        #expect(found.first?.code == "SC2001", "\(found)")
        #expect(found.first?.summary.hasPrefix(summary) == true, "\(found)")
        #expect(found.first?.hint?.contains(hint) == true, "\(found)")
        #expect(found.first?.location == SourceLocation(file: "compose.yaml", line: line, column: column), "\(found)")
    }

    @Test("a number that is passed on otherwise than it is written is warned about once")
    func rewrittenNumbers() throws {
        let text = """
            x-e: &e {V: 3.10, N: 1_000}
            services:
              a: {image: a, environment: *e, labels: {v: "3.10", w: 1.5, x: 0o10}, cpus: 0.50, build: {args: {P: 010}}}
              b: {image: b, environment: {<<: *e, X: 7}, mem_limit: 1_000}
            """
        let reader = ComposeFileReader(interpolation: Interpolation(environment: [:]))
        let warnings = try reader.read(Array(text.utf8), file: "f").warnings
        #expect(
            warnings.map { "\($0.code) \($0.location?.description ?? "") \($0.summary)" } == [
                "SC2015 f:1:13 V: 3.10 is a number, and so is passed on as 3.1",
                "SC2015 f:1:22 N: 1_000 is a number, and so is passed on as 1000",
                "SC2015 f:3:65 x: 0o10 is a number, and so is passed on as 8",
                "SC2015 f:3:102 P: 010 is a number, and so is passed on as 8",
            ], "\(warnings)")
    }

    @Test("what an alias brings to several places is wrong once")
    func aliasTwice() {
        #expect(errors("x-a: &a {<<: 1}\nx-b: [*a, *a]\n").map(\.code) == ["SC2009"])
    }

    @Test("a key that stands twice is named with both places")
    func twice() {
        let found = errors("services:\n  web:\n    image: a\n    tty: true\n    image: b\n")
        #expect(found.first?.summary == "the key \"image\" stands twice in this map")
        #expect(found.first?.location?.line == 5 && found.first?.notes == ["the first one is at line 3, column 5"])
    }

    @Test("a file whose aliases make too much of it is an error at the alias")
    func bomb() {
        var text = "x-a0: &a0 {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1}\n"
        for level in 1...9 {
            let members = "abcdefghi".map { "\($0): *a\(level - 1)" }.joined(separator: ", ")
            text += "x-a\(level): &a\(level) {\(members)}\n"
        }
        let found = errors(text)
        #expect(found.first?.code == "SC2002" && found.first?.location?.line == 6, "\(found)")
        #expect(found.first?.summary.contains("*a4") == true, "\(found)")
    }

    @Test("variables are replaced in values and never in keys")
    func variables() throws {
        let text = """
            services:
              web:
                image: $IMAGE
                environment: {"$K": "${V}", LIST: "$$V"}
                labels: ["$K=$V"]
                deploy: {replicas: $N}
                tty: "${T}"
            x-k: {$K: [$V]}
            """
        let values = ["IMAGE": "a:1", "K": "k", "V": "v", "N": "3", "T": "yes"]
        let result = try read(text, values)
        let web = try #require(result.documents.first?["services"]?["web"])
        #expect(web["image"]?.string == "a:1" && web["deploy"]?["replicas"]?.int == 3 && web["tty"]?.bool == true)
        #expect(web["environment"]?.map?.keys == ["$K", "LIST"] && web["environment"]?["$K"]?.string == "v")
        #expect(web["environment"]?["LIST"]?.string == "$V" && web["labels"]?.list?.first?.string == "k=v")
        #expect(result.documents.first?["x-k"]?["$K"]?.list?.first?.string == "v")
        #expect(result.warnings.map(\.code) == ["SC2014"])
    }

    @Test("where nothing is replaced, texts stay as they are and may stand for anything")
    func withoutVariables() throws {
        let text =
            "services:\n  web:\n    image: a$$b\n    tty: $T\n    scale: ${N:-1}\n    ports: ['${P}:80', 80]\n    stop_grace_period: ${S}\n"
        let web = try #require(try read(text, replaces: false).documents.first?["services"]?["web"])
        #expect(web["image"]?.string == "a$$b" && web["tty"]?.string == "$T" && web["scale"]?.string == "${N:-1}")
        #expect(web["ports"]?.list?.first?.string == "${P}:80" && web["ports"]?.list?.last?.int == 80)
    }

    @Test("each variable that is wrong or missing is named with its value's path")
    func variableErrors() {
        let found = errors(
            "services:\n  web:\n    image: ${TAG:?set it}\n    ports: ['${', '80']\n  db:\n    user: ${U?}\n")
        #expect(
            found.map(\.summary) == [
                "services.web.image: required variable TAG is missing a value: set it",
                "services.web.ports[0]: `${` names no variable",
                "services.db.user: required variable U is missing a value",
            ])
        #expect(found.map(\.location?.line) == [3, 4, 6])
    }

    @Test("a variable that is not set is one warning, wherever it stands")
    func unset() throws {
        let warnings = try read("services:\n  a: {image: x$V}\n  b: {image: y$V$W}\n").warnings
        #expect(warnings.map(\.location?.line) == [2, 3] && warnings.allSatisfy { $0.code == "SC2012" })
    }

    @Test("variables that would make gigabytes are an error")
    func largeVariables() {
        let large = String(repeating: "x", count: 1 << 19)
        let text = "x-a: [" + Array(repeating: "$V", count: 100).joined(separator: ", ") + "]\n"
        #expect(errors(text, ["V": large]).first?.code == "SC2013")
    }

    @Test("values have the types the schema wants")
    func types() throws {
        let text = """
            services:
              web:
                tty: "on"
                init: FALSE
                scale: "2"
                cpus: "0.50"
                cpu_shares: 10.0
                mem_limit: 1g
                pids_limit: "-1"
                stop_grace_period: 1m
                ulimits: {nofile: "1024", nproc: {soft: "1", hard: 2}}
                healthcheck: {test: curl x, retries: "3", disable: no}
                environment: {A: 1, B: 1.50, C: true, D: , E: "1"}
                expose: [80, "81-82"]
            """
        let result = try read(text)
        let web = try #require(result.documents.first?["services"]?["web"])
        let expected = """
            {"tty": true, "init": false, "scale": 2, "cpus": 0.5, "cpu_shares": 10, "mem_limit": "1g", "pids_limit": -1,
            "stop_grace_period": "1m", "ulimits": {"nofile": 1024, "nproc": {"soft": 1, "hard": 2}},
            "healthcheck": {"test": "curl x", "retries": 3, "disable": false},
            "environment": {"A": 1, "B": 1.5, "C": true, "D": null, "E": "1"}, "expose": [80, "81-82"]}
            """
        #expect(json(web) == (try JSONValue.parse(expected)))
        #expect(
            result.warnings.map(\.summary) == [
                "services.web.tty: \"on\" is read as true", "services.web.healthcheck.disable: \"no\" is read as false",
                "B: 1.50 is a number, and so is passed on as 1.5",
            ])
        #expect(web["environment"]?["B"]?.text == "1.5" && web["environment"]?["C"]?.text == "true")
    }

    @Test("the version of old files is a warning")
    func version() throws {
        let warnings = try read("version: \"3.8\"\nservices: {}\n").warnings
        #expect(warnings.map(\.code) == ["SC2029"] && warnings.first?.location?.line == 1)
        #expect(try read("version: 2.4\n").warnings.count == 1)
    }
}
