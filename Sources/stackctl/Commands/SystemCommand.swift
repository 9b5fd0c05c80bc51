/// `stackctl system …`.
enum SystemCommand {
    static let declaration = CommandDeclaration(
        "system", summary: "Look at the engine as a whole",
        subcommands: [
            InfoCommand.declaration, DiskUsageCommand.declaration, EventsCommand.declaration, PruneCommands.system,
        ])
}
