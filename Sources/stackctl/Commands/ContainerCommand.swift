/// `stackctl container …`: Docker's names of the commands for containers.
enum ContainerCommand {
    static let declaration = CommandDeclaration(
        "container", summary: "Work with containers",
        subcommands: [
            named("ls", PsCommand.declaration), InspectCommand.container, LogsCommand.declaration,
            ExecCommand.declaration, StartCommand.declaration, StopCommand.declaration, RestartCommand.declaration,
            KillCommand.declaration, RmCommand.declaration, StatsCommand.declaration, ExportCommand.declaration,
            CommitCommand.declaration, PruneCommands.container,
        ])

    /// The command under another name.
    private static func named(_ name: String, _ command: CommandDeclaration) -> CommandDeclaration {
        CommandDeclaration(
            name, aliases: ["list"], summary: command.summary, discussion: command.discussion,
            operands: command.operands, options: command.options, action: command.action ?? { _ in .failure })
    }
}
