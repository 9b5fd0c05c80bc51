import Diagnostics
import Dockerfile
import Linux
import Synchronization
import Testing

@testable import Builder

@Suite("What builds tell")
struct BuildProgressTests {
    @Test("steps are numbered, end once, and those left open are cancelled")
    func phases() {
        let told = Mutex<[String]>([])
        let progress = BuildProgress { event in
            guard case .step(let step) = event else { return }
            let phase =
                switch step.phase {
                case .waiting: "waits"
                case .started: "begins"
                case .cached: "cached"
                case .done: "done"
                case .failed(let why): why
                case .cancelled: "cancelled"
                }
            told.withLock { $0.append("\(step.id) \(phase)") }
        }
        let (one, two, three) = (progress.announce("a"), progress.announce("b"), progress.announce("c"))
        progress.start(two)
        progress.end(two)
        progress.fail(two, "late")
        progress.endCached(one)
        progress.start(three)
        progress.cancelOpenSteps()
        #expect(
            told.withLock { $0 } == [
                "1 waits", "2 waits", "3 waits", "2 begins", "2 done", "1 cached", "3 begins", "3 cancelled",
            ])
        #expect(progress.nextStep == 4)
    }

    @Test("the last lines of a step are remembered, and its transcript is as --progress=plain shows it")
    func transcript() {
        let progress = BuildProgress { _ in }
        let step = progress.announce("[1/1] RUN make")
        progress.start(step)
        for number in 0..<2000 { progress.log(step, isError: number % 2 == 0, Array("line \(number)\n".utf8)) }
        progress.log(step, isError: false, Array("no end".utf8))
        #expect(progress.lastLines(of: step, 3) == ["line 1998", "line 1999", "no end"])
        progress.fail(step, "broken")
        let lines = progress.transcript.split(separator: "\n")
        #expect(lines.first == "#1 [1/1] RUN make" && lines.last == "#1 ERROR: broken")
        #expect(lines.count == 2003 && lines[1].hasPrefix("#1 0.") && lines[1].hasSuffix(" line 0"))
    }

    @Test("a transcript that is long lacks its middle")
    func bounded() {
        let progress = BuildProgress { _ in }
        let step = progress.announce("long")
        progress.start(step)
        let line = Array((String(repeating: "x", count: 1000) + "\n").utf8)
        for _ in 0..<2000 { progress.log(step, isError: false, line) }
        progress.log(step, isError: false, Array("last\n".utf8))
        let text = progress.transcript
        #expect(text.utf8.count < 300 << 10 && text.contains("output left out") && text.hasSuffix(" last\n"))
    }

    @Test("the lines around a place are shown, those of it marked")
    func excerpt() {
        let document = DockerfileDocument(name: "D", lines: ["FROM a", "RUN b \\", "  c", "CMD d"])
        #expect(
            document.excerpt(SourceSpan(firstLine: 2, lastLine: 3))
                == """
                D:2
                --------------------
                   1 |     FROM a
                   2 | >>> RUN b \\
                   3 | >>>   c
                   4 |     CMD d
                --------------------
                """)
        #expect(document.excerpt(SourceSpan(firstLine: 4, lastLine: 9))?.contains("   4 | >>> CMD d") == true)
        #expect(document.excerpt(SourceSpan(firstLine: 9, lastLine: 9)) == nil)
        #expect(DockerfileDocument(name: "D").excerpt(SourceSpan(firstLine: 1, lastLine: 1)) == nil)
    }

    @Test("a gate lets only so many in, and one that is cancelled before its turn takes no place")
    func gate() async throws {
        let gate = StepGate(places: 1)
        let (entered, leave) = (Completion(), Completion())
        let first = Task {
            try await gate.run {
                entered.complete()
                await leave.wait()
            }
        }
        await entered.wait()
        let second = Task { try await gate.run { 2 } }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        leave.complete()
        try await first.value
        #expect(try await gate.run { 3 } == 3)
    }
}
