import Compose
import Diagnostics
import Testing

/// Files of a project that exist only in a test, by their absolute paths.
struct ModelFiles: ComposeFiles {
    var texts: [String: String]

    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        if let text = texts[path] { return Array(text.utf8) }
        if exists(path) { throw ComposeFileFailure("is a directory") }
        return nil
    }

    func exists(_ path: String) -> Bool {
        texts[path] != nil || texts.keys.contains { $0.hasPrefix(path + "/") }
    }
}

/// Loads projects from texts.
enum ModelLab {
    /// The project of a text in /project/compose.yaml, and of more files beside it.
    static func project(
        _ text: String, _ others: [String: String] = [:], _ change: (inout ComposeRequest) -> Void = { _ in }
    ) throws -> ComposeProject {
        var request = ComposeRequest(workingDirectory: "/project")
        request.environment = ["HOME": "/home/user"]
        change(&request)
        // The text is the project, whatever its environment names.
        request.environment["COMPOSE_FILE"] = nil
        var texts = ["/project/compose.yaml": text]
        for (path, text) in others { texts[path.hasPrefix("/") ? path : "/project/" + path] = text }
        return try ComposeLoader(request, files: ModelFiles(texts: texts)).load()
    }

    /// What is wrong with such a project, each as "CODE file:line:column summary".
    static func problems(
        _ text: String, _ others: [String: String] = [:], _ change: (inout ComposeRequest) -> Void = { _ in }
    ) -> [String] {
        do {
            _ = try project(text, others, change)
            return []
        } catch let list as DiagnosticList {
            return list.diagnostics.filter { $0.severity == .error }.map(line)
        } catch {
            return ["\(error)"]
        }
    }

    /// One line of a diagnostic.
    static func line(_ diagnostic: Diagnostic) -> String {
        "\(diagnostic.code) \(diagnostic.location?.description ?? "-") \(diagnostic.summary)"
    }
}

extension ComposeNode {
    /// The value as it would stand in a flow of YAML, with sorted keys: short to compare in tests.
    var flow: String {
        switch value {
        case .null: "null"
        case .bool, .int, .double, .string: text ?? ""
        case .list(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
        case .map(let members): members.flow
        }
    }
}

extension ComposeMap {
    /// As that of a node.
    var flow: String {
        "{" + entries.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
}
