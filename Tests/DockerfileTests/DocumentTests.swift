import Diagnostics
import Dockerfile
import Testing

@Suite("Dockerfile documents")
struct DocumentTests {
    private func read(_ text: String) throws(DiagnosticList) -> DockerfileDocument {
        try DockerfileDocument(reading: Array(text.utf8), name: "Dockerfile")
    }

    /// The first problem of a text.
    private func problem(_ text: String) throws -> Diagnostic {
        try problem(Array(text.utf8))
    }

    private func problem(_ bytes: [UInt8]) throws -> Diagnostic {
        do throws(DiagnosticList) {
            _ = try DockerfileDocument(reading: bytes, name: "Dockerfile")
        } catch {
            return try #require(error.diagnostics.first)
        }
        throw DiagnosticList(Diagnostic(code: "", summary: "nothing is wrong"))
    }

    @Test("escape with a backslash unless a directive says otherwise")
    func escape() throws {
        #expect(DockerfileDocument(name: "Dockerfile").directives.escape == "\\")
        #expect(try read("# escape=`\nFROM a\nRUN a `\n b\n").stages.first?.instructions.first?.text == "RUN a  b")
    }

    @Test("may begin with a mark of byte order and have the line ends of Windows")
    func lineEnds() throws {
        let document = try read("\u{FEFF}# escape = `\r\nFROM a\r\nRUN <<E\r\nx\r\nE\r\nRUN a `\r\n  b\r\n")
        #expect(document.directives.escape == "`")
        #expect(document.lines.count == 7)
        let kinds = document.stages.first?.instructions.map(\.kind)
        let heredoc = Heredoc(name: "E", content: "x\r\n", isExpanded: true)
        #expect(kinds == [.run(.shell("<<E"), heredocs: [heredoc]), .run(.shell("a   b"), heredocs: [])])
    }

    @Test("know where each instruction and flag is")
    func places() throws {
        let document = try read("FROM a\n\n  COPY --chown=1 \\\n    # no\n   --from=x a b\n")
        let copy = try #require(document.stages.first?.instructions.first)
        #expect(copy.span == SourceSpan(firstLine: 3, lastLine: 5, column: 3))
        #expect(copy.flags.map(\.span.firstLine) == [3, 5])
        #expect(copy.flags.map(\.span.column) == [8, 4])
    }

    @Test("take docker/dockerfile as built in, and no other front end")
    func syntax() throws {
        for name in [
            "docker/dockerfile:1", "docker/dockerfile", "docker.io/docker/dockerfile:1.7-labs",
            "docker/dockerfile-upstream:master", "docker/dockerfile@sha256:0123",
        ] {
            #expect(try read("# syntax=\(name)\nFROM a").directives.syntax == name)
        }
        let other = try problem("# syntax=r.j3ss.co/frontend:1\nFROM a")
        #expect(other.summary == "the front end r.j3ss.co/frontend:1 cannot be run")
        #expect(other.location == SourceLocation(file: "Dockerfile", line: 1, column: 1))
    }

    @Test("show the line that makes no sense, and what was meant")
    func excerpt() throws {
        let diagnostic = try problem("FROM a\n\tRUN x\n  FRMO b\n")
        #expect(
            diagnostic.summary == "dockerfile parse error on line 3: unknown instruction: FRMO (did you mean FROM?)")
        #expect(diagnostic.location == SourceLocation(file: "Dockerfile", line: 3, column: 3))
        #expect(diagnostic.detail == "  2 |  RUN x\n  3 |   FRMO b\n    |   ^^^^")
    }

    @Test("tell of several mistakes at once, of ten at most")
    func several() throws {
        do throws(DiagnosticList) {
            _ = try read("FROM a\n" + String(repeating: "FRMO b\n", count: 30))
            Issue.record("nothing is wrong")
        } catch {
            #expect(error.diagnostics.count == 10)
        }
    }

    @Test("are refused where they are no text")
    func binary() throws {
        #expect(try problem([0x7F, 0x45, 0x4C, 0x46, 0]).summary == "line 1 has a NUL byte: this is no text")
        #expect(try problem([0xFF, 0xFE, 0x46, 0, 0x52, 0]).summary == "line 1 has a NUL byte: this is no text")
        let garbage = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 | 1) }
        _ = try problem(garbage)
        let long = [UInt8](repeating: 0x41, count: 100 << 20)
        #expect(try problem(long).summary == "dockerfile line greater than max allowed size of 65535")
        let large = Array(String(repeating: "# a comment\n", count: 2 << 20).utf8)
        #expect(try problem(large).summary == "the Dockerfile is larger than 16 MiB")
    }

    @Test("are read in one pass: many stages, many lines of one instruction, many heredocs")
    func size() throws {
        let stages = String(repeating: "FROM a AS b\nCOPY --from=b x y\n", count: 20_000)
        #expect(try read(stages).stages.count == 20_000)
        let lines = "FROM a\nRUN a" + String(repeating: " \\\n b", count: 200_000) + "\n"
        #expect(try read(lines).stages.first?.instructions.count == 1)
        let heredocs = "FROM a\n" + String(repeating: "COPY <<A <<B /\nA\nB\n", count: 20_000)
        #expect(try read(heredocs).stages.first?.instructions.count == 20_000)
        let quotes = "FROM a\nENV a=" + String(repeating: "\"", count: 60_000) + "\n"
        #expect(try read(quotes).stages.count == 1)
        let nested = "FROM a\nCMD " + String(repeating: "[", count: 60_000) + "\n"
        #expect(try read(nested).stages.count == 1)
    }
}
