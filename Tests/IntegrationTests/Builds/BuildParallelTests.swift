import Builder
import ImageStore
import Linux
import OCI
import Testing

@Suite("Builds side by side", .timeLimit(.minutes(15)))
struct BuildParallelTests {
    @Test("independent stages run at the same time: each waits for a sign of the other")
    func stages() async throws {
        try await BuildLab.run { lab in
            func stage(_ own: String, _ other: String) -> String {
                """
                FROM busybox AS \(own)
                RUN --mount=type=cache,target=/signs touch /signs/\(own); \
                n=0; until [ -e /signs/\(other) ]; do n=$((n+1)); [ $n -lt 2400 ] || exit 1; sleep 0.05; done; \
                touch /\(own)

                """
            }
            let result = try await lab.build(
                stage("left", "right") + stage("right", "left")
                    + "FROM scratch\nCOPY --from=left /left /\nCOPY --from=right /right /\n")
            #expect(try await lab.image(result).layers.count == 2)
        }
    }

    @Test("what two builds need at the same time is done once")
    func flights() async throws {
        try await BuildLab.run { lab in
            let dockerfile =
                "FROM busybox\nRUN --mount=type=cache,target=/runs echo x >> /runs/count; sleep 0.3; cp /runs/count /\n"
            async let one = lab.build(dockerfile)
            async let two = lab.build(dockerfile)
            let (first, second) = try await (one, two)
            #expect(first.imageID == second.imageID && first.cachedSteps + second.cachedSteps == 1)
        }
    }

    @Test("the end of the daemon ends builds, and the next one finds what was finished")
    func daemonEnds() async throws {
        try await BuildLab.run { lab in
            let told = BuildLab.Told()
            let builder = try await lab.builder
            let request = try lab.request("FROM busybox\nRUN echo first > /first\nRUN echo going; sleep 1000\n")
            let task = Task { try await builder.build(request) { told.take($0) } }
            try await lab.lab.eventually("the second step runs") { told.log.contains("going") }
            try await lab.lab.stop()
            let failure = await #expect(throws: BuildFailure.self) { _ = try await task.value }
            #expect(failure?.kind == .cancelled)
            try await lab.lab.start()
            #expect(try await lab.build("FROM busybox\nRUN echo first > /first\n").cachedSteps == 1)
            #expect(try Files.list(lab.lab.root + "/builds/steps").isEmpty)
        }
    }

    @Test("a build that is cancelled leaves nothing, and what it had finished is found")
    func cancelling() async throws {
        try await BuildLab.run { lab in
            let told = BuildLab.Told()
            let dockerfile = "FROM busybox\nRUN echo first > /first\nRUN echo going; sleep 1000\n"
            let task = Task { try await lab.build(dockerfile, told: told) }
            try await lab.lab.eventually("the second step runs") { told.log.contains("going") }
            task.cancel()
            let result = await task.result
            #expect(throws: BuildFailure.self) { try result.get() }
            #expect(told.all.contains { if case .step(let step) = $0 { step.phase == .cancelled } else { false } })
            let again = try await lab.build("FROM busybox\nRUN echo first > /first\n")
            #expect(again.cachedSteps == 1)
            #expect(try await lab.builder.history().map(\.status) == [.completed, .cancelled])
            #expect(try Files.list(lab.lab.root + "/builds/steps").isEmpty)
        }
    }
}
