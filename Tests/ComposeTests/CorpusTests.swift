import Compose
import Diagnostics
import Linux
import Testing

/// Each `Corpus/NAME` means what its `expected.yaml` says; `STACKCTL_UPDATE_GOLDEN=1` writes that anew.
@Suite("compose projects in the styles people use")
struct CorpusTests {
    private static let projects: [String] = {
        let names = ((try? Files.list(CorpusFiles.folder)) ?? []).map(\.name)
        return names.filter { !$0.contains(".") }.sorted()
    }()

    @Test("mean what is written down", arguments: projects)
    func expected(name: String) throws {
        let project = try CorpusFiles.project(name)
        let warnings = project.diagnostics.map { "# \($0.severity.rawValue): \($0.summary)\n" }.joined()
        let text = warnings + project.yaml()
        let path = "\(CorpusFiles.folder)/\(name)/expected.yaml"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") == "1" {
            try Files.writeAtomically(path, Array(text.utf8), mode: 0o644)
        }
        #expect(try Files.readText(path) == text, "differs from Corpus/\(name)/expected.yaml")
    }

    @Test("are read back as they are printed", arguments: projects)
    func again(name: String) throws {
        let project = try CorpusFiles.project(name)
        let text = project.yaml()
        let again = try ModelLab.project(text) { $0.profiles = ["*"] }
        #expect(again.yaml() == text)
    }

    @Test("there are enough of them, and enough that run")
    func count() {
        #expect(Self.projects.count >= 52)
        #expect(Self.projects.count { Files.exists("\(CorpusFiles.folder)/\($0)/run.txt") } >= 18)
    }
}

/// The files of the corpus, as if each project were in /project.
struct CorpusFiles: ComposeFiles {
    let name: String

    static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast().joined(separator: "/") + "/Corpus"
    }()

    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        guard let place = place(path), Files.exists(place) else { return nil }
        do {
            return try Files.readAll(place, limit: 16 << 20)
        } catch {
            throw ComposeFileFailure("cannot be read")
        }
    }

    func exists(_ path: String) -> Bool { place(path).map { Files.exists($0) } ?? false }

    private func place(_ path: String) -> String? {
        guard path == "/project" || path.hasPrefix("/project/") else { return nil }
        return "\(Self.folder)/\(name)" + path.dropFirst("/project".count)
    }

    /// A project of the corpus.
    ///
    /// Its `request.txt` has a line for each thing that is asked for: `file PATH`, `profile NAME`, `name NAME` or
    /// `set KEY=VALUE`.
    static func project(_ name: String) throws -> ComposeProject {
        let files = CorpusFiles(name: name)
        var request = ComposeRequest(workingDirectory: "/project")
        request.environment = ["HOME": "/home/user"]
        for line in (try? Files.readText("\(folder)/\(name)/request.txt"))?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "file": request.files.append("/project/" + words[1])
            case "profile": request.profiles.append(words[1])
            case "name": request.projectName = words[1]
            case "set":
                let pair = words[1].split(separator: "=", maxSplits: 1).map(String.init)
                request.environment[pair[0]] = pair.count > 1 ? pair[1] : ""
            default: Issue.record("request.txt of \(name) asks for \(words[0])")
            }
        }
        return try ComposeLoader(request, files: files).load()
    }
}
