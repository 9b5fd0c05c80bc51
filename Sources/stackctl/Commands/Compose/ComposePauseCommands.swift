/// `stackctl compose pause` and `unpause`.
enum ComposePauseCommands {
    static let pause = command("pause", "Freeze every process of services", direction: .dependentsFirst) {
        $0.state == "running"
    }
    static let unpause = command("unpause", "Let frozen services go on", direction: .dependenciesFirst) {
        $0.state == "paused"
    }

    private static func command(
        _ name: String, _ summary: String, direction: ComposeOrder.Direction,
        _ isMeant: @escaping @Sendable (ComposeContainer) -> Bool
    ) -> CommandDeclaration {
        CommandDeclaration(
            name, summary: summary, operands: [ComposeOptions.services], options: [ComposeOptions.dryRun]
        ) { invocation in
            let session = try ComposeSession(invocation)
            let target = try await session.target()
            let containers = try await session.meant(target, services: session.arguments.operands)
                .filter(isMeant)
            let daemon = try await session.daemon()
            let work = ComposeWork(
                session: session, order: ComposeOrder(target, containers), operation: name, direction: direction)
            return try await work.run(containers) { container, _ in
                _ = try await daemon.post(Target("containers", container.id, name).text)
            }
        }
    }
}
