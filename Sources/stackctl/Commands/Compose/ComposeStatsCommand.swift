/// `stackctl compose stats`: what the containers of a project use.
enum ComposeStatsCommand {
    static let declaration = CommandDeclaration(
        "stats", summary: "Show what a project's containers use of the host", operands: [ComposeOptions.services],
        options: [StatsCommand.all, ListFormat.option, StatsCommand.once, StatsCommand.long, SharedOptions.json]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        return try await StatsCommand.run(session.invocation) {
            try await session.containers(
                of: target, services: session.arguments.operands, all: session.arguments.isSet(StatsCommand.all),
                oneOff: .included
            ).map(\.id)
        }
    }
}
