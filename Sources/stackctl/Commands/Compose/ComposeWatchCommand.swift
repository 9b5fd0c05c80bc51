/// `stackctl compose watch`.
enum ComposeWatchCommand {
    private static let noUp = OptionDeclaration.flag("no-up", nil, "Do not build and start the services first")
    private static let prune = OptionDeclaration.flag("prune", nil, "Accepted for Docker's sake")
    private static let quiet = OptionDeclaration.flag("quiet", nil, "Do not show how builds go")

    static let declaration = CommandDeclaration(
        "watch", summary: "Take in changes of files as develop.watch of services says",
        discussion: "Files are copied into the containers, containers restarted or built anew, until ctrl-c.",
        operands: [ComposeOptions.services],
        options: [noUp, prune, quiet, ComposeOptions.yes, ComposeOptions.dryRun]
    ) { invocation in
        let given = try ComposeSession(invocation)
        let session = given.arguments.isSet(quiet) ? given.quiet : given
        let deployment = try ComposeDeployment(
            session, try await session.project(), named: session.arguments.operands, .init())
        if !session.arguments.isSet(noUp) {
            let code = try await deployment.run(isShort: true)
            guard code == .success else { return code }
        }
        guard !session.isDryRun else { return .success }
        try await ComposeWatch(session, deployment.target, deployment.services).run()
        return .success
    }
}
