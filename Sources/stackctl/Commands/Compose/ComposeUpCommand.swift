import Compose
import Diagnostics
import Linux

/// `stackctl compose up`.
enum ComposeUpCommand {
    private static let detach = OptionDeclaration.flag("detach", "d", "Leave the containers in the background")
    private static let abortOnExit = OptionDeclaration.flag(
        "abort-on-container-exit", nil, "Stop all containers once one has ended")
    private static let abortOnFailure = OptionDeclaration.flag(
        "abort-on-container-failure", nil, "Stop all containers once one has ended with another code than 0")
    private static let codeFrom = OptionDeclaration.value(
        "exit-code-from", nil, .text("SERVICE"), "Answer with the exit code of this service; it stops all, too")
    private static let attach = OptionDeclaration.list(
        "attach", nil, .text("SERVICE"), "Show the log of this service only")
    private static let attachDependencies = OptionDeclaration.flag(
        "attach-dependencies", nil, "Show the logs of what the services depend on, too")
    private static let noAttach = OptionDeclaration.list(
        "no-attach", nil, .text("SERVICE"), "Do not show the log of this service")
    private static let timestamps = OptionDeclaration.flag("timestamps", nil, "Put the time before each line")
    private static let noPrefix = OptionDeclaration.flag("no-log-prefix", nil, "Put no names before lines")
    private static let noColor = OptionDeclaration.flag("no-color", nil, "Show names without colours")
    private static let watch = OptionDeclaration.flag("watch", "w", "Take in changes of files, as `compose watch`")
    private static let menu = OptionDeclaration.flag("menu", nil, "Accepted for Docker's sake: there is no menu")

    static let declaration = CommandDeclaration(
        "up", summary: "Make a project what its files say, and start it",
        discussion: """
            The plan is shown and applied; it only asks where data would be lost, and without a
            terminal it then wants -y. Without -d the logs follow; ctrl-c stops the services.
            """,
        operands: [ComposeOptions.services],
        options: [detach] + ComposeDeployOptions.making + [
            ComposeDeployOptions.forceDependencies, ComposeOptions.noDependencies, ComposeDeployOptions.noStart,
            ComposeDeployOptions.renew, ComposeStartCommand.wait, ComposeStartCommand.waitTimeout,
            ComposeOptions.timeout, ComposeOptions.yes, ComposeOptions.dryRun,
        ],
        optionGroups: [
            OptionGroup(
                "Log options",
                [
                    abortOnExit, abortOnFailure, codeFrom, attach, attachDependencies, noAttach, timestamps, noPrefix,
                    noColor, watch, menu,
                ])
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        try check(arguments)
        let request = try ComposeDeployOptions.request(arguments)
        let session = try ComposeSession(invocation)
        let deployment = try ComposeDeployment(
            session, try await session.project(), named: arguments.operands, request)
        for service in arguments.values(of: attach) + arguments.values(of: noAttach)
            + (arguments.value(of: codeFrom).map { [$0] } ?? [])
        where deployment.project.services[service] == nil {
            throw deployment.target.unknown(service, known: deployment.project.services.keys)
        }
        let isDetached = arguments.isSet(detach) || arguments.isSet(ComposeStartCommand.wait)
        let earlier =
            isDetached || session.isDryRun
            ? ComposeFollower.Earlier()
            : try await .init(session.containers(of: deployment.target), session.daemon())
        let code = try await deployment.run(isShort: isDetached)
        guard code == .success, request.starts, !session.isDryRun else { return code }
        if arguments.isSet(ComposeStartCommand.wait) {
            return try await ComposeReadiness(session, deployment.target).wait(for: deployment.reached)
        }
        guard !isDetached else { return .success }
        return try await follow(deployment, earlier, session)
    }

    /// Docker's rules of what cannot stand together.
    private static func check(_ arguments: ParsedArguments) throws(Diagnostic) {
        let aborts = [abortOnExit, abortOnFailure].filter(arguments.isSet)
        if aborts.count == 2 {
            throw FlagProblem.sentence("--\(abortOnFailure.long) cannot be combined with --\(abortOnExit.long)")
        }
        let attached =
            aborts + [attachDependencies, watch, codeFrom].filter(arguments.isSet)
            + (arguments.values(of: attach).isEmpty ? [] : [attach])
        for option in [ComposeStartCommand.wait, detach] where arguments.isSet(option) {
            guard let other = attached.first else { continue }
            throw FlagProblem.sentence(
                "--\(option.long) cannot be combined with --\(other.long)",
                hint: "without --\(option.long) the logs are followed")
        }
        if arguments.isSet(watch), arguments.isSet(ComposeDeployOptions.noBuild) {
            throw FlagProblem.sentence("--no-build and --watch are incompatible")
        }
    }

    private static func follow(
        _ deployment: ComposeDeployment, _ earlier: ComposeFollower.Earlier, _ session: ComposeSession
    ) async throws -> ExitCode {
        let arguments = session.arguments
        var style = ComposeLogPrinter.Style()
        style.hasPrefix = !arguments.isSet(noPrefix)
        style.hasColor = !arguments.isSet(noColor) && session.output.style.color
        var follower = ComposeFollower(
            session: session, target: deployment.target,
            printer: ComposeLogPrinter(output: session.output, style: style))
        follower.attached = attached(deployment, arguments)
        follower.stopped = Set(deployment.reached)
        follower.hasTimestamps = arguments.isSet(timestamps)
        follower.codeFrom = arguments.value(of: codeFrom)
        if arguments.isSet(abortOnFailure) {
            follower.aborts = .onFailure
        } else if arguments.isSet(abortOnExit) || follower.codeFrom != nil {
            follower.aborts = .onExit
        }
        if arguments.isSet(watch) { follower.watch = ComposeWatch(session, deployment.target, deployment.services) }
        return try await follower.run(earlier)
    }

    /// The services whose logs are shown.
    private static func attached(_ deployment: ComposeDeployment, _ arguments: ParsedArguments) -> Set<String> {
        let given = arguments.values(of: attach)
        let usual = arguments.isSet(attachDependencies) ? deployment.reached : deployment.services
        let shown =
            given.isEmpty
            ? usual.filter { deployment.project.services[$0]?["attach"]?.bool ?? true } : given
        return Set(shown).subtracting(arguments.values(of: noAttach))
    }
}
