import Manifest

/// `stackctl init`: writes a first stack.
enum InitCommand {
    static let declaration = CommandDeclaration(
        "init", summary: "Write a stack folder to begin with",
        discussion: """
            The folder holds Stack.swift, and what an editor with sourcekit-lsp needs to complete
            and check it.
            """,
        operands: [
            OperandDeclaration("FOLDER", .optional, "Folder to make (default: the current one)", completion: .path)
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let folder = invocation.arguments.operand(0) ?? "."
        let written = try InitTemplate.write(
            folder: folder, installation: try ToolFiles.manifestInstallation())
        for path in written { invocation.output.print("wrote \(path)") }
        let argument = folder == "." ? "" : " \(folder)"
        invocation.output.print("\nNext:\n  stackctl validate\(argument)\n  stackctl plan\(argument)")
        return .success
    }
}
