/// Every command there is, in the groups that `stackctl --help` shows.
enum CommandTree {
    /// Commands under one heading.
    struct Group: Sendable {
        let title: String
        let commands: [CommandDeclaration]
    }

    static let groups = [
        Group(
            title: "Stacks",
            commands: [
                InitCommand.declaration, ConvertCommand.declaration, ValidateCommand.declaration,
                PlanCommand.declaration,
                ApplyCommand.declaration, DestroyCommand.declaration, RollbackCommand.declaration,
                ShowCommand.declaration,
                OutputCommand.declaration, DriftCommand.declaration, GraphCommand.declaration,
                StacksCommand.declaration, ComposeCommand.declaration,
            ]),
        Group(
            title: "Containers",
            commands: [
                RunCommand.declaration, CreateCommand.declaration, PsCommand.declaration, LogsCommand.declaration,
                ExecCommand.declaration, AttachCommand.declaration, StartCommand.declaration, LifecycleCommands.stop,
                LifecycleCommands.restart, LifecycleCommands.kill, LifecycleCommands.pause, LifecycleCommands.unpause,
                WaitCommand.declaration, RmCommand.declaration, RenameCommand.declaration, UpdateCommand.declaration,
                InspectCommand.declaration, StatsCommand.declaration, TopCommand.declaration, PortCommand.declaration,
                DiffCommand.declaration, CopyCommand.declaration, EventsCommand.declaration,
                ExportCommand.declaration, CommitCommand.declaration, ContainerCommand.declaration,
            ]),
        Group(
            title: "Images, networks, volumes",
            commands: [
                BuildCommand.declaration, ImagesCommand.declaration, ImageCommand.declaration, PullCommand.declaration,
                PushCommand.declaration,
                SearchCommand.declaration, LoginCommand.declaration, LogoutCommand.declaration,
                HistoryCommand.declaration, TagCommand.declaration, RmiCommand.declaration, LoadCommand.declaration,
                SaveCommand.declaration, ImportCommand.declaration, ManifestCommand.declaration,
                NetworkCommand.declaration,
                VolumeCommand.declaration,
            ]),
        Group(
            title: "The engine",
            commands: [
                DaemonCommand.declaration, InfoCommand.declaration, SystemCommand.declaration,
                ContextCommand.declaration, BuilderCommand.declaration, StoreCommand.declaration,
                RuntimeCommand.declaration, RegistryCommand.declaration,
                VersionCommand.declaration, CompletionCommand.declaration,
            ]),
    ]

    /// The whole command line.
    static let root = CommandDeclaration(
        "stackctl", summary: "Containers, networks and volumes of a host, written in Swift",
        subcommands: groups.flatMap(\.commands))
}
