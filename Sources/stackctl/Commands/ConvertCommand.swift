import Compose
import Diagnostics
import Linux
import Manifest
import StackModel

/// `stackctl convert`: writes a compose project as a manifest.
enum ConvertCommand {
    private static let output = OptionDeclaration.value(
        "output", "o", .path("FILE"), "Write to this file, or into this folder, instead of standard output")

    static let declaration = CommandDeclaration(
        "convert", summary: "Write a compose project as a Stack.swift",
        discussion: """
            The manifest has the project's name and everything the compose files say, with paths made
            absolute and variables replaced: planned where the project runs, it changes nothing. What
            cannot be said in a manifest is an error that names it.
            """,
        operands: [
            OperandDeclaration(
                "FILE", .optional, "Compose file, or the folder with one (default: the current one)", completion: .path)
        ], options: [output], optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let source = try source(invocation)
        let project = try await source.load()
        // Only the daemon can seal what secrets have from the environment.
        let daemon = project.valuesToSeal.isEmpty ? nil : try await invocation.daemon()
        let document = try await source.document(of: project, daemon: daemon)
        let own = Set(document.diagnostics)
        invocation.output.show(project.diagnostics.filter { !own.contains($0) } + document.diagnostics)
        let names = project.files.map { path in
            path == "-" ? "standard input" : path.split(separator: "/").last.map(String.init) ?? path
        }
        let text = try ManifestSource(document, origin: names.joined(separator: ", ")).text()
        guard let path = invocation.arguments.value(of: output), path != "-" else {
            invocation.output.write(text)
            return .success
        }
        let file = try place(path)
        try Files.writeAtomically(file, Array(text.utf8))
        invocation.output.print("wrote \(file)")
        return .success
    }

    private static func source(_ invocation: Invocation) throws -> ComposeSource {
        let word = invocation.arguments.operand(0)
        if let named = try ComposeSelectionOptions.source(invocation) {
            try ComposeSelectionOptions.refuse(word)
            return named
        }
        // A compose file is called what its user likes.
        if let word, word == "-" || (try? Files.status(word))?.kind == .regular, !word.hasSuffix(".swift") {
            return try ComposeSelectionOptions.source(invocation, files: [word])
        }
        if let word, word.hasSuffix(".yaml") || word.hasSuffix(".yml"), !Files.exists(word) {
            throw Diagnostic(
                code: "SC0294", summary: "there is no compose file `\(word)`",
                hint: "name the file, or the folder that has compose.yaml")
        }
        switch try StackSelection.source(word) {
        case .compose(let files): return try ComposeSelectionOptions.source(invocation, files: files)
        case .folder(let folder):
            throw Diagnostic(
                code: "SC0290", summary: "`\(folder)` has a Stack.swift already",
                hint: "name the compose file: stackctl convert \(folder)/compose.yaml")
        case .file, .name: throw StackSelection.missing(word ?? ".")
        }
    }

    /// The file to write, which must not be there.
    private static func place(_ path: String) throws -> String {
        let isFolder = (try? Files.status(path))?.kind == .directory
        let file = isFolder ? "\(path)/\(StackSelection.manifestName)" : path
        guard try Files.statusIfPresent(file) == nil else {
            throw Diagnostic(
                code: "SC0291", summary: "`\(file)` is there already, and is not written over",
                hint: "write to another file, or leave --output out and look at what would be written")
        }
        return file
    }
}
