import Builder
import Diagnostics
import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite("Builds", .timeLimit(.minutes(15)))
struct BuildTests {
    @Test("a Dockerfile becomes an image whose files, configuration and history it tells")
    func whole() async throws {
        try await BuildLab.run { lab in
            try lab.write(["app/run.sh": "echo from the context\n", "skipped": "x", ".dockerignore": "skipped\n"])
            let told = BuildLab.Told()
            let result = try await lab.build(
                """
                FROM busybox AS base
                ARG VERSION=1
                ENV APP=/srv/app
                WORKDIR $APP
                COPY app .
                RUN echo "built $VERSION" > built && chmod 755 run.sh
                LABEL of=test
                EXPOSE 80
                USER user
                CMD ["sh", "run.sh"]
                """, told: told
            ) { request in
                request.tags = (try? ImageReference("demo/app:1")).map { [$0] } ?? []
                request.labels = ["given": "yes"]
                request.arguments = ["VERSION": "2"]
            }
            let image = try await lab.image(result)
            #expect(image.references.map(\.familiar) == ["demo/app:1"])
            let execution = image.config.execution
            #expect(execution.command == ["sh", "run.sh"] && execution.user == "user")
            #expect(execution.env.contains("APP=/srv/app") && execution.env.contains("FROM_IMAGE=yes"))
            #expect(execution.labels == ["of": "test", "given": "yes"] && execution.exposedPorts == ["80/tcp"])
            #expect(execution.workingDirectory == "/srv/app")
            let told2 = image.config.history.suffix(9)
            #expect(told2.map(\.emptyLayer) == [true, true, false, false, false, true, true, true, true], "\(told2)")
            #expect(image.config.diffIDs.count == image.config.history.count { !$0.emptyLayer })
            #expect(image.config.history.contains { $0.createdBy?.contains("|1 VERSION=2 /bin/sh -c echo") == true })
            #expect(
                told.names.filter { !$0.hasPrefix("export") } == [
                    "[internal] load build definition from Dockerfile", "[internal] load .dockerignore",
                    "[internal] load metadata for docker.io/library/busybox:latest",
                    "[base 1/4] FROM docker.io/library/busybox:latest", "[base 2/4] WORKDIR /srv/app",
                    "[base 3/4] COPY app .",
                    "[base 4/4] RUN echo \"built 2\" > built && chmod 755 run.sh",
                    "[internal] load build context",
                ], "\(told.names)")
            #expect(result.steps == 3 && result.cachedSteps == 0)
            let output = try await lab.lab.docker("run", "--rm", "demo/app:1", "sh", "-c", "cat built; sh run.sh; ls")
            #expect(output.out == "built 2\nfrom the context\nbuilt\nrun.sh\n")

            let again = try await lab.build("FROM demo/app:1\nRUN whoami\n", told: told)
            #expect(told.log.contains("user") && again.steps == 1)
            let history = try await lab.builder.history()
            #expect(history.map(\.status) == [.completed, .completed] && history.last?.name == "demo/app:1")
            let log = try #require(try await lab.builder.historyLog(history[0].id))
            #expect(log.contains("[2/2] RUN whoami") && log.contains(" user\n"), "\(log)")
        }
    }

    @Test("a working directory that is made belongs to the user of its step")
    func workingDirectoryOfUser() async throws {
        try await BuildLab.run { lab in
            let told = BuildLab.Told()
            try await lab.build(
                """
                FROM busybox
                WORKDIR /of-root
                USER user
                WORKDIR /of-root/new/deep
                RUN touch file && test "$(stat -c %u ..)" = "$(id -u)" && stat -c 'there before %u:%g' /of-root
                USER 7:8
                WORKDIR /numbers
                RUN stat -c 'numbers %u:%g' .
                USER nobody-knows
                WORKDIR /unknown
                USER 0
                RUN stat -c 'unknown %u:%g' .
                RUN rm /etc/passwd && head -c 5000000 /dev/zero > /etc/passwd
                USER user
                WORKDIR /unreadable
                """, told: told)
            for line in ["there before 0:0", "numbers 7:8", "unknown 0:0"] {
                #expect(told.log.contains(line), "\(told.log)")
            }
        }
    }

    @Test("a layer may be in an image more than once")
    func repeatedLayers() async throws {
        try await BuildLab.run { lab in
            try lab.write(["file": "content\n"])
            let result = try await lab.build(
                """
                FROM busybox
                COPY file /copy
                RUN rm /copy
                COPY file /copy
                COPY file /copy
                RUN test -e /copy
                """)
            let image = try await lab.image(result)
            #expect(Set(image.layers).count < image.layers.count)
            let output = try await lab.lab.docker("run", "--rm", image.id.description, "cat", "/copy")
            #expect(output.out == "content\n")
            // Layers in common that are there again above hide nothing of what is between.
            let before = try await lab.build("FROM busybox\nCOPY file /copy\n")
            let after = try await lab.build("FROM busybox\nCOPY file /copy\nCOPY file /between\nCOPY file /copy\n")
            let names = try await (lab.image(before).id.description, lab.image(after).id.description)
            let difference = try await lab.lab.engine.difference(from: names.0, to: names.1)
            #expect(difference.files.map(\.path) == ["/between"])
        }
    }

    @Test("only what the target needs is done; files come from stages, images and named contexts")
    func stages() async throws {
        try await BuildLab.run { lab in
            try lab.write(["file": "named\n"], in: "other")
            let named = try lab.context("other")
            let dockerfile = """
                FROM busybox AS needed
                RUN mkdir /out && echo made > /out/made
                FROM busybox AS broken
                RUN exit 7
                FROM needed AS child
                RUN echo more >> /out/made
                FROM scratch AS result
                COPY --from=child /out /
                COPY --from=busybox /data/seed/file /seed
                COPY --from=extra file /named
                COPY --link <<EOF /inline
                text
                EOF
                FROM broken
                """
            let told = BuildLab.Told()
            let result = try await lab.build(dockerfile, told: told) { request in
                request.target = "result"
                request.namedContexts = ["extra": .tree(named)]
            }
            #expect(!told.names.contains { $0.contains("broken") }, "\(told.names)")
            let image = try await lab.image(result)
            #expect(image.layers.count == 4)
            let tree = try await lab.builder.tree(of: image.layers)
            let files = try Files.list(descriptor: tree.root.raw).map(\.name).sorted()
            #expect(files == ["inline", "made", "named", "seed"])
            #expect(try Files.open("made", at: tree.root.raw).readAll() == Array("made\nmore\n".utf8))
        }
    }

    @Test("ONBUILD of a base runs in its children and not in theirs")
    func triggers() async throws {
        try await BuildLab.run { lab in
            try lab.write(["a": "from the context\n"])
            let tag = try ImageReference("demo/base:1")
            try await lab.build("FROM busybox\nONBUILD COPY a /a\nONBUILD RUN cat /a > /b\n") { $0.tags = [tag] }
            let child = try ImageReference("demo/child:1")
            let result = try await lab.build("FROM demo/base:1\nRUN cat /b > /c\n") { $0.tags = [child] }
            let image = try await lab.image(result)
            #expect(image.config.execution.onBuild.isEmpty && image.layers.count == 4)
            let last = try await lab.build("FROM demo/child:1\nRUN cat /c > /d\n")
            #expect(try await lab.image(last).layers.count == 5 && last.steps == 1)
        }
    }

    @Test("a named context takes a base image's place, as files or as an image; its .dockerignore counts")
    func contexts() async throws {
        try await BuildLab.run { lab in
            try lab.write(["bin/x": "x", "left/out": "y", ".dockerignore": "left\n"], in: "root")
            let files = try lab.context("root")
            let result = try await lab.build("FROM base:1\nLABEL a=b\nFROM swapped AS other\n") { request in
                request.target = "0"
                request.namedContexts = ["base:1": .tree(files), "swapped": .image("docker-image://busybox")]
            }
            let tree = try await lab.builder.tree(of: try await lab.image(result).layers)
            #expect(try Files.list(descriptor: tree.root.raw).map(\.name).sorted() == [".dockerignore", "bin"])
            let image = try await lab.build("FROM swapped\n") {
                $0.namedContexts = ["swapped": .image("docker-image://busybox")]
            }
            let busybox = try #require(try await lab.lab.engine.images.resolve("busybox"))
            #expect(try await lab.image(image).layers == busybox.layers)
        }
    }

    @Test("remarks of --check are told, with what base images say, and fail the build where the Dockerfile wants that")
    func remarks() async throws {
        try await BuildLab.run { lab in
            let told = BuildLab.Told()
            let dockerfile = "FROM busybox as base\nLABEL a=$FROM_IMAGE b=$NOSUCH\nMAINTAINER me\n"
            let result = try await lab.build(dockerfile, told: told)
            let rules = result.warnings.map { $0.summary.prefix { $0 != ":" } }
            #expect(Set(rules) == ["FromAsCasing", "MaintainerDeprecated", "UndefinedVar"], "\(result.warnings)")
            #expect(told.all.count { if case .warning = $0 { true } else { false } } == 3)
            let checked = try await lab.build(dockerfile) { $0.checksOnly = true }
            #expect(checked.imageID == nil && checked.warnings.count == 2)
            let failure = try await lab.failure("# check=error=true\n" + dockerfile)
            #expect(failure.text.contains("lint violation found for rules: "), "\(failure.text)")
            #expect(try await lab.image(result).config.author == "me")
        }
    }

    @Test("another platform is refused where its programs cannot run, and built where none does")
    func platforms() async throws {
        try await BuildLab.run { lab in
            try lab.write(["file": "x"])
            let platform = Platform(os: "linux", architecture: "s390x")
            let result = try await lab.build("FROM scratch\nCOPY file /\nLABEL a=$TARGETARCH\n") {
                $0.platforms = [platform]
            }
            #expect(try await lab.image(result).config.platform == platform)
            let failure = try await lab.failure("FROM scratch\nCOPY file /\nRUN [\"/file\"]\n") {
                $0.platforms = [platform]
            }
            #expect(failure.text.contains("RUN for linux/s390x cannot run on this host"), "\(failure.text)")
        }
    }
}
