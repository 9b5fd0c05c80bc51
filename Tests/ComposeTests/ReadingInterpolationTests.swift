import Compose
import Diagnostics
import Testing

@Suite("variables of compose files")
struct ReadingInterpolationTests {
    private let place = SourceLocation(file: "compose.yaml", line: 3, column: 9)
    private let interpolation = Interpolation(environment: ["SET": "value", "EMPTY": "", "N": "2"])

    @Test(
        "all forms",
        arguments: [
            ("plain", "plain"), ("$SET", "value"), ("${SET}", "value"), ("a-$SET-b", "a-value-b"), ("$SET$N", "value2"),
            ("${EMPTY}", ""), ("${SET:-d}", "value"), ("${EMPTY:-d}", "d"), ("${UNSET:-d}", "d"), ("${EMPTY-d}", ""),
            ("${UNSET-d}", "d"), ("${SET:?e}", "value"), ("${EMPTY?e}", ""), ("${SET:+r}", "r"), ("${EMPTY:+r}", ""),
            ("${EMPTY+r}", "r"), ("${UNSET+r}", ""), ("$$SET", "$SET"), ("$$$SET", "$value"), ("$$$$", "$$"),
            ("$", "$"),
            ("$ 1", "$ 1"), ("$1", "$1"), ("cost: 5$", "cost: 5$"), ("${UNSET:-${SET}}", "value"),
            ("${UNSET:-${EMPTY:-${N}}}", "2"), ("${UNSET:-a${SET}b}c", "avaluebc"),
            ("${UNSET:-{\"a\": 1}}", "{\"a\": 1}"),
            ("${UNSET:-a}b}", "ab}"), ("${UNSET:-{}", "{"), ("${UNSET:-$$}", "$"), ("${UNSET:-}", ""),
            ("${UNSET-}", ""),
            ("${SET:+${N}}", "2"), ("${UNSET:--1}", "-1"), ("${UNSET:-a:-b}", "a:-b"), ("${UNSET:-a?b}", "a?b"),
            ("$SET_", ""), ("${UNSET:-é}ü", "éü"), ("${UNSET:-a\nb}", "a\nb"),
        ])
    func forms(_ text: String, _ expected: String) throws {
        #expect(try interpolation.replacing(text, at: place).text == expected)
    }

    @Test(
        "what is no variable, or is missing, is named",
        arguments: [
            ("${", "SC2010", "${"), ("${}", "SC2010", "${}"), ("${9}", "SC2010", "${9}"), ("${SET", "SC2010", "${SET"),
            ("${SET!x}", "SC2010", "${SET!x}"), ("${SET:x}", "SC2010", "${SET:x}"),
            ("${SET/a/b}", "SC2010", "${SET/a/b}"),
            ("${ SET}", "SC2010", "${ SET}"), ("a ${UNSET:?give it}", "SC2011", "UNSET"),
            ("${EMPTY:?}", "SC2011", "EMPTY"),
            ("${UNSET?${SET} wanted}", "SC2011", "value wanted"), ("${UNSET:-${BAD:?no}}", "SC2011", "BAD"),
            ("${UNSET:-${9}}", "SC2010", "${9}"),
        ])
    func failures(_ text: String, _ code: String, _ named: String) {
        let problem = #expect(throws: Diagnostic.self) { try interpolation.replacing(text, at: place) }
        #expect(problem?.code == code && problem?.location == place && problem?.hint != nil)
        #expect(problem?.summary.contains(named) == true, "\(String(describing: problem))")
    }

    @Test("a variable that is not set is a warning, in Docker's words")
    func unset() throws {
        let result = try interpolation.replacing("$A ${A} ${B}", at: place)
        #expect(result.text == "  ")
        #expect(
            result.warnings.map(\.summary) == [
                "The \"A\" variable is not set. Defaulting to a blank string.",
                "The \"B\" variable is not set. Defaulting to a blank string.",
            ])
        #expect(result.warnings.allSatisfy { $0.severity == .warning && $0.location == place })
        #expect(try interpolation.replacing("${A:-} ${A+x}", at: place).warnings.isEmpty)
    }

    @Test("depth and size have limits, and many braces take no long time")
    func limits() throws {
        func problem(_ text: String, _ environment: [String: String] = [:]) -> Diagnostic? {
            let interpolation = Interpolation(environment: environment)
            return #expect(throws: Diagnostic.self) { try interpolation.replacing(text, at: place) }
        }
        let deep = String(repeating: "${A:-", count: 100) + String(repeating: "}", count: 100)
        #expect(problem(deep)?.code == "SC2013")
        let long = String(repeating: "x", count: 1 << 16)
        #expect(problem(String(repeating: "$A", count: 20), ["A": long])?.code == "SC2013")
        #expect(problem(String(repeating: "${A:-", count: 200_000))?.code == "SC2010")
        let unpaired = String(repeating: "${A:-{}", count: 100_000)
        #expect(try Interpolation(environment: ["A": ""]).replacing(unpaired, at: place).text.count == 100_000)
    }

    @Test("nothing is replaced where nothing is to be")
    func off() throws {
        let result = try Interpolation(environment: ["A": "1"], replaces: false).replacing("$$A ${A} ${", at: place)
        #expect(result.text == "$$A ${A} ${" && result.warnings.isEmpty)
    }

    @Test("the variables of a file are listed with what stands in for them")
    func variables() throws {
        let text =
            "services:\n  web:\n    image: ${REPO:-docker.io/${ORG}}/x:${TAG:?none}\n    user: \"${REPO} ${U:+1}\"\n"
        let found = try Interpolation.variables(in: Array(text.utf8), file: "f")
        #expect(found.map(\.name) == ["REPO", "ORG", "TAG", "U"])
        #expect(found.map(\.isRequired) == [false, false, true, false])
        #expect(found.map(\.defaultValue) == ["docker.io/${ORG}", nil, nil, nil])
        #expect(found.map(\.alternateValue) == [nil, nil, nil, "1"])
        #expect(found.map(\.location.line) == [3, 3, 3, 4])
    }
}
