/// `stackctl container …`: Docker's names of the commands for containers.
enum ContainerCommand {
    static let declaration = CommandDeclaration(
        "container", summary: "Work with containers",
        subcommands: [
            RunCommand.declaration, CreateCommand.declaration,
            PsCommand.declaration.named("ls", aliases: ["list", "ps"]), InspectCommand.container,
            LogsCommand.declaration, ExecCommand.declaration, AttachCommand.declaration, StartCommand.declaration,
            LifecycleCommands.stop, LifecycleCommands.restart, LifecycleCommands.kill, LifecycleCommands.pause,
            LifecycleCommands.unpause, WaitCommand.declaration, RmCommand.declaration, RenameCommand.declaration,
            UpdateCommand.declaration, StatsCommand.declaration, TopCommand.declaration, PortCommand.declaration,
            DiffCommand.declaration, CopyCommand.declaration, ExportCommand.ofContainers, CommitCommand.declaration,
            PruneCommands.container,
        ])
}
