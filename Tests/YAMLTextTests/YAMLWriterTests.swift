import Testing
import YAMLText

@Suite("writing YAML")
struct YAMLWriterTests {
    @Test(
        "a text is quoted where it would be read as something else",
        arguments: [
            ("plain", "plain"), ("", "\"\""), ("yes", "\"yes\""), ("on", "\"on\""), ("N", "\"N\""),
            ("true", "\"true\""),
            ("null", "\"null\""), ("~", "\"~\""), ("1e3", "\"1e3\""), ("0123", "\"0123\""), ("08", "\"08\""),
            ("22:22", "\"22:22\""), ("190:20:30.15", "\"190:20:30.15\""), ("8080:80", "8080:80"), ("1:2", "\"1:2\""),
            ("2001-12-14", "\"2001-12-14\""), ("2001-12-14t21:59:43Z", "\"2001-12-14t21:59:43Z\""), ("1.2.3", "1.2.3"),
            ("<<", "\"<<\""), ("a: b", "'a: b'"), ("a:b", "a:b"), ("a #b", "'a #b'"), ("a#b", "a#b"), ("#a", "'#a'"),
            ("{{.Node}}", "'{{.Node}}'"), ("*", "'*'"), ("it's", "it's"), ("'a'", "'''a'''"), ("- a", "'- a'"),
            ("-a", "-a"), ("? a", "'? a'"), (" a", "' a'"), ("a ", "'a '"), ("---", "'---'"), ("%a", "'%a'"),
            ("a\tb", "\"a\\tb\""), ("\u{1}", "\"\\x01\""), ("é", "é"), ("😀", "\"\\U0001F600\""), ("[a]", "'[a]'"),
            ("a, b", "a, b"), ("10m", "10m"), ("0x1F", "\"0x1F\""),
            ("18446744073709551616", "\"18446744073709551616\""),
            ("a\r\nb", "\"a\\r\\nb\""), ("/var/run", "/var/run"), ("\u{FEFF}a", "\"\\uFEFFa\""), ("=", "\"=\""),
        ])
    func quotes(_ text: String, _ expected: String) {
        #expect(YAMLWriter.text(.map([("k", .string(text))])) == "k: \(expected)\n")
    }

    @Test("lists and maps stand two spaces deep, and empty ones on their line")
    func layout() {
        let tree = YAMLNode.map([
            ("name", .string("shop")), ("empty", .map([])), ("none", .null),
            (
                "list",
                .list([
                    .string("a"), .list([.int(1), .int(2)]), .list([]),
                    .map([("k", .bool(true)), ("l", .list([.double(0.5)]))]),
                ])
            ),
            ("yes", .map([("deep", .map([("x", .int(1))]))])),
        ])
        #expect(
            YAMLWriter.text(tree) == """
                name: shop
                empty: {}
                none: null
                list:
                  - a
                  - - 1
                    - 2
                  - []
                  - k: true
                    l:
                      - 0.5
                "yes":
                  deep:
                    x: 1

                """)
    }

    @Test("several lines are written as lines")
    func literals() {
        let tree = YAMLNode.map([
            ("a", .string("one\n\ttwo\n")), ("b", .string("one\n\ntwo")), ("c", .list([.string(" x\ny\n\n")])),
            ("d", .string("one \ntwo")),
        ])
        #expect(
            YAMLWriter.text(tree) == """
                a: |
                  one
                  \ttwo
                b: |-
                  one

                  two
                c:
                  - |2+
                     x
                    y

                d: "one \\ntwo"

                """)
    }

    @Test(
        "what is written is read as the same",
        arguments: [
            "a\n", "\n", "\n\n", "\na", " a\n b\n", "\ta\nb", "a\n\tb", "a\n \n", "a\t\nb", "\u{85}", "a\u{2028}b\nc",
            "\u{A0}\n", "# a\n- b", "---\na\n...\n", "a\n\n\n", "\n a", "\\\"'", "a\u{FFFE}\n", "é\n", ": \n", "😀\n",
            "\r", "a\rb\n",
        ])
    func returns(_ text: String) throws {
        for tree in [
            YAMLNode.string(text), .map([("k", .string(text))]), .list([.list([.string(text)]), .string("z")]),
            .map([(text, .list([.map([("k", .string(text)), ("l", .null)])]))]),
        ] {
            let written = YAMLWriter.text(tree)
            let read = try YAMLParser.documents(Array(written.utf8))
            #expect(read.count == 1 && read.first.map(values) == values(tree), "\(written)")
        }
    }

    /// The texts of a tree in order, parted by what holds them.
    private func values(_ node: YAMLNode) -> [String] {
        switch node.content {
        case .scalar(let text, _): [text]
        case .sequence(let elements): ["["] + elements.flatMap(values) + ["]"]
        case .mapping(let entries): ["{"] + entries.flatMap { values($0.key) + values($0.value) } + ["}"]
        }
    }

    @Test("tags are written so that they are read again")
    func tags() throws {
        let tree = try YAMLParser.documents(
            Array(
                "a: !reset null\nb: !override\n  - 1\nc: !!str 12\nd: !<tag:example.com,2000:a%20b> {x: 1}\ne: !reset\n"
                    .utf8))
        let written = YAMLWriter.text(try #require(tree.first))
        #expect(
            written == """
                a: !reset null
                b: !override
                  - 1
                c: !!str 12
                d: !<tag:example.com%2C2000:a%20b>
                  x: 1
                e: !reset

                """)
        #expect(try YAMLParser.documents(Array(written.utf8)).count == 1)
    }

    @Test("keys of Go's maps are ordered by letters and by what digits count to")
    func order() {
        let keys = ["b", "a10", "a9", "a1", "a", "A", "_", "a-b", "ab", "a.b", "1", "02", "2"]
        #expect(
            keys.sorted(by: YAMLWriter.precedes)
                == ["_", "1", "2", "02", "A", "a", "a-b", "a.b", "a1", "a9", "a10", "ab", "b"])
    }
}
