import Compose
import Diagnostics
import JSONText
import OCI

/// `stackctl compose pull`.
enum ComposePullCommand {
    private static let ignoreBuildable = OptionDeclaration.flag(
        "ignore-buildable", nil, "Leave out images that the file says how to build")
    static let ignoreFailures = OptionDeclaration.flag(
        "ignore-pull-failures", nil, "Go on where an image cannot be pulled, and answer 0")
    static let includeDependencies = OptionDeclaration.flag(
        "include-deps", nil, "Also those of what the services depend on")
    private static let policy = OptionDeclaration.value(
        "policy", nil, .choice(["missing", "always"]), "Pull what is missing only, or all (default)")
    static let quiet = OptionDeclaration.flag("quiet", "q", "Do not show how it goes")
    private static let old = OptionDeclaration.flag("no-parallel", nil, "Accepted for Docker's sake")
    private static let oldParallel = OptionDeclaration.flag("parallel-pull", nil, "Accepted for Docker's sake")

    static let declaration = CommandDeclaration(
        "pull", summary: "Pull the images of services", operands: [ComposeOptions.services],
        options: [
            ignoreBuildable, ignoreFailures, includeDependencies, policy, quiet, old, oldParallel,
            ComposeOptions.dryRun,
        ]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let project = try await session.project().selecting(
            arguments.operands, withDependencies: arguments.isSet(includeDependencies) || arguments.operands.isEmpty)
        var items = project.services.entries.compactMap { ComposePulling.Item($0.key, $0.value) }
        items.removeAll { item in
            item.isBuildable && arguments.isSet(ignoreBuildable) || ["never", "build"].contains(item.policy)
        }
        if arguments.value(of: policy) == "missing" { items = try await missing(items, session) }
        // What can be built need not be anywhere to pull.
        let buildable = items.filter(\.isBuildable)
        var pulling = ComposePulling(session: session, isQuiet: arguments.isSet(quiet))
        pulling.forgivesFailures = arguments.isSet(ignoreFailures)
        let code = try await pulling.pull(items.filter { !$0.isBuildable })
        pulling.forgivesFailures = true
        let other = try await pulling.pull(buildable)
        return code == .success ? other : code
    }

    /// Those that are not here.
    static func missing(
        _ items: [ComposePulling.Item], _ session: ComposeSession
    ) async throws -> [ComposePulling.Item] {
        let daemon = try await session.daemon()
        var found: [ComposePulling.Item] = []
        for item in items {
            do {
                _ = try await daemon.get(Target("images", item.image, "json").text)
            } catch let failure as StatusFailure where failure.status == 404 {
                found.append(item)
            }
        }
        return found
    }
}

/// `stackctl compose push`.
enum ComposePushCommand {
    private static let ignoreFailures = OptionDeclaration.flag(
        "ignore-push-failures", nil, "Go on where an image cannot be pushed, and answer 0")

    static let declaration = CommandDeclaration(
        "push", summary: "Push the images that services build", operands: [ComposeOptions.services],
        options: [
            ignoreFailures, ComposePullCommand.includeDependencies, ComposePullCommand.quiet, ComposeOptions.dryRun,
        ]
    ) { invocation in
        let given = try ComposeSession(invocation)
        let session = given.arguments.isSet(ComposePullCommand.quiet) ? given.quiet : given
        let arguments = session.arguments
        let project = try await session.project().selecting(
            arguments.operands,
            withDependencies: arguments.isSet(ComposePullCommand.includeDependencies) || arguments.operands.isEmpty)
        let items = project.services.entries.compactMap { ComposePulling.Item($0.key, $0.value) }
            .filter(\.isBuildable)
        if items.isEmpty {
            session.output.show([
                Diagnostic(
                    severity: .warning, code: "SC0233", summary: "no service has both build: and image:",
                    hint: "a service to push needs an `image:` with the registry's name")
            ])
            return .success
        }
        return try await push(items, session, forgives: arguments.isSet(ignoreFailures))
    }

    private static func push(
        _ items: [ComposePulling.Item], _ session: ComposeSession, forgives: Bool
    ) async throws -> ExitCode {
        let daemon = try await session.daemon()
        let output = session.output
        let work = ComposeWork(
            session: session, order: ComposeOrder(dependencies: [:]), operation: "push", forgivesFailures: forgives)
        return try await work.run(items) { item, step in
            let reference = try RegistryName.reference(item.image).withDefaultTag
            let target = Target("images", reference.familiarRepository, "push").with("tag", reference.tag)
            let credentials = await CallerCredentials.header(for: reference.domain, output)
            let total = TransferTotal()
            do {
                try await TransferStream.lines(daemon, target, credentials: credentials) { line in
                    if let text = total.take(line) { await step.say(text) }
                }
            } catch let failure as StatusFailure where failure.status == 404 {
                throw Diagnostic(
                    code: "SC0233", summary: "there is no image \(item.image) to push",
                    hint: "build it: stackctl compose build \(item.service)")
            }
        }
    }
}
