import Apply
import ImageStore
import JSONText
import Linux
import OCI
import StackModel
import Testing

@testable import Engine

@Suite("What compose files say of builds", .serialized, .timeLimit(.minutes(5)))
struct BuildFieldTests {
    private static func site(_ files: String, _ more: JSONObject = JSONObject()) -> JSONObject {
        var origin: JSONObject = [
            "dockerfileText": """
            FROM base
            COPY --from=files a.txt /a
            COPY --from=tools /bin/busybox /opt/busybox
            RUN grep mirror /etc/hosts > /hosts; ulimit -n > /limit; df -k /dev/shm | tail -1 > /shm
            RUN --mount=type=bind,from=files,source=sub,target=/sub cat /sub/b.txt > /b
            RUN --mount=type=secret,id=token wc -c < /run/secrets/token > /length

            """,
            "contexts": [
                "base": ["$ref": "image.shop/base", "attribute": "id"], "files": .string(files),
                "tools": "docker-image://busybox",
            ], "labels": ["made": "here"], "extraHosts": ["mirror:10.9.8.7"], "shmSize": 8_388_608,
            "ulimits": ["nofile": ["soft": 77, "hard": 99]], "network": "none",
        ]
        for (key, value) in more { origin[key] = value }
        return ["from": .object(origin), "tags": ["shop/site:two"]]
    }

    private static func sealed(_ lab: StackLab) async throws -> String {
        let texts = try await lab.host.engine.sealedTexts
        return try texts.seal("not told")
    }

    private static func resources(_ files: String, _ more: JSONObject = JSONObject()) -> [String: JSONObject] {
        [
            "image.shop/base": ["from": ["dockerfileText": "FROM busybox\nENV BASE=1\n"]],
            "image.shop/site": site(files, more),
            "container.web": StackLab.sleeper(["image": ["$ref": "image.shop/site", "attribute": "id"]]),
        ]
    }

    private static func folder() throws -> String {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-build-fields-")
        try Files.makeDirectories("\(folder)/sub")
        for (name, text) in [
            ("a.txt", "one\n"), ("sub/b.txt", "two\n"), ("unused.txt", "x"), (".dockerignore", "no*\n"),
        ] {
            try Files.write("\(folder)/\(name)", Array(text.utf8))
        }
        return folder
    }

    @Test("inline text, named contexts, hosts, limits and labels are in the image; more names lead to it")
    func fields() async throws {
        let lab = try await StackLab()
        let folder = try Self.folder()
        let secret: JSONObject = ["secretValues": ["token": .string(try await Self.sealed(lab))]]
        try await lab.apply(Self.resources(folder, secret))
        #expect(try await lab.run("shop-web", "cat", "/length") == "8")
        #expect(try await lab.run("shop-web", "cat", "/a", "/b") == "one\ntwo")
        #expect(try await lab.run("shop-web", "cat", "/hosts").contains("10.9.8.7"))
        #expect(try await lab.run("shop-web", "cat", "/limit") == "77")
        #expect(try await lab.run("shop-web", "cat", "/shm").contains("8192"))
        #expect(try await lab.run("shop-web", "/opt/busybox", "echo", "here") == "here")
        #expect(try await lab.run("shop-web", "sh", "-c", "echo $BASE") == "1")
        let engine = try await lab.host.engine
        let image = try #require(try await engine.images.resolve("shop/site:two"))
        #expect(image.config.execution.labels["made"] == "here")
        #expect(try await engine.images.resolve("shop/site")?.id == image.id)

        // What is not used is no input; how it is built makes no other image.
        try Files.write("\(folder)/unused.txt", Array("y".utf8))
        #expect(
            try await lab.plan(
                Self.resources(
                    folder,
                    [
                        "extraHosts": ["mirror:10.9.8.8"], "noCache": true, "noCacheStages": ["any"],
                        "secretValues": ["token": "other"],
                    ])
            ).lines == []
        )

        try Files.write("\(folder)/sub/b.txt", Array("three\n".utf8))
        let plan = try await lab.plan(Self.resources(folder, secret))
        #expect(
            plan.lines.contains {
                $0.hasPrefix("recreate image.shop/site") && $0.hasSuffix("files: sub/b.txt changed")
            }, "\(plan)")
        #expect(!plan.lines.contains { $0.contains("image.shop/base") }, "\(plan)")
        try await lab.apply(Self.resources(folder, secret))
        #expect(try await lab.run("shop-web", "cat", "/b") == "three")

        // Another text is another image; a name that is taken back is gone, and the image stays.
        var renamed = Self.resources(folder, secret)
        renamed["image.shop/site"]?["tags"] = ["shop/site:three"]
        try await lab.apply(renamed)
        #expect(try await engine.images.resolve("shop/site:two") == nil)
        #expect(try await engine.images.resolve("shop/site:three") != nil)
        try await lab.stacks.destroy("shop") { _ in }
        #expect(try await engine.images.resolve("shop/site:three") == nil)
        try? Files.removeTree(folder)
        try await lab.takeDown()
    }

    @Test("what cannot be had is refused by name")
    func refusals() async throws {
        let lab = try await StackLab()
        func problems(_ more: JSONObject) async throws -> [String] {
            try await lab.problems([
                "image.shop/base": ["from": ["dockerfileText": "FROM busybox\n"]],
                "image.shop/x": Self.site("/nowhere-at-all", more),
            ])
        }
        #expect(try await problems(["ssh": ["default"]]).contains { $0.contains("ssh: default") })
        #expect(try await problems(["platforms": ["plan 9"]]).contains { $0.contains("platforms must be") })
        #expect(try await problems(["entitlements": ["device"]]).contains { $0.contains("entitlements must be") })
        #expect(
            try await problems(["contexts": ["a": "https://example.com/x.git"]]).contains {
                $0.contains("contexts.a must be")
            })
        #expect(try await problems(["contexts": ["a": "/nowhere-at-all"]]).contains { $0.contains("/nowhere-at-all") })
        #expect(try await problems(["isolation": "hyperv"]).contains { $0.contains("no attribute \"isolation\"") })
        try await lab.takeDown()
    }
}
