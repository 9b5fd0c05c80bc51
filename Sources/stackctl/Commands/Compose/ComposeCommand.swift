/// `stackctl compose`: projects of compose files.
enum ComposeCommand {
    /// Verbs that only look.
    private static let looking = [
        ComposePsCommand.declaration, ComposeLogsCommand.declaration, ComposeTopCommand.declaration,
        ComposePortCommand.declaration, ComposeImagesCommand.declaration, ComposeListCommand.declaration,
        ComposeEventsCommand.declaration, ComposeStatsCommand.declaration, ComposeVolumesCommand.declaration,
        ComposeCopyCommand.declaration, ComposeExportCommand.declaration, ComposeConfigCommand.declaration,
        ComposeVersionCommand.declaration,
    ]

    /// Verbs that change something.
    private static let changing = [
        ComposeUpCommand.declaration, ComposeDownCommand.declaration, ComposeCreateCommand.declaration,
        ComposeStartCommand.declaration, ComposeStopCommand.declaration, ComposeRestartCommand.declaration,
        ComposeScaleCommand.declaration, ComposeRunCommand.declaration, ComposeExecCommand.declaration,
        ComposeAttachCommand.declaration,
        ComposeBuildCommand.declaration, ComposePullCommand.declaration, ComposePushCommand.declaration,
        ComposeKillCommand.declaration, ComposePauseCommands.pause, ComposePauseCommands.unpause,
        ComposeRmCommand.declaration, ComposeWaitCommand.declaration, ComposeWatchCommand.declaration,
        ComposeCommitCommand.declaration,
    ]

    static let declaration = CommandDeclaration(
        "compose", summary: "Run projects of compose files",
        discussion: """
            A compose file becomes a stack: `up` shows a plan with a reason for every change, and
            `stackctl plan`, `drift`, `graph` and `rollback` know the project, too.
            The options come before the verb: stackctl compose -f FILE up.
            """,
        options: ComposeOptions.beforeVerb, subcommands: changing + looking + ComposeRefusedCommands.all)
}
