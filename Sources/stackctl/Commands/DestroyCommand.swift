import Apply
import Diagnostics
import JSONText
import Linux
import StackModel

/// `stackctl destroy`: removes everything a stack made.
enum DestroyCommand {
    static let declaration = CommandDeclaration(
        "destroy", summary: "Remove everything a stack made",
        discussion: """
            Shows what would be removed and asks. Data in volumes is lost; a protected volume is
            refused until its `protect` is taken out of the manifest and applied.
            """,
        operands: [SelectedStack.operand],
        options: [
            SharedOptions.yes, SharedOptions.variable, SharedOptions.variableFile, SharedOptions.takeOver,
            SharedOptions.json,
        ],
        action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let stack = try await SelectedStack.name(invocation)
        let daemon = try await invocation.daemon()
        let target = Target("stacks", stack, "destroy").text
        var options = JSONObject()
        if case .folder(let folder) = try StackSelection.folderOrName(invocation.arguments.operand(0)) {
            options["origin"] = .string(try Files.realPath(folder))
            options["takeOver"] = .bool(invocation.arguments.isSet(SharedOptions.takeOver))
        }
        let plan = try Plan(json: try await daemon.plan(.destroy(stack: stack, options: .object(options))))
        if !invocation.arguments.isSet(SharedOptions.json) { invocation.output.show(plan) }
        options["expected"] = plan.json
        try await Approval.ask("Remove all this? There is no undo.", invocation)
        return try await ApplyStream.run(
            daemon, target, ["options": .object(options)], invocation: invocation, shown: plan)
    }
}

/// The STACK argument of commands that need only the stack's name.
enum SelectedStack {
    static let operand = OperandDeclaration(
        "STACK", .optional, "Folder with Stack.swift (default: the current one), or a stack's name", completion: .path)

    /// The name: as given, or as the manifest in the folder says.
    static func name(_ invocation: Invocation) async throws -> String {
        switch try StackSelection.folderOrName(invocation.arguments.operand(0)) {
        case .name(let name): return name
        case .folder(let folder):
            return try await name(inManifestOf: folder, invocation)
        case .file(let path):
            throw Diagnostic(
                code: "SC0141", summary: "`\(path)` is a file, a stack is a folder",
                hint: "name the folder with Stack.swift in it, or the stack itself")
        }
    }

    /// The name a manifest gives; where it cannot be evaluated, its user is told that the name alone would do.
    private static func name(inManifestOf folder: String, _ invocation: Invocation) async throws -> String {
        do {
            return try await StackEvaluation.evaluate(folder: folder, invocation).document.name
        } catch let error as CancellationError {
            throw error
        } catch {
            let note = Diagnostic(
                severity: .note, code: "SC0144", summary: "the manifest is read only for the stack's name",
                hint: "give the name in place of the folder; `stackctl stacks list` lists the names")
            throw DiagnosticList(Failure.diagnostics(error) + [note])
        }
    }
}
