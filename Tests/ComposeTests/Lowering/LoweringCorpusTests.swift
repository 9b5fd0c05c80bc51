import Compose
import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

/// Each project of the corpus as the document in `Golden/NAME.txt`; `STACKCTL_UPDATE_GOLDEN=1` writes that anew.
@Suite("compose projects in the styles people use as stacks")
struct LoweringCorpusTests {
    private static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: "/") + "/Golden"
    }()

    private static let projects: [String] = {
        let names = ((try? Files.list(CorpusFiles.folder)) ?? []).map(\.name)
        return names.filter { !$0.contains(".") }.sorted()
    }()

    private static func document(_ project: ComposeProject) throws(DiagnosticList) -> StackDocument {
        try project.document(seal: project.valuesToSeal.mapValues { _ in "SEALED" })
    }

    // What is only long says nothing more.
    @Test("are what is written down", arguments: projects.filter { $0 != "huge" })
    func expected(name: String) throws {
        var text: String
        do {
            text = Self.listing(try Self.document(CorpusFiles.project(name)))
        } catch let list as DiagnosticList {
            text = list.sorted.map { Self.line($0) }.joined()
        }
        let path = "\(Self.folder)/\(name).txt"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") == "1" {
            try Files.writeAtomically(path, Array(text.utf8), mode: 0o644)
        }
        #expect(try Files.readText(path) == text, "differs from Golden/\(name).txt")
    }

    /// Every resource with its place, and below it a line for each attribute and for each thing that comes first.
    private static func listing(_ document: StackDocument) -> String {
        var text = document.diagnostics.map { line($0) }.joined()
        for resource in document.resources {
            text += "\n\(resource.address)  \(resource.location)\(resource.protect ? "  protected" : "")\n"
            for (key, value) in resource.attributes.sortedByKey() {
                let own = resource.location(of: key) == resource.location ? "" : "  @\(resource.location(of: key).line)"
                text += "  \(key): \(value.serialized(.canonical))\(own)\n"
            }
            for dependency in resource.dependencies { text += "  after \(dependency.address) \(dependency.until)\n" }
        }
        return text
    }

    private static func line(_ diagnostic: Diagnostic) -> String {
        "\(diagnostic.severity) \(diagnostic.code) \(diagnostic.location?.description ?? "") \(diagnostic.summary)\n"
    }

    @Test("are read again by the daemon", arguments: projects)
    func again(name: String) throws {
        guard let document = try? Self.document(CorpusFiles.project(name)) else { return }
        #expect(try StackDocument(json: JSONValue.parse(document.json.serialized())) == document)
    }

    @Test("are the same stack when written as a compose file and read", arguments: projects)
    func roundTrip(name: String) throws {
        let project = try CorpusFiles.project(name)
        guard let document = try? Self.document(project) else { return }
        let (text, notes) = ComposeExport.yaml(of: document)
        #expect(notes.allSatisfy { ["SC2466", "SC2467"].contains($0.code) })
        var environment = project.environment
        for note in notes where note.code == "SC2466" { environment[Self.variable(note)] = "x" }
        let again = try ModelLab.project(text) {
            $0.environment = environment
            $0.projectName = document.name
        }
        let other = try Self.document(again)
        for resource in document.resources {
            let written = other.resource(resource.address)
            #expect(written != nil, "\(resource.address) is gone")
            guard let written else { continue }
            #expect(
                Self.comparable(written).serialized(.canonical) == Self.comparable(resource).serialized(.canonical),
                "\(resource.address)")
            #expect(Set(written.dependencies) == Set(resource.dependencies), "\(resource.address)")
            #expect(written.protect == resource.protect)
        }
        #expect(other.resources.count == document.resources.count)
    }

    /// The variable that a note about a sealed secret names.
    private static func variable(_ note: Diagnostic) -> String {
        note.summary.split(separator: " ").first { $0.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } }
            .map(String.init) ?? ""
    }

    /// The attributes, but for what depends on how and where a file is written.
    private static func comparable(_ resource: StackResource) -> JSONValue {
        var attributes = resource.attributes
        if var labels = attributes["labels"]?.objectValue {
            for key in labels.keys where key.hasPrefix("com.docker.compose.") { labels[key] = nil }
            attributes["labels"] = .object(labels)
        }
        for list in ["files", "mounts"] {
            guard let elements = attributes[list]?.arrayValue else { continue }
            attributes[list] = .array(elements.sorted { target($0) < target($1) })
        }
        return .object(attributes)
    }

    private static func target(_ element: JSONValue) -> String { element["target"]?.stringValue ?? "" }
}
