/// `stackctl builder …`.
enum BuilderCommand {
    static let declaration = CommandDeclaration(
        "builder", summary: "Look after what builds have cached", subcommands: [PruneCommands.builder])
}
