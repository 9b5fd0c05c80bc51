import Linux
import Testing

/// Rules about the text of the sources.
@Suite("source rules")
struct SourceRuleTests {
    @Test("nothing traps on purpose", arguments: ["try!", "as!", "fatalError("])
    func traps(word: String) throws {
        for file in try Project.files("Sources", ".swift") {
            for line in file.lines where code(line.text).contains(word) {
                Issue.record("\(file.path):\(line.number) has \(word)")
            }
        }
    }

    @Test("every unchecked promise says why it holds", arguments: ["@unchecked Sendable", "nonisolated(unsafe)"])
    func uncheckedPromises(word: String) throws {
        for file in try Project.files("Sources", ".swift") {
            for line in file.lines where code(line.text).contains(word) {
                #expect(line.text.contains("// SAFETY"), "\(file.path):\(line.number) has \(word) without // SAFETY")
            }
        }
    }

    @Test("no file is longer than 400 lines")
    func length() throws {
        for file in try Project.files("Sources", ".swift") {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("no name hides what a type does", arguments: ["Manager", "Helper", "Util"])
    func names(word: String) throws {
        for file in try Project.files("Sources", ".swift") {
            let name = file.path.split(separator: "/").last ?? ""
            #expect(!name.contains(word), "\(file.path)")
        }
    }

    @Test("every module has a README")
    func readmes() throws {
        for module in try Project.modules() {
            #expect(
                Files.exists("\(Project.root)/Sources/\(module)/README.md"), "Sources/\(module)/README.md is missing")
        }
    }

    @Test("nothing is left unfinished by its own words")
    func unfinished() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "not yet " + "implemented"]
        for file in try Project.files("Sources", ".swift", ".md") + Project.files("docs", ".md") {
            for word in words where file.text.contains(word) { Issue.record("\(file.path) says \(word)") }
        }
    }

    @Test("links between the documents lead somewhere")
    func links() throws {
        var files = try Project.files("docs", ".md") + Project.files("Sources", ".md") + Project.files("bench", ".md")
        for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
            files.append(Project.File(path: name, text: try Files.readText("\(Project.root)/\(name)")))
        }
        for file in files {
            let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
            for link in file.text.split(separator: "](").dropFirst() {
                let target = link.prefix { $0 != ")" && $0 != "#" }
                if target.isEmpty || target.contains("://") { continue }
                #expect(
                    Files.exists("\(Project.root)/\(folder)/\(target)"), "\(file.path) links to \(target)")
            }
        }
    }

    /// The line without what follows `//`.
    private func code(_ line: Substring) -> Substring {
        line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
    }
}
