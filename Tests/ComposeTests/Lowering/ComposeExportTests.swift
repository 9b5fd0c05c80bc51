import Compose
import Diagnostics
import JSONText
import StackModel
import Testing

@Suite("stacks of manifests as compose files")
struct ComposeExportTests {
    private static let place = SourceLocation(file: "stacks/shop/Stack.swift", line: 7)

    private static func resource(
        _ address: String, _ attributes: JSONObject, after: [StackDependency] = [], protect: Bool = false
    ) throws -> StackResource {
        StackResource(
            address: try #require(ResourceAddress(address)), attributes: attributes, dependencies: after,
            location: place, protect: protect)
    }

    private static func shop() throws -> StackDocument {
        let db = try #require(ResourceAddress("container.db"))
        return StackDocument(
            name: "shop",
            resources: [
                try resource("image.shop/site", ["from": ["stages": []]]),
                try resource("network.backend", ["subnet": "10.42.0.0/24"]),
                try resource("volume.data", ["content": ["a.txt": "a"]], protect: true),
                try resource(
                    "container.db",
                    [
                        "image": "postgres:17",
                        "networks": [["network": ["$ref": "network.backend", "attribute": "id"]]],
                        "mounts": [
                            [
                                "type": "volume", "source": ["$ref": "volume.data", "attribute": "name"],
                                "target": "/var/lib/postgresql/data",
                            ]
                        ],
                        "healthcheck": ["test": ["CMD", "pg_isready"], "interval": 5_000_000_000],
                    ]),
                try resource(
                    "container.web[1]",
                    [
                        "image": ["$ref": "image.shop/site", "attribute": "id"],
                        "env": [
                            "DATABASE_URL": [
                                "$text": ["postgres://", ["$ref": "container.db", "attribute": "host"], ":5432/shop"]
                            ], "PRICE": "$5",
                        ],
                        "ports": [["published": 8080, "target": 80, "protocol": "tcp"]],
                        "limits": ["memory": 268_435_456, "nanoCPUs": 500_000_000, "cpusetMems": "0"],
                        "update": ["order": "startFirst", "healthyWithin": 30_000_000_000, "onFailure": "rollBack"],
                    ], after: [StackDependency(address: db, until: .healthy)]),
            ],
            outputs: [StackOutput(name: "url", value: "http://127.0.0.1:8080/", location: place)])
    }

    @Test("a stack is written in the words of compose files")
    func text() throws {
        let (text, _) = ComposeExport.yaml(of: try Self.shop())
        let lines = text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " }.description }
        for line in [
            "name: shop", "image: postgres:17", "DATABASE_URL: postgres://db:5432/shop", "PRICE: $$5",
            "mem_limit: \"268435456\"", "cpus: 0.5", "condition: service_healthy", "order: start-first",
            "failure_action: rollback", "monitor: 30s", "interval: 5s", "published: \"8080\"",
            "- subnet: 10.42.0.0/24", "source: data", "protect: true", "- no-new-privileges",
        ] { #expect(lines.contains(line), "\(line) is not in\n\(text)") }
    }

    @Test("what a compose file cannot say is noted by name and place")
    func notes() throws {
        let (_, notes) = ComposeExport.yaml(of: try Self.shop())
        #expect(
            notes.map { "\($0.code) \($0.address ?? "-")" } == [
                "SC2462 volume.data", "SC2461 image.shop/site", "SC2462 container.web[1]",
                "SC2463 -",
            ])
        #expect(notes.allSatisfy { $0.severity == .note && $0.location != nil })
    }

    @Test("a variable that is taken away must not be set where the file is used, and is noted")
    func unset() throws {
        let hook: JSONValue = ["command": ["x"], "env": ["A": "1"], "unsetEnv": ["TOKEN"]]
        let web = try Self.resource(
            "container.web[1]", ["image": "x", "unsetEnv": ["HTTP_PROXY"], "hooks": ["postStart": [hook]]])
        let (text, notes) = ComposeExport.yaml(of: StackDocument(name: "shop", resources: [web], outputs: []))
        #expect(notes.map(\.code) == ["SC2467", "SC2467"])
        #expect(zip(notes, ["HTTP_PROXY", "TOKEN"]).allSatisfy { $0.summary.contains($1) })
        let again = try #require(try ModelLab.project(text).document().resources.last)
        #expect(again.attributes["unsetEnv"] == ["HTTP_PROXY"])
        #expect(again.attributes["hooks"]?["postStart"] == [hook])
    }

    @Test("the file is read again and lowered")
    func again() throws {
        let (text, _) = ComposeExport.yaml(of: try Self.shop())
        let document = try ModelLab.project(text).document()
        #expect(
            document.resources.map(\.address.description)
                == ["network.backend", "volume.data", "container.db", "container.web[1]"])
        let web = try #require(document.resources.last)
        #expect(web.attributes["env"]?["PRICE"] == "$5")
        #expect(web.attributes["limits"] == ["memory": 268_435_456, "nanoCPUs": 500_000_000])
        #expect(web.attributes["update"]?["order"] == "startFirst")
        #expect(document.resources[1].protect)
    }

    @Test("x-stackctl is read of files as it is written")
    func extensions() throws {
        let project = try ModelLab.project(
            """
            services:
              job: {image: x, x-stackctl: {one-shot: true, protect: true}}
            volumes:
              data: {x-stackctl: {protect: true}}
            """)
        let document = try project.document()
        let job = try #require(document.resources.last)
        #expect(job.attributes["oneShot"] == true && job.protect)
        #expect(document.resources.first { $0.address.kind == .volume }?.protect == true)
    }
}
