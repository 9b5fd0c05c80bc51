/// `stackctl builder …`, also under the name of Docker's plugin.
enum BuilderCommand {
    static let declaration = CommandDeclaration(
        "builder", aliases: ["buildx"], summary: "Build images, and look after what builds have cached",
        subcommands: [
            BuildCommand.declaration, BuildHistoryCommand.declaration, BuildHistoryCommand.usage,
            PruneCommands.builder,
        ])
}
