import Builder
import Diagnostics
import Linux
import OCI
import Testing

@Suite("Builds that fail", .timeLimit(.minutes(15)))
struct BuildFailureTests {
    @Test("a process that fails is told with its place, its lines and BuildKit's sentence")
    func process() async throws {
        try await BuildLab.run { lab in
            let told = BuildLab.Told()
            let failure = try await lab.failure(
                "FROM busybox\nWORKDIR /srv\n\nRUN echo one; echo two >&2; \\\n    exit 3\nCMD x\n", told: told)
            #expect(failure.kind == .process(exitCode: 3))
            let first = try #require(failure.diagnostics.first)
            #expect(
                first.summary
                    == "process \"/bin/sh -c echo one; echo two >&2;     exit 3\" did not complete successfully: exit code: 3",
                "\(first.summary)")
            #expect(first.location == SourceLocation(file: "Dockerfile", line: 4))
            #expect(
                first.notes.contains(
                    """
                    Dockerfile:4
                    --------------------
                       3 |    \u{20}
                       4 | >>> RUN echo one; echo two >&2; \\
                       5 | >>>     exit 3
                       6 |     CMD x
                    --------------------
                    """), "\(first.notes)")
            #expect(
                first.notes.contains { $0.contains("[3/3] RUN echo one") && $0.contains("\n  two") }, "\(first.notes)")
            #expect(
                told.all.contains {
                    if case .step(let step) = $0, case .failed(let why) = step.phase {
                        why == first.summary
                    } else {
                        false
                    }
                })
            // The steps before it are found.
            #expect(try await lab.build("FROM busybox\nWORKDIR /srv\n").cachedSteps == 1)
            #expect(try await lab.builder.history().last?.error == first.summary)
        }
    }

    @Test("what is not there or makes no sense is told with its place")
    func missing() async throws {
        try await BuildLab.run { lab in
            try lab.write(["file": "x"])
            let cases: [(dockerfile: String, text: String, line: Int)] = [
                ("FROM busybox\nCOPY nosuch /\n", "nosuch", 2),
                ("FROM busybox\nRUNN x\n", "RUNN", 2),
                ("FROM busybox AS a\nFROM a\nCOPY --from=b:nope file /\n", "b:nope", 3),
                ("FROM busybox AS builder\nFROM busybox\nCOPY --from=buidler /x /\n", "did you mean `builder`?", 3),
                ("FROM localhost:1/nosuch:1\nRUN x\n", "failed to resolve source metadata", 1),
                ("FROM busybox\nRUN --security=insecure true\n", "security.insecure is not allowed", 2),
                ("FROM busybox\nRUN --network=host true\n", "network.host is not allowed", 2),
            ]
            for (dockerfile, text, line) in cases {
                let failure = try await lab.failure(dockerfile)
                #expect(failure.text.contains(text), "\(failure.text)")
                #expect(failure.diagnostics.first?.location?.line == line, "\(failure.text)")
            }
            #expect(try await lab.failure("FROM busybox\n") { $0.target = "nosuch" }.text.contains("nosuch"))
            let epoch = try await lab.failure("FROM busybox\n") { $0.arguments = ["SOURCE_DATE_EPOCH": "today"] }
            #expect(epoch.text.contains("invalid SOURCE_DATE_EPOCH: today"))
            let file = try await lab.failure("") { $0.instructions = .inContext("nosuch/Dockerfile") }
            #expect(file.text.contains("failed to read dockerfile: open nosuch/Dockerfile: no such file or directory"))
            #expect(try await lab.builder.usage().isEmpty)
        }
    }
}
