/// `stackctl compose create`.
enum ComposeCreateCommand {
    static let declaration = CommandDeclaration(
        "create", summary: "Make containers of services without starting them",
        operands: [ComposeOptions.services],
        options: ComposeDeployOptions.making + [ComposeOptions.yes, ComposeOptions.dryRun]
    ) { invocation in
        var request = try ComposeDeployOptions.request(invocation.arguments)
        request.starts = false
        let session = try ComposeSession(invocation)
        let deployment = try ComposeDeployment(
            session, try await session.project(), named: session.arguments.operands, request)
        return try await deployment.run(isShort: false)
    }
}

/// `stackctl compose scale`.
enum ComposeScaleCommand {
    static let declaration = CommandDeclaration(
        "scale", summary: "Change how many containers services have",
        operands: [OperandDeclaration("SERVICE=N", .oneOrMore, "A service, and how many it shall have")],
        options: [ComposeOptions.noDependencies, ComposeOptions.yes, ComposeOptions.dryRun]
    ) { invocation in
        var request = try ComposeDeployOptions.request(invocation.arguments)
        let words = invocation.arguments.operands.map { CommaSeparated.cut($0) }
        request.scale = try ComposeDeployOptions.scale(words.map { ($0.key, $0.value ?? "") })
        let session = try ComposeSession(invocation)
        let deployment = try ComposeDeployment(
            session, try await session.project(), named: words.map(\.key), request)
        return try await deployment.run(isShort: false)
    }
}
