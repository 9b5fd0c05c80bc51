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
    /// What is wrong with a file by itself, or else with it as the whole model.
    private func errors(_ text: String) -> [Diagnostic] {
        let list = #expect(throws: DiagnosticList.self) {
            let reader = ComposeFileReader(interpolation: Interpolation(environment: [:]))
            let problems = try reader.read(Array(text.utf8), file: "f").documents.flatMap(ComposeSchema.problems)
            if !problems.isEmpty { throw DiagnosticList(problems) }
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
        #expect(errors(text).map(\.location?.line) == [3, 4, 6, 8, 9])
    }

    @Test("variables that cannot be replaced hide nothing else, and nothing is said twice of them")
    func variables() {
        let text = """
            services:
              web:
                image: a:${}
                tty: ${TTY:?say it}
                mem_limit: ${MEMORY:!}
                ports: ${PORTS:?}
                tyt: true
                command: $$x
                privileged: $$maybe
            """
        let found = errors(text)
        #expect(
            found.map { "\($0.location?.line ?? 0) \($0.code)" } == [
                "3 SC2010", "4 SC2011", "5 SC2010", "6 SC2011", "6 SC2021", "7 SC2020", "9 SC2021",
            ], "\(found)")
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

    @Test("an attribute without a value changes nothing of earlier files, and is wrong alone")
    func nothing() throws {
        let reader = ComposeFileReader(interpolation: Interpolation(environment: [:]))
        let everything = try reader.read(Array(SchemaBreach.everything.utf8), file: "f").documents.first
        let keys = try #require(everything?["services"]?["long"]?.map?.keys)
        #expect(keys.count > 90)
        let allowed = ["command", "entrypoint", "deploy", "develop", "pid"]
        for key in keys where key != "extends" && key != "image" {
            let text = "services:\n  web:\n    image: a\n    \(key):\n"
            let problems = ModelLab.problems(text)
            let expected = "SC2021 compose.yaml:4:\(key.utf8.count + 6) services.web.\(key): expected"
            #expect(allowed.contains(key) || problems.contains { $0.hasPrefix(expected) }, "\(key): \(problems)")
            let project = try? ModelLab.project(
                "services: {web: {image: a}}\n", ["/project/o.yaml": text]
            ) { $0.files = ["/project/compose.yaml", "/project/o.yaml"] }
            #expect(allowed.contains(key) || project?.services["web"]?[key] == nil || key == "networks", "\(key)")
        }
        #expect(ModelLab.problems("services:\n  web:\n").first?.contains("services.web: expected a map") == true)
        #expect(ModelLab.problems("services:\n").first?.contains("services: expected a map") == true)
        let override = ["/project/o.yaml": "services:\n  web:\n"]
        let project = try ModelLab.project("services: {web: {image: a}}\n", override) {
            $0.files = ["/project/compose.yaml", "/project/o.yaml"]
        }
        #expect(project.services["web"]?["image"]?.string == "a")
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
        #expect(errors(text).map(\.code) == ["SC2022", "SC2010", "SC2050", "SC2022"])
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
