import Compose
import Diagnostics
import Linux

/// What a user meant by the STACK argument.
enum StackSelection: Sendable, Equatable {
    /// A folder with a Stack.swift; the path is as the user wrote it.
    case folder(String)
    /// A saved plan.
    case file(String)
    /// Compose files, as the user wrote them; empty for those of the current folder.
    case compose([String])
    /// The name of an applied stack.
    case name(String)

    /// The file that makes a folder a stack.
    static let manifestName = "Stack.swift"

    /// A folder or compose files, for commands that need a document.
    ///
    /// - Throws: a `Diagnostic` for a missing path, an empty folder, a file that is no manifest.
    static func source(_ operand: String?) throws(Diagnostic) -> StackSelection {
        let path = operand ?? "."
        switch try select(path, allowsName: false) {
        case .file(let file):
            throw Diagnostic(
                code: "SC0141", summary: "`\(file)` is a file, a stack is a folder",
                hint: "name the folder with Stack.swift in it; `stackctl apply FILE` takes saved plans")
        case .name: throw missing(path)
        case let found: return found
        }
    }

    /// A folder or compose files, or else the name of a stack.
    static func sourceOrName(_ operand: String?) throws(Diagnostic) -> StackSelection {
        try select(operand ?? ".", allowsName: true)
    }

    /// A folder or compose files, or else a saved plan.
    static func sourceOrPlan(_ operand: String?) throws(Diagnostic) -> StackSelection {
        try select(operand ?? ".", allowsName: false)
    }

    /// Says which one counts where a folder has both a manifest and a compose file.
    static func notes(on folder: String) -> [Diagnostic] {
        guard let file = ComposeFileSearch.names.first(where: { Files.exists("\(folder)/\($0)") }) else { return [] }
        let path = folder == "." ? file : "\(folder)/\(file)"
        return [
            Diagnostic(
                severity: .note, code: "SC0148", summary: "\(manifestName) is taken, and not \(file) beside it",
                hint: "the compose file is taken with: -f \(path)")
        ]
    }

    /// Whether a folder is there and holds Swift files, as a stack's does.
    static func isStack(folder: String) -> Bool {
        ((try? Files.list(folder)) ?? []).contains { $0.name.hasSuffix(".swift") }
    }

    private static func select(_ path: String, allowsName: Bool) throws(Diagnostic) -> StackSelection {
        let status: FileStatus?
        do {
            status = try Files.statusIfPresent(path)
        } catch {
            throw Diagnostic(code: "SC0142", summary: "`\(path)` cannot be looked at", detail: "\(error)")
        }
        guard let status else {
            if allowsName, !path.contains("/"), !path.isEmpty { return .name(path) }
            throw missing(path)
        }
        if status.kind == .directory {
            let entries = (try? Files.list(path)) ?? []
            if entries.contains(where: { $0.name.hasSuffix(".swift") }) { return .folder(path) }
            if let files = composeFiles(in: path, entries) { return .compose(files) }
            if allowsName, !path.contains("/"), path != "." { return .name(path) }
            throw empty(path, entries)
        }
        if path == manifestName { return .folder(".") }
        if path.hasSuffix("/" + manifestName) { return .folder(String(path.dropLast(manifestName.count + 1))) }
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") { return .compose([path]) }
        return .file(path)
    }

    /// The compose file of a folder, and the one that overrides it; those of the current folder find themselves.
    private static func composeFiles(in folder: String, _ entries: [DirectoryEntry]) -> [String]? {
        let there = Set(entries.map(\.name))
        guard let name = ComposeFileSearch.names.first(where: there.contains) else { return nil }
        if folder == "." { return [] }
        let override = ComposeFileSearch.overrides.first(where: there.contains)
        return [name, override].compactMap { $0.map { "\(folder)/\($0)" } }
    }

    /// There is no such folder.
    static func missing(_ path: String) -> Diagnostic {
        Diagnostic(
            code: "SC0140", summary: "there is no folder `\(path)`",
            hint: "`stackctl init \(path)` makes one with a Stack.swift in it")
    }

    private static func empty(_ path: String, _ entries: [DirectoryEntry]) -> Diagnostic {
        let nested = entries.filter { $0.kind == .directory && Files.exists("\(path)/\($0.name)/\(manifestName)") }
        let hint: String
        if let first = nested.first {
            hint = "did you mean `\(path == "." ? "" : path + "/")\(first.name)`?"
        } else {
            hint = "`stackctl init \(path)` writes a first one"
        }
        return Diagnostic(
            code: "SC0143", summary: "there is no Stack.swift in `\(path)`",
            detail: entries.isEmpty ? "the folder is empty" : nil, hint: hint)
    }
}
