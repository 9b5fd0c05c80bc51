import Compose
import Diagnostics
import Linux
import StackModel

/// The STACK argument of commands that need only the stack's name.
enum SelectedStack {
    static let operand = OperandDeclaration(
        "STACK", .optional, "Folder with Stack.swift or compose.yaml (default: the current one), or a stack's name",
        completion: .path)

    /// Whether options name the stack, so that no operand does.
    static func isNamedByOptions(_ invocation: Invocation) -> Bool {
        invocation.arguments.isSet(ComposeSelectionOptions.file)
            || invocation.arguments.isSet(ComposeSelectionOptions.projectName)
    }

    /// The name: as given, or as the manifest or the compose file in the folder says.
    ///
    /// - Parameter operand: which operand names the stack; nil for none.
    static func name(_ invocation: Invocation, operand: Int? = 0) async throws -> String {
        try await nameAndOrigin(invocation, operand: operand).name
    }

    /// The name, and the folder it is from, where one is named.
    static func nameAndOrigin(
        _ invocation: Invocation, operand: Int? = 0
    ) async throws -> (name: String, origin: String?) {
        let arguments = invocation.arguments
        let word = operand.flatMap { arguments.operand($0) }
        if let source = try ComposeSelectionOptions.source(invocation) {
            try ComposeSelectionOptions.refuse(word)
            return try await named(by: source)
        }
        if let name = arguments.value(of: ComposeSelectionOptions.projectName) {
            try ComposeSelectionOptions.refuse(word)
            return (name, nil)
        }
        switch try StackSelection.sourceOrName(word) {
        case .name(let name): return (name, nil)
        case .folder(let folder):
            return (try await name(inManifestOf: folder, invocation), try Files.realPath(folder))
        case .compose(let files):
            return try await named(by: try ComposeSelectionOptions.source(invocation, files: files))
        case .file(let path):
            throw Diagnostic(
                code: "SC0141", summary: "`\(path)` is a file, a stack is a folder",
                hint: "name the folder with Stack.swift in it, or the stack itself")
        }
    }

    private static func named(by source: ComposeSource) async throws -> (name: String, origin: String?) {
        do {
            let project = try await source.load()
            return (project.name, project.directory)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw withHint(error, of: "the compose file is read only for the project's name")
        }
    }

    /// The name a manifest gives; where it cannot be evaluated, its user is told that the name alone would do.
    private static func name(inManifestOf folder: String, _ invocation: Invocation) async throws -> String {
        do {
            return try await StackEvaluation.evaluate(folder: folder, invocation).document.name
        } catch let error as CancellationError {
            throw error
        } catch {
            throw withHint(error, of: "the manifest is read only for the stack's name")
        }
    }

    private static func withHint(_ error: any Error, of summary: String) -> DiagnosticList {
        let note = Diagnostic(
            severity: .note, code: "SC0144", summary: summary,
            hint: "give the name in place of the folder; `stackctl stacks list` lists the names")
        return DiagnosticList(Failure.diagnostics(error) + [note])
    }
}
