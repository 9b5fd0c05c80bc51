import Compose
import Diagnostics
import HTTP
import JSONText
import Linux
import StackModel

/// `stackctl export`: writes a container's files as an archive, or a stack as a compose file.
enum ExportCommand {
    static let output = OptionDeclaration.value(
        "output", "o", .path("FILE"), "Write to this file instead of standard output")

    /// The word that stands for stacks in place of a container's name.
    private static let compose = "compose"

    static let declaration = CommandDeclaration(
        "export", summary: "Write a container's files to an archive, or a stack as a compose file",
        discussion: """
            The archive is a tar of its root file system, whether it runs or not. What is mounted in it,
            such as volumes, is not: there are the empty places where it is mounted.

            `stackctl export compose` writes a stack as compose.yaml: that of a folder or of a compose
            file, or the one that was applied under a name. What a compose file cannot say is noted on
            standard error. A container that is called compose is exported by its identifier.
            """,
        operands: [
            OperandDeclaration(
                "CONTAINER", .one, "Name or identifier of a container, or the word compose",
                completion: .names(.containers)),
            OperandDeclaration(
                "STACK", .optional, "After compose: folder, compose file or name (default: the current folder)",
                completion: .path),
        ], options: [output, SharedOptions.variable, SharedOptions.variableFile],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    /// `stackctl container export`, which knows containers only.
    static let ofContainers = CommandDeclaration(
        "export", summary: "Write a container's files to an archive",
        discussion: """
            The archive is a tar of its root file system, whether it runs or not. What is mounted in it,
            such as volumes, is not: there are the empty places where it is mounted.
            """,
        operands: [SharedOptions.container], options: [output]
    ) { invocation in
        try await export(
            invocation.arguments.operand(0) ?? "", invocation, hint: "stackctl container export CONTAINER > FILE")
        return .success
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let first = arguments.operand(0) ?? ""
        if first == compose { return try await exportStack(invocation) }
        if let second = arguments.operand(1) {
            throw Diagnostic(
                code: "SC0292", summary: "`\(second)` is one word too many: one container is exported at a time",
                hint: "export a stack: stackctl export compose \(second)")
        }
        let others = [SharedOptions.variable, SharedOptions.variableFile] + ComposeSelectionOptions.group.options
        if let option = others.first(where: { arguments.isSet($0) }) {
            throw Diagnostic(
                code: "SC0292", summary: "--\(option.long) is for stacks, and `\(first)` is a container",
                hint: "leave it out, or export a stack: stackctl export compose")
        }
        try await export(first, invocation, hint: "stackctl export CONTAINER > FILE")
        return .success
    }

    /// Writes a container's files to where `--output` says.
    ///
    /// - Parameter hint: what to type instead where that would be a terminal.
    static func export(_ container: String, _ invocation: Invocation, hint: String) async throws {
        let path = invocation.arguments.value(of: output)
        try ReceivedArchive.refuseTerminal(path, "export", hint: hint)
        let target = Target("containers", container, "export")
        let response = try await invocation.daemon().open("GET", target.text)
        defer { response.close() }
        try await ReceivedArchive.write(response, to: path)
    }

    // MARK: Stacks

    private static func exportStack(_ invocation: Invocation) async throws -> ExitCode {
        let document = try await document(invocation)
        let (text, notes) = ComposeExport.yaml(of: document)
        invocation.output.show(notes)
        if let path = invocation.arguments.value(of: output), path != "-" {
            try Files.write(path, Array(text.utf8))
        } else {
            invocation.output.write(text)
        }
        return .success
    }

    private static func document(_ invocation: Invocation) async throws -> StackDocument {
        let word = invocation.arguments.operand(1)
        if let named = try ComposeSelectionOptions.source(invocation) {
            try ComposeSelectionOptions.refuse(word)
            return try await evaluated(.compose(named), invocation)
        }
        switch try StackSelection.sourceOrName(word) {
        case .folder(let folder):
            try ComposeSelectionOptions.refuseAll(invocation, of: folder)
            return try await evaluated(.manifest(folder: folder), invocation)
        case .compose(let files):
            let source = try ComposeSelectionOptions.source(invocation, files: files)
            return try await evaluated(.compose(source), invocation)
        case .name(let name): return try await applied(name, invocation)
        case .file(let path):
            throw Diagnostic(
                code: "SC0141", summary: "`\(path)` is a file, a stack is a folder",
                hint: "name the folder with Stack.swift in it, or a compose file with --file")
        }
    }

    private static func evaluated(_ source: StackSource, _ invocation: Invocation) async throws -> StackDocument {
        let evaluated = try await source.evaluate(invocation)
        invocation.output.show(evaluated.warnings + evaluated.document.diagnostics)
        return evaluated.document
    }

    /// The document that a stack was last applied with.
    private static func applied(_ name: String, _ invocation: Invocation) async throws -> StackDocument {
        let daemon = try await invocation.daemon()
        let stack = try await daemon.get(Target("stacks", name).text)
        let generation = stack["generation"]?.intValue ?? 0
        let entry = try await daemon.get(Target("stacks", name, "history", "\(generation)").text)
        guard let document = entry["document"] else {
            throw Diagnostic(
                code: "SC0293", summary: "the daemon does not tell what \(name) was applied with",
                hint: "name the folder it was applied from: stackctl export compose FOLDER")
        }
        return try StackDocument(json: document)
    }
}
