import Diagnostics
import JSONText
import StackModel
import Testing

@Suite("Resource addresses")
struct ResourceAddressTests {
    @Test(
        "an address is read back from its text",
        arguments: ["container.web", "container.web[1]", "image.shop/site:2", "volume.a_b-c", "network.x[10]"])
    func roundTrip(text: String) {
        #expect(ResourceAddress(text)?.description == text)
    }

    @Test(
        "other texts are no address",
        arguments: [
            "", "web", "container.", "pod.web", "container.web[", "container.web[x]", "container.[1]", "container.a]",
        ])
    func refused(text: String) {
        #expect(ResourceAddress(text) == nil)
    }

    @Test("addresses are ordered by kind, name and replica")
    func order() {
        let texts = ["container.a[10]", "container.a[2]", "volume.z", "image.y", "network.b", "container.a"]
        let sorted = texts.compactMap { ResourceAddress($0) }.sorted().map(\.description)
        #expect(sorted == ["image.y", "network.b", "volume.z", "container.a", "container.a[2]", "container.a[10]"])
    }
}

@Suite("Stack documents")
struct StackDocumentTests {
    let place = SourceLocation(file: "Stack.swift", line: 4)

    var document: StackDocument {
        let network = ResourceAddress(kind: .network, name: "back")
        return StackDocument(
            name: "shop",
            resources: [
                StackResource(address: network, location: place),
                StackResource(
                    address: ResourceAddress(kind: .container, name: "web", index: 1),
                    attributes: [
                        "env": ["A": "b"],
                        "networks": [["network": StackReference(address: network, attribute: "id").json]],
                    ],
                    dependencies: [StackDependency(address: network, until: .created)], location: place, protect: true,
                    locations: ["env.A": SourceLocation(file: "Stack.swift", line: 9)]),
            ],
            outputs: [StackOutput(name: "url", value: "http://x/", location: place, sensitive: true)],
            inputs: [
                StackInput(
                    name: "n", type: "Int", description: "d", defaultValue: 2, required: false, value: 3,
                    location: place)
            ],
            diagnostics: [Diagnostic(severity: .warning, code: "SC1", summary: "w")])
    }

    @Test("a document is read back from its JSON")
    func roundTrip() throws {
        let text = document.json.serialized(.canonical)
        #expect(try StackDocument(json: try JSONValue.parse(text)) == document)
    }

    @Test("a document of another version is refused by its version")
    func version() {
        var json = document.json.objectValue ?? [:]
        json["version"] = 2
        #expect { try StackDocument(json: .object(json)) } throws: { error in
            (error as? DiagnosticList)?.diagnostics.first?.summary == "the stack document has version 2, not 1"
        }
    }

    @Test("all damage of a document is listed")
    func damage() {
        let json: JSONValue = [
            "version": 1, "name": "x",
            "resources": [
                [
                    "address": "container.a",
                    "attributes": ["env": ["H": ["$ref": "container.gone", "attribute": "host"]]],
                    "location": ["file": "S", "line": 1],
                ],
                ["address": "container.a", "attributes": [:], "location": ["file": "S", "line": 2]],
                ["address": "pod.x", "attributes": [:], "location": ["file": "S", "line": 3]],
                ["address": "volume.v", "location": ["file": "S", "line": 3]],
                ["address": "volume.w", "attributes": [:]],
            ],
        ]
        #expect { try StackDocument(json: json) } throws: { error in
            (error as? DiagnosticList)?.diagnostics.count == 5
        }
    }

    @Test("the place of an attribute is its own line, or that of what encloses it")
    func places() {
        let web = document.resources[1]
        #expect(web.location(of: "env.A").line == 9)
        #expect(web.location(of: "env.A.x").line == 9)
        #expect(web.location(of: "env.B").line == 4)
        #expect(web.location(of: "ports[0].published").line == 4)
    }
}

@Suite("References")
struct StackReferenceTests {
    let host = StackReference(address: ResourceAddress(kind: .container, name: "db"), attribute: "host")

    @Test("references and texts are resolved wherever they stand")
    func resolve() throws {
        let value: JSONValue = ["a": [host.json, "x"], "b": StackReference.text(["pg://", host.json, ":", "5432"])]
        let resolved = try StackReference.resolve(value) { $0 == host ? "db.local" : nil }
        #expect(resolved == ["a": ["db.local", "x"], "b": "pg://db.local:5432"])
        #expect(StackReference.references(in: value) == [host, host])
    }

    @Test("an unknown reference is reported, or left in place")
    func unknown() {
        let value: JSONValue = ["b": StackReference.text(["pg://", host.json])]
        #expect(throws: UnresolvedReferences.self) { try StackReference.resolve(value) { _ in nil } }
        let partial = StackReference.resolveKnown(value) { _ in nil }
        #expect(partial.value == value)
        #expect(partial.unresolved == [host])
    }

    @Test("a text without references is a plain string")
    func plainText() {
        #expect(StackReference.text(["a", "b"]) == "ab")
        #expect(StackReference.text([]) == "")
    }

    @Test("an object that only looks like a reference is none")
    func lookAlike() {
        #expect(StackReference(json: ["$ref": "container.db"]) == nil)
        #expect(StackReference(json: ["$ref": "nowhere", "attribute": "x"]) == nil)
        #expect(StackReference(json: ["$ref": "container.db", "attribute": "x", "more": 1]) == nil)
    }
}
