import Diagnostics

/// `stackctl completion`: scripts for the shells, made from the declarations of the commands.
enum CompletionCommand {
    private static let shells = CompletionScript.Shell.allCases.map(\.rawValue)

    static let declaration = CommandDeclaration(
        "completion", summary: "Print the completion script for a shell",
        discussion: """
            bash: source <(stackctl completion bash)
            zsh:  source <(stackctl completion zsh)
            fish: stackctl completion fish | source
            """,
        operands: [OperandDeclaration("SHELL", "bash, zsh or fish", completion: .choice(shells))], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        guard let shell = CompletionScript.Shell(rawValue: name) else {
            throw Diagnostic(
                code: "SC0132", summary: "there is no completion for `\(name)`",
                hint: nearest(name, among: shells).map { "did you mean `\($0)`?" } ?? "bash, zsh and fish are known")
        }
        invocation.output.write(CompletionScript.render(shell, root: CommandTree.root))
        return .success
    }
}
