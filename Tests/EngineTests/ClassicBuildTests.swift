import Builder
import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI
import Testing

@testable import EngineAPI

@Suite("the classic builder's lines")
struct ClassicBuildTests {
    private static let script = ClassicScript([
        .init(text: "ARG V=1", line: 1, stage: -1), .init(text: "FROM busybox AS one", line: 2, stage: 0),
        .init(text: "RUN make", line: 3, stage: 0, command: "/bin/sh -c make"),
        .init(text: "FROM busybox", line: 4, stage: 1), .init(text: "ENV A=b", line: 5, stage: 1),
        .init(text: "COPY --from=one /x /x", line: 6, stage: 1), .init(text: "CMD [\"x\"]", line: 7, stage: 1),
    ])

    private func step(_ id: Int, _ line: Int, _ phase: BuildEvent.Phase) -> BuildEvent {
        .step(.init(id: id, name: "step", phase: phase, span: SourceSpan(firstLine: line, lastLine: line)))
    }

    private func log(_ id: Int, _ text: String, isError: Bool = false) -> BuildEvent {
        .log(step: id, isError: isError, bytes: Array(text.utf8))
    }

    private func text(_ lines: [JSONObject]) -> String {
        lines.compactMap { $0["stream"]?.stringValue }.joined()
    }

    private let begun = BuildEvent.Phase.started(Timestamp(seconds: 1))
    private let done = BuildEvent.Phase.done(Timestamp(seconds: 2))

    @Test("steps that go on at the same time are told one after the other, in the file's order")
    func order() throws {
        let lines = ClassicBuildLines(Self.script)
        var told = ""
        for event in [
            step(1, 2, begun), step(2, 4, begun), step(2, 4, done), step(1, 2, done), step(4, 6, begun),
            log(4, "copying\n"), step(3, 3, begun), log(3, "making\n"), log(3, "oh\n", isError: true),
            step(4, 6, done), step(3, 3, done),
        ] {
            told += text(lines.take(event))
        }
        let id = try #require(Digest("sha256:" + String(repeating: "ab", count: 32)))
        let result = BuildResult(
            imageID: id, manifestDigest: nil, references: [try ImageReference("shop/site:2")], cachedSteps: 0, steps: 2,
            warnings: [], historyID: "h")
        let last = lines.finish(result)
        told += text(last)
        #expect(
            told == """
                Step 1/7 : ARG V=1
                Step 2/7 : FROM busybox AS one
                Step 3/7 : RUN make
                making
                \u{1B}[91moh
                \u{1B}[0mStep 4/7 : FROM busybox
                Step 5/7 : ENV A=b
                Step 6/7 : COPY --from=one /x /x
                copying
                Step 7/7 : CMD ["x"]
                 ---> abababababab
                Successfully built abababababab
                Successfully tagged shop/site:2

                """)
        #expect(last.contains { $0["aux"]?["ID"]?.stringValue == id.description })
    }

    @Test("what was known is told so")
    func cached() {
        let lines = ClassicBuildLines(Self.script)
        let told = text(lines.take(step(1, 2, .cached)) + lines.take(step(3, 3, .cached)))
        #expect(told.contains("RUN make\n ---> Using cache\n"))
    }

    @Test("a process that fails is told with its command and code")
    func failure() {
        let lines = ClassicBuildLines(Self.script)
        _ = lines.take(step(1, 2, .cached)) + lines.take(step(3, 3, begun)) + lines.take(log(3, "broken\n"))
        _ = lines.take(step(3, 3, .failed("exit code 2")))
        #expect(text(lines.flush()) == "")
        let failure = BuildFailure(
            .process(exitCode: 2), Diagnostic(code: BuildCode.process, summary: "process did not complete"))
        let line = lines.failure(failure)
        let sentence = "The command '/bin/sh -c make' returned a non-zero code: 2"
        #expect(line["error"]?.stringValue == sentence)
        #expect(line["errorDetail"] == ["code": 2, "message": .string(sentence)])
    }

    @Test("what is wrong in the Dockerfile is told with its place and the lines there")
    func place() {
        let excerpt = "Dockerfile:2\n--------------------\n   2 | >>> COPY a /\n--------------------"
        let step = Diagnostic(
            code: BuildCode.notFound, summary: "\"/a\": not found", hint: "look",
            location: SourceLocation(file: "Dockerfile", line: 2), notes: ["> [2/2] COPY a /:", excerpt])
        #expect(
            ClassicBuildLines.sentence(BuildFailure(.notFound, step)) == "\"/a\": not found (look)\n\(excerpt)")
        let source = "3 | RUNN x\n  | ^^^^"
        let word = Diagnostic(
            code: BuildCode.invalid, summary: "unknown instruction: RUNN", detail: source,
            location: SourceLocation(file: "Dockerfile", line: 3, column: 1))
        #expect(
            ClassicBuildLines.sentence(BuildFailure(.invalid, word))
                == "unknown instruction: RUNN\nDockerfile:3:1\n\(source)")
    }

    @Test("a quiet build tells the identifier alone")
    func quiet() throws {
        let lines = ClassicBuildLines(Self.script, isQuiet: true)
        #expect(lines.take(step(1, 2, begun)).isEmpty)
        let id = try #require(Digest("sha256:" + String(repeating: "ab", count: 32)))
        let result = BuildResult(
            imageID: id, manifestDigest: nil, references: [], cachedSteps: 0, steps: 1, warnings: [], historyID: "h")
        #expect(lines.finish(result) == [["stream": .string("\(id)\n")]])
    }

    @Test("a quiet build that fails tells all")
    func quietFailure() {
        let lines = ClassicBuildLines(Self.script, isQuiet: true)
        _ = lines.take(step(1, 2, .cached)) + lines.take(step(3, 3, begun)) + lines.take(log(3, "broken\n"))
        _ = lines.take(step(3, 3, .failed("exit code 2")))
        #expect(text(lines.flush()).hasSuffix("RUN make\nbroken\n"))
    }

    @Test("events come out of their JSON as they went in")
    func json() {
        let events: [BuildEvent] = [
            step(1, 2, .waiting), step(1, 2, .started(Timestamp(seconds: 1, nanoseconds: 5))), step(2, 3, .cached),
            step(1, 2, .done(Timestamp(seconds: 9))), step(1, 2, .failed("why")), step(3, 4, .cancelled),
            .step(.init(id: 7, name: "exporting", phase: .waiting)), log(1, "text\n"), log(1, "no", isError: true),
            .log(step: 1, isError: false, bytes: [0xFF, 0x00, 0x0A]),
            .progress(.init(step: 1, name: "sha256:ab", current: 5, total: 9, isDone: true)),
            .warning(Diagnostic(severity: .warning, code: "SC6010", summary: "old")),
        ]
        for event in events { #expect(BuildEvent(json: .object(event.json)) == event) }
        #expect(BuildEvent(json: ["type": "step"]) == nil)
        #expect(BuildEvent(json: ["type": "result"]) == nil)
        #expect(BuildEvent(json: 3) == nil)
    }

    @Test("names of the image and platforms are read as Docker reads them")
    func words() throws {
        #expect(try BuildQuery.tags(["a", "a:latest", "b:2"]).map(\.familiar) == ["a:latest", "b:2"])
        #expect(throws: (any Error).self) { try BuildQuery.tags(["A B"]) }
        #expect(throws: (any Error).self) { try BuildQuery.tags(["a@sha256:" + String(repeating: "a", count: 64)]) }
        #expect(try BuildQuery.platform("linux/arm64/v8").description == "linux/arm64/v8")
        #expect(try BuildQuery.platform("linux").architecture == Platform.host.architecture)
        #expect(try BuildQuery.platform("amd64").description == "linux/amd64")
        #expect(throws: (any Error).self) { try BuildQuery.platform("a/b/c/d") }
    }

    @Test("messages of an agent are cut at their lengths")
    func agent() async throws {
        var pending: [UInt8] = []
        var pieces: [[UInt8]] = [[0, 0, 0], [2, 11, 12, 0, 0], [0, 1, 13]]
        func read() -> [UInt8] { pieces.isEmpty ? [] : pieces.removeFirst() }
        #expect(try await AgentRequest.next(&pending, read) == [0, 0, 0, 2, 11, 12])
        #expect(try await AgentRequest.next(&pending, read) == [0, 0, 0, 1, 13])
        #expect(try await AgentRequest.next(&pending, read) == nil)
        pending = [0xFF, 0, 0, 0]
        #expect(try await AgentRequest.next(&pending, read) == nil)
    }
}
