import Builder
import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite("The cache of builds", .timeLimit(.minutes(15)))
struct BuildCacheTests {
    private static let dockerfile = """
        FROM busybox
        ARG USED=1
        ARG UNUSED=1
        WORKDIR /srv
        COPY file dir ./
        RUN echo $USED > used
        LABEL a=b
        RUN cat file used > both
        """

    @Test("what counts as a change, and what does not")
    func table() async throws {
        try await BuildLab.run { lab in
            try lab.write(["file": "one\n", "dir/inner": "two\n", "beside": "x"])
            let first = try await lab.build(Self.dockerfile)
            #expect(first.cachedSteps == 0 && first.steps == 4)

            func check(
                _ what: String, _ cached: Int, _ dockerfile: String = Self.dockerfile,
                change: (inout BuildRequest) -> Void = { _ in }
            ) async throws {
                let result = try await lab.build(dockerfile, change)
                #expect(result.cachedSteps == cached && result.steps == 4, "\(what): \(result.cachedSteps)")
                if cached == 4, dockerfile == Self.dockerfile { #expect(result.imageID == first.imageID, "\(what)") }
            }
            try await check("nothing", 4)
            try lab.touch("file", Timestamp(seconds: 1_700_000_000))
            try await check("a time", 4)
            try lab.write(["beside": "y"])
            try await check("a file that is not copied", 4)
            try await check("an argument that RUN does not have", 4) { $0.arguments = ["OTHER": "2"] }
            try await check("a label", 4, Self.dockerfile.replacing("a=b", with: "a=c"))
            try await check("an argument in effect", 2) { $0.arguments = ["USED": "2"] }
            try Files.chmod(lab.path("dir/inner"), mode: 0o600)
            try await check("a mode", 1)
            try Files.chmod(lab.path("dir/inner"), mode: 0o644)
            try await check("the mode again", 4)
            try lab.write(["file": "changed\n"])
            try await check("contents", 1)
            try lab.write(["file": "one\n"])
            try await check("a command", 3, Self.dockerfile.replacing("cat file used", with: "cat used file"))
            try await check("another user", 2, Self.dockerfile.replacing("RUN echo", with: "USER 0\nRUN echo"))
            try await check("the environment", 2, Self.dockerfile.replacing("RUN echo", with: "ENV A=1\nRUN echo"))
            try await check("no cache", 0) { $0.ignoresCache = true }
            try await check("no cache for another stage", 4) { $0.uncachedStages = ["other"] }
            try await check("no cache for the stage", 0) { $0.uncachedStages = ["0"] }
        }
    }

    @Test("a step whose input came out the same is found, whatever happened before it")
    func earlyCutOff() async throws {
        try await BuildLab.run { lab in
            func dockerfile(_ comment: String) -> String {
                """
                FROM busybox AS made
                RUN echo same > /file # \(comment)
                FROM busybox
                COPY --from=made /file /file
                RUN cat /file > /copy
                RUN --mount=from=made,target=/made cat /made/file > /other
                """
            }
            let first = try await lab.build(dockerfile("one"))
            let second = try await lab.build(dockerfile("two"))
            #expect(second.imageID == first.imageID)
            #expect(second.cachedSteps == 3 && second.steps == 4, "\(second)")
        }
    }

    @Test("without the cache each copy is its own, and what is made takes the place of what was kept")
    func withoutCache() async throws {
        try await BuildLab.run { lab in
            try lab.write(["one.txt": "one\n", "two.txt": "two\n"])
            let copies = """
                FROM scratch AS one
                COPY one.txt /f
                FROM scratch AS two
                COPY two.txt /f
                FROM busybox AS x
                COPY --from=one /f /f
                FROM busybox AS y
                COPY --from=two /f /f
                FROM busybox
                COPY --from=x /f /x
                COPY --from=y /f /y
                """
            for ignoresCache in [true, false, true] {
                try await lab.build(copies) {
                    $0.ignoresCache = ignoresCache
                    $0.tags = [try? ImageReference("demo/copies:1")].compactMap { $0 }
                }
                #expect(try await lab.lab.docker("run", "--rm", "demo/copies:1", "cat", "/x", "/y").out == "one\ntwo\n")
            }
            try await lab.lab.docker("image", "rm", "-f", "demo/copies:1")
            let bound = """
                FROM busybox AS Made
                RUN echo x > /f
                FROM busybox
                RUN --mount=from=made,target=/m cat /proc/uptime /proc/sys/kernel/random/uuid > /t
                """
            let first = try await lab.build(bound)
            let second = try await lab.build(bound) { $0.ignoresCache = true }
            #expect(second.imageID != first.imageID)
            #expect(try await lab.build(bound).imageID == second.imageID)
            let filtered = try await lab.build(bound) { $0.uncachedStages = ["MADE"] }
            #expect(filtered.cachedSteps == 1 && filtered.steps == 2, "\(filtered)")
        }
    }

    @Test("an image with the same configuration never stands for FROM scratch")
    func poisoning() async throws {
        try await BuildLab.run { lab in
            // CVE-2024-24557: what was found by its configuration alone could be somebody else's image.
            try lab.write(["file": "good\n"])
            let evil = try await lab.build("FROM busybox\nRUN echo evil > /file\nHEALTHCHECK CMD true\n")
            let good = try await lab.build("FROM scratch\nCOPY file /file\nHEALTHCHECK CMD true\n")
            #expect(good.cachedSteps == 0 && good.imageID != evil.imageID)
            #expect(try await lab.image(good).layers.count == 1)
        }
    }

    @Test("the cache is listed and let go, and what images have stays usable")
    func pruning() async throws {
        try await BuildLab.run { lab in
            let builder = try await lab.builder
            let tag = try ImageReference("demo/kept:1")
            try await lab.build("FROM busybox\nRUN echo kept > /kept\n") { $0.tags = [tag] }
            let gone = try await lab.build("FROM busybox\nRUN echo gone > /gone\nRUN true\n")
            try await lab.lab.docker("image", "rm", try #require(gone.imageID).description)
            var records = try await builder.usage()
            #expect(records.count == 3 && records.filter(\.isShared).map(\.description) == ["RUN echo kept > /kept"])
            #expect(records.allSatisfy { !$0.isInUse })
            #expect(try await lab.build("FROM busybox\nRUN echo gone > /gone\n").cachedSteps == 1)

            var choice = CachePruning()
            choice.description = "echo gone"
            choice.all = true
            var report = try await builder.prune(choice)
            #expect(report.removed.map(\.description) == ["RUN echo gone > /gone"])
            report = try await builder.prune(CachePruning())
            #expect(report.removed.map(\.description) == ["RUN true"] && report.freedBytes == 0)
            choice = CachePruning()
            choice.all = true
            report = try await builder.prune(choice)
            #expect(report.removed.map(\.description) == ["RUN echo kept > /kept"])
            records = try await builder.usage()
            #expect(records.isEmpty)
            #expect(try await lab.lab.docker("run", "--rm", "demo/kept:1", "cat", "/kept").out == "kept\n")
            try await lab.lab.docker("image", "rm", "-f", "demo/kept:1")
            #expect(try await lab.lab.engine.images.verify().isEmpty)
        }
    }
}
