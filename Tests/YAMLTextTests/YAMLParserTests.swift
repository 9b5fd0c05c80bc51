import Testing
import YAMLText

@Suite("YAML")
struct YAMLParserTests {
    private func document(_ text: String) throws -> YAMLNode {
        try #require(try YAMLParser.documents(Array(text.utf8)).first)
    }

    private func failure(_ text: String, _ limits: YAMLLimits = YAMLLimits()) -> YAMLFailure? {
        #expect(throws: YAMLFailure.self) { try YAMLParser.documents(Array(text.utf8), limits: limits) }
    }

    @Test("a text without a document has none", arguments: ["", "\n\n", "# only a remark\n", "\u{FEFF}"])
    func empty(_ text: String) throws {
        #expect(try YAMLParser.documents(Array(text.utf8)).isEmpty)
    }

    @Test("values keep their styles, tags and places")
    func places() throws {
        let node = try document("é: 'x'\nlist:\n- !reset null\n- \"on\"\n-   yes\nmap: {a: , ü b: c}\n")
        let mark = YAMLMark.init(line:column:)
        guard case .mapping(let entries) = node.content, entries.count == 3,
            case .sequence(let list) = entries[1].value.content, list.count == 3,
            case .mapping(let flow) = entries[2].value.content, flow.count == 2
        else {
            Issue.record("\(node)")
            return
        }
        #expect(entries[0].key == YAMLNode(.scalar("é", isPlain: true), mark: mark(1, 1)))
        #expect(entries[0].value == YAMLNode(.scalar("x", isPlain: false), mark: mark(1, 4)))
        #expect(list[0] == YAMLNode(.scalar("null", isPlain: true), tag: "!reset", mark: mark(3, 3)))
        #expect(list[1] == YAMLNode(.scalar("on", isPlain: false), mark: mark(4, 3)))
        #expect(list[2] == YAMLNode(.scalar("yes", isPlain: true), mark: mark(5, 5)))
        #expect(flow[0].value.content == .scalar("", isPlain: true))
        #expect(flow[1].key.mark == mark(6, 12) && flow[1].value.mark == mark(6, 17))
    }

    @Test("an alias is what its anchor names, with the place of that; an anchor may be set again")
    func aliases() throws {
        let node = try document("a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n")
        guard case .mapping(let entries) = node.content, entries.count == 4 else {
            Issue.record("\(node)")
            return
        }
        #expect(entries[1].value == entries[0].value && entries[1].value.mark.line == 1)
        #expect(entries[3].value == entries[2].value)
    }

    @Test("documents follow each other, and have anchors of their own")
    func severalDocuments() throws {
        let documents = try YAMLParser.documents(Array("a: 1\n---\nb: 2\n...\n---\n".utf8))
        #expect(documents.count == 3)
        #expect(documents[2].content == .scalar("", isPlain: true))
        #expect(failure("a: &x 1\n---\nb: *x\n")?.mark == YAMLMark(line: 3, column: 4))
    }

    @Test("UTF-16 is read as well")
    func wide() throws {
        for isBig in [true, false] {
            let units = "\u{FEFF}a: ü😀\n".utf16.flatMap { unit in
                isBig ? [UInt8(unit >> 8), UInt8(unit & 255)] : [UInt8(unit & 255), UInt8(unit >> 8)]
            }
            guard case .mapping(let entries)? = try YAMLParser.documents(units).first?.content else {
                Issue.record("no map")
                continue
            }
            #expect(entries.first?.value == YAMLNode(.scalar("ü😀", isPlain: true), mark: YAMLMark(line: 1, column: 4)))
        }
    }

    @Test(
        "what is no YAML is an error at its place",
        arguments: [
            ("a: [1, 2\nb: 3\n", 2, 2), ("a: 1\n b: 2\n", 2, 3), ("a:\n\t- 1\n", 2, 1), ("a: *none\n", 1, 4),
            ("a: 'x\n", 2, 1), ("a: \u{0}\n", 1, 4), ("é: 1\nb: \u{7}\n", 2, 4), ("- a\nb: 1\n", 2, 1),
            ("a: &x [1, *x]\n", 1, 11), ("a: @b\n", 1, 4), ("a: %b\n", 1, 4), ("key: {a: 1\n", 2, 1),
        ])
    func syntax(_ text: String, _ line: Int, _ column: Int) {
        let found = failure(text)
        #expect(
            found?.kind == .syntax && found?.mark == YAMLMark(line: line, column: column),
            "\(String(describing: found))")
    }

    @Test("bytes that are no UTF-8 are an error at their place")
    func notUTF8() {
        let bytes: [UInt8] = Array("a: 1\nbé: ".utf8) + [0xFF, 0x0A]
        let found = #expect(throws: YAMLFailure.self) { try YAMLParser.documents(bytes) }
        #expect(found?.mark == YAMLMark(line: 2, column: 5))
    }

    @Test("aliases that make much of a few lines are an error at the alias")
    func bombs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        let found = failure(text)
        #expect(found?.kind == .limit && found?.mark.line == 6, "\(String(describing: found))")
        #expect(found?.reason.contains("*a4") == true, "\(String(describing: found))")

        let long =
            "a: &a \"\(String(repeating: "x", count: 1 << 20))\"\nb: [\(Array(repeating: "*a", count: 40).joined(separator: ", "))]\n"
        #expect(failure(long)?.kind == .limit)
    }

    @Test("depth counts what an alias stands for")
    func depth() {
        var limits = YAMLLimits()
        limits.depth = 4
        #expect(failure("[[[[[1]]]]]", limits)?.kind == .limit)
        #expect(failure("- &a [[[1]]]\n- [*a]\n", limits)?.mark == YAMLMark(line: 2, column: 4))
        #expect(failure(String(repeating: "[", count: 100_000))?.kind == .limit)
        #expect(failure(String(repeating: "- ", count: 100_000))?.kind == .limit)
    }

    @Test("a text over the limit is not looked at")
    func size() {
        var limits = YAMLLimits()
        limits.textBytes = 4
        #expect(failure("a: 1\n", limits)?.kind == .limit)
    }
}
