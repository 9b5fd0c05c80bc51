import Compose
import Diagnostics
import Testing

/// One rule of the schema, broken once.
struct SchemaBreach: Sendable, CustomTestStringConvertible {
    /// The file.
    var text: String
    /// The summary of the one error.
    var summary: String
    var line: Int
    var column: Int
    /// A part of the hint.
    var hint: String?

    init(_ text: String, _ summary: String, at line: Int, _ column: Int, _ hint: String? = nil) {
        self.text = text
        self.summary = summary
        self.line = line
        self.column = column
        self.hint = hint
    }

    /// A breach in the service `web`, whose attributes begin at line 3, column 5.
    static func service(_ text: String, _ summary: String, at line: Int, _ column: Int, _ hint: String? = nil) -> Self {
        let body = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
        return Self(
            "services:\n  web:\n\(body)", "services.web\(summary)", at: line + 2, column + 4, hint)
    }

    var testDescription: String { summary }
}

@Suite("the schema of compose files")
struct ReadingSchemaTests {
    private func errors(_ text: String) -> [Diagnostic] {
        let list = #expect(throws: DiagnosticList.self) {
            try ComposeFileReader(interpolation: Interpolation(environment: [:])).read(Array(text.utf8), file: "f")
        }
        return list?.diagnostics ?? []
    }

    private func check(_ breach: SchemaBreach) {
        let found = errors(breach.text)
        #expect(found.count == 1 && found.first?.summary == breach.summary, "\(found)")
        #expect(
            found.first?.location == SourceLocation(file: "f", line: breach.line, column: breach.column), "\(found)")
        if let hint = breach.hint { #expect(found.first?.hint?.contains(hint) == true, "\(found)") }
    }

    @Test("attributes that there are none of", arguments: SchemaBreach.unknown)
    func unknown(_ breach: SchemaBreach) { check(breach) }

    @Test("values of a wrong kind", arguments: SchemaBreach.kinds)
    func kinds(_ breach: SchemaBreach) { check(breach) }

    @Test("values that break a rule", arguments: SchemaBreach.rules)
    func rules(_ breach: SchemaBreach) { check(breach) }

    @Test("all that is wrong is said at once, in the order of the file")
    func all() {
        let text =
            "services:\n  web:\n    imagee: a\n    ports: 80\n    deploy:\n      replicas: x\n  db:\n    tty: 7\nvolume: {}\n"
        #expect(errors(text).map(\.location?.line) == [9, 3, 4, 6, 8])
    }

    @Test("the model that files are merged to needs what one file alone does not")
    func model() throws {
        let text =
            "services:\n  a: {provider: {options: {x: 1}}}\nmodels:\n  m: {name: x}\nsecrets:\n  s: {file: a, environment: B}\n"
        let reader = ComposeFileReader(interpolation: Interpolation(environment: [:]))
        let root = try #require(try reader.read(Array(text.utf8), file: "f").documents.first)
        #expect(
            ComposeSchema.problems(in: root).map(\.summary) == [
                "services.a.provider: a provider needs the attribute \"type\"",
                "models.m: a model needs the attribute \"model\"",
                "secrets.s: \"file\" and \"environment\" exclude each other",
            ])
    }

    @Test("what an alias brings to several places is wrong once")
    func aliases() {
        let text = """
            x-a: &a {restart: never, image: "${9}"}
            services:
              a: {<<: *a}
              b: *a
              c: {ports: &p [x], expose: *p}
            """
        #expect(errors(text).map(\.code) == ["SC2010"])
        let found = errors(text.replacing("${9}", with: "i"))
        #expect(
            found.map(\.summary) == [
                "services.a.restart: \"never\" is not allowed", "services.c.ports[0]: \"x\" is no port",
                "services.c.expose[0]: \"x\" is not allowed",
            ])
    }

    @Test("a file with nothing but mistakes is said to be wrong, and not for ever")
    func manyErrors() {
        let long = String(repeating: "imag", count: 20_000)
        let keys = (0..<5_000).map { "    imagee\($0): a\n" }.joined()
        let found = errors(
            "services:\n  web:\n    ? \(long)\n    : a\n    restart: \(long)\n    dns: \"\(long)\"\n\(keys)")
        #expect(found.count == 1000 && found.allSatisfy { $0.summary.utf8.count < 400 })
    }

    @Test("a file with everything in it is right")
    func everything() throws {
        let reader = ComposeFileReader(interpolation: Interpolation(environment: [:]))
        let result = try reader.read(Array(SchemaBreach.everything.utf8), file: "f")
        #expect(result.documents.count == 1 && result.warnings.isEmpty, "\(result.warnings)")
        #expect(ComposeSchema.problems(in: try #require(result.documents.first)).isEmpty)
    }
}
