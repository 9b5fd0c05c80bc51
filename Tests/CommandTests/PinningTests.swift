import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import stackctl

@Suite("what is pinned")
struct PinningTests {
    private static func resource(_ address: String, _ attributes: JSONObject) throws -> StackResource {
        StackResource(
            address: try #require(ResourceAddress(address)), attributes: attributes,
            location: Diagnostics.SourceLocation(file: "Stack.swift", line: 1))
    }

    @Test("a container that says when it pulls keeps its tag")
    func pull() throws {
        let document = StackDocument(
            name: "shop",
            resources: [
                try Self.resource("container.a", ["image": "redis:7"]),
                try Self.resource("container.b", ["image": "postgres:17", "pull": "missing"]),
            ])
        #expect(ImageTags.unpinned(in: document).map(\.tag) == ["redis:7"])
        let pinned = ImageTags.pinned(document, by: ["postgres:17": "sha256:" + String(repeating: "a", count: 64)])
        #expect(pinned.resources.last?.attributes["image"] == "postgres:17")
    }

    @Test("bases are those of the text, but neither named contexts nor those of compose projects")
    func bases() throws {
        let text = "FROM debian:12 AS one\nFROM own\nCOPY --from=one / /\n"
        let document = StackDocument(
            name: "shop",
            resources: [
                try Self.resource(
                    "image.a",
                    [
                        "from": [
                            "dockerfileText": .string(text),
                            "contexts": ["own": "docker-image://alpine:3", "files": "/srv"],
                        ]
                    ]),
                try Self.resource(
                    "image.b",
                    ["from": ["dockerfileText": .string(text), "labels": ["com.docker.compose.project": "shop"]]]),
            ])
        let added = DockerfileBases.added(to: document)
        #expect(
            added.resources[0].attributes["from"]?["bases"] == ["alpine:3": "alpine:3", "debian:12": "debian:12"])
        #expect(added.resources[1].attributes["from"]?["bases"] == nil)
    }
}
