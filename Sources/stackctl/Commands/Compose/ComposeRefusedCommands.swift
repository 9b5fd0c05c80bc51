import Diagnostics

/// Verbs of Docker Compose that are not here, refused by name with what to do instead.
enum ComposeRefusedCommands {
    static let all = [
        refused(
            "publish", "Refused: publish a project as an OCI artifact",
            hint: "push the images with `stackctl compose push`, and keep the files in a repository"),
        refused(
            "viz", "Refused: draw a project", hint: "`stackctl graph -f compose.yaml` draws it, as dot or mermaid"),
        refused("alpha", "Refused: experimental verbs", hint: "`stackctl compose --help` lists what there is"),
        refused(
            "bridge", "Refused: turn a project into files for other platforms",
            hint: "`stackctl convert compose.yaml` writes a Swift manifest"),
    ]

    private static func refused(_ name: String, _ summary: String, hint: String) -> CommandDeclaration {
        CommandDeclaration(
            name, summary: summary, operands: [OperandDeclaration("ARG", .any, "Not looked at")],
            endsAtFirstOperand: true
        ) { _ in
            throw Diagnostic(code: "SC0234", summary: "compose \(name) is not supported", hint: hint)
        }
    }
}
