import Linux
import Testing

/// The project's files as text.
enum Project {
    /// One file of the project.
    struct File: Sendable {
        /// Its path from the root of the project.
        let path: String
        /// Its content.
        let text: String

        /// Its lines with their numbers, from 1.
        var lines: [(number: Int, text: Substring)] {
            text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
                ($0.offset + 1, $0.element)
            }
        }

        /// The modules it imports.
        var imports: [String] {
            lines.compactMap { line in
                // An indented one is the text of a template.
                guard line.text.first != " " else { return nil }
                var words = line.text.split(separator: " ")[...]
                while let first = words.first, first.hasPrefix("@") || first == "public" || first == "internal" {
                    words.removeFirst()
                }
                guard words.first == "import", words.count > 1 else { return nil }
                // `import struct Module.Name` names the module first too.
                let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "let", "var", "typealias"]
                let name = kinds.contains(words[words.startIndex + 1]) ? words.last : words[words.startIndex + 1]
                return name.flatMap { $0.split(separator: ".").first }.map(String.init)
            }
        }
    }

    /// The root of the project, from where this file is.
    static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()

    /// All files under a folder whose names end so, links not followed.
    static func files(_ folder: String, _ suffixes: String...) throws -> [File] {
        var found: [File] = []
        for entry in try Files.list("\(root)/\(folder)") {
            let path = "\(folder)/\(entry.name)"
            switch entry.kind {
            case .directory: found += try files(path, suffixes)
            case .regular where suffixes.contains { entry.name.hasSuffix($0) }:
                found.append(File(path: path, text: try Files.readText("\(root)/\(path)")))
            default: continue
            }
        }
        return found
    }

    private static func files(_ folder: String, _ suffixes: [String]) throws -> [File] {
        var found: [File] = []
        for suffix in suffixes { found += try files(folder, suffix) }
        return found
    }

    /// The modules: the folders of Sources.
    static func modules() throws -> [String] {
        try Files.list("\(root)/Sources").filter { $0.kind == .directory }.map(\.name)
    }
}
