import Diagnostics
import Linux
import StackModel
import Testing

@testable import Manifest

/// Compiles the examples of `docs/manifest.md`.
@Suite("The manifest reference", .serialized)
struct ReferenceTests {
    static let page = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/docs/manifest.md"

    /// The code of each fenced block: whole manifests, and fragments of a `resources` body.
    static func examples() throws -> (manifests: [String], fragments: [String]) {
        var manifests: [String] = []
        var fragments: [String] = []
        var block: [Substring] = []
        var kind = ""
        for line in try Files.readText(page).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                if kind == "```swift" { manifests.append(block.joined(separator: "\n")) }
                if kind == "```swift fragment" { fragments.append(block.joined(separator: "\n")) }
                kind = kind.isEmpty ? String(line) : ""
                block = []
            } else {
                block.append(line)
            }
        }
        return (manifests, fragments)
    }

    @Test("every whole manifest loads without a warning")
    func manifests() async throws {
        let examples = try Self.examples().manifests
        #expect(examples.count >= 3)
        let folder = try TemporaryFolder()
        let loader = try testLoader(cache: folder.path + "/cache")
        for (number, example) in examples.enumerated() {
            try folder.write("example\(number)/Stack.swift", example)
            let inputs = try ManifestInputs(flags: example.contains("var domain") ? ["domain=shop.example"] : [])
            let loaded = try await loader.load(folder: folder.path + "/example\(number)", inputs: inputs)
            #expect(loaded.warnings.filter { $0.code != "SC1257" } == [])
            #expect(!loaded.document.resources.isEmpty)
        }
    }

    @Test("every fragment compiles and evaluates")
    func fragments() async throws {
        let examples = try Self.examples().fragments
        #expect(examples.count >= 6)
        var text = "import StackDSL\n"
        for (number, example) in examples.enumerated() {
            let names = example.split(separator: "\n").compactMap { line in
                line.hasPrefix("let ") && !line.contains("= Stage(")
                    ? line.dropFirst(4).prefix { $0 != " " && $0 != ":" } : nil
            }
            text += "struct Part\(number): Component {\nvar resources: Resources {\n\(example)\n"
            let list = names.filter { !["url", "port"].contains($0) }.joined(separator: "\n")
            text += example.contains("return Resources") ? "}\n}\n" : "return Resources {\n\(list)\n}\n}\n}\n"
        }
        text += "@main struct Example: Stack { @Input(\"Part\") var part = 0\nvar resources: Resources { Resources {\n"
        for number in examples.indices { text += "if part == \(number) { Part\(number)() }\n" }
        text += "} } }\n"
        let folder = try TemporaryFolder()
        try folder.write("stack/Stack.swift", text)
        let loader = try testLoader(cache: folder.path + "/cache")
        for number in examples.indices {
            let inputs = try ManifestInputs(flags: ["part=\(number)"])
            let loaded = try await loader.load(folder: folder.path + "/stack", inputs: inputs)
            #expect(!loaded.document.resources.isEmpty, "\(examples[number])")
        }
    }
}
