import Builder
import Compose
import Diagnostics
import JSONText
import Linux

/// `stackctl compose build`.
enum ComposeBuildCommand {
    private static let argument = OptionDeclaration.list(
        "build-arg", nil, .text("NAME[=VALUE]"), "Give an ARG its value; without one that of the environment")
    private static let builder = OptionDeclaration.value("builder", nil, .text("NAME"), "Accepted for Docker's sake")
    private static let check = OptionDeclaration.flag("check", nil, "Only look for mistakes in the Dockerfiles")
    private static let memory = OptionDeclaration.value("memory", "m", .text("SIZE"), "Memory a step may use")
    private static let noCache = OptionDeclaration.flag("no-cache", nil, "Run every step anew")
    private static let print = OptionDeclaration.flag("print", nil, "Only print what would be built, as a bake file")
    private static let provenance = OptionDeclaration.value(
        "provenance", nil, .text("mode=min|max"), "Attach how the images were made")
    private static let inventory = OptionDeclaration.value(
        "sbom", nil, .text("true"), "Attach what packages are in them (SPDX)")
    private static let pull = OptionDeclaration.flag("pull", nil, "Ask the registries for newer base images")
    private static let push = OptionDeclaration.flag("push", nil, "Push the images once they are built")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Do not show how it goes")
    private static let ssh = OptionDeclaration.list(
        "ssh", nil, .text("default|NAME=SOCKET"), "An ssh agent for RUN --mount=type=ssh")
    private static let dependencies = OptionDeclaration.flag(
        "with-dependencies", nil, "Also build what the services depend on")
    private static let old = ["compress", "force-rm", "no-rm", "parallel-build"].map {
        OptionDeclaration.flag($0, nil, "Accepted for Docker's sake")
    }

    static let declaration = CommandDeclaration(
        "build", summary: "Build the images of services",
        discussion: "Several images are built at once. Steps that were run before are not run again.",
        operands: [ComposeOptions.services],
        options: [
            argument, builder, check, memory, noCache, print, ComposeOptions.progress, provenance, inventory, pull,
            push, quiet, ssh, dependencies, ComposeOptions.dryRun,
        ] + old, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let given = try ComposeSession(invocation)
        let arguments = given.arguments
        let session = arguments.isSet(quiet) ? given.quiet : given
        let project = try await session.project()
        let isWhole = arguments.operands.isEmpty || arguments.isSet(dependencies)
        let selected = try project.selecting(arguments.operands, withDependencies: isWhole)
        // Who names a service means it, whatever its profile.
        let whole =
            arguments.operands.isEmpty ? project : try project.selecting(project.services.keys + arguments.operands)
        let builds = needed(selected.services.keys, in: whole)
        guard !builds.isEmpty else {
            session.output.show([
                Diagnostic(
                    severity: .warning, code: "SC0235", summary: "No services to build",
                    hint: "a service with `build:` has an image to build")
            ])
            return .success
        }
        var options = ComposeBuild.Options()
        options.arguments = arguments.values(of: argument)
        options.hasCache = !arguments.isSet(noCache)
        options.pulls = arguments.isSet(pull)
        options.pushes = arguments.isSet(push)
        options.agents = arguments.values(of: ssh)
        options.memory = arguments.value(of: memory)
        options.provenance = arguments.value(of: provenance)
        options.inventory = arguments.value(of: inventory)
        if options.pushes { warnOfNameless(builds, session.output) }
        let proxies = UserFiles.proxyVariables(for: invocation.location.address, known: [])
        if arguments.isSet(print) {
            session.output.print(json: bakeFile(builds, options))
            return .success
        }
        if arguments.isSet(check) {
            for build in builds {
                let (context, body) = try build.prepared(options, proxies: proxies)
                session.output.print("\(build.service):")
                let code = try DockerfileReport(context, body, session.output).run("check")
                guard code == .success else { return code }
            }
            return .success
        }
        return try await ComposeBuilding(session: session, options: options, proxies: proxies).run(builds)
    }

    /// What has no name of its own is built, and stays here.
    private static func warnOfNameless(_ builds: [ComposeBuild], _ output: Output) {
        output.show(
            builds.filter { !$0.hasName }.map { build in
                Diagnostic(
                    severity: .warning, code: "SC0233", summary: "\(build.service) has no image:, so it is not pushed",
                    hint: "a service to push needs an `image:` with the registry's name")
            })
    }

    /// The builds of services and of those whose images theirs begin with.
    static func needed(_ services: [String], in project: ComposeProject) -> [ComposeBuild] {
        var names = services
        var builds: [ComposeBuild] = []
        var index = 0
        while index < names.count {
            if let build = ComposeBuild(names[index], in: project) {
                builds.append(build)
                names += build.dependencies.filter { !names.contains($0) }
            }
            index += 1
        }
        return builds
    }

    /// What `docker buildx bake` reads.
    private static func bakeFile(_ builds: [ComposeBuild], _ options: ComposeBuild.Options) -> JSONValue {
        var targets = JSONObject()
        for build in builds {
            var target: JSONObject = ["context": .string(build.context)]
            if let text = build.build["dockerfile_inline"]?.string {
                target["dockerfile-inline"] = .string(text)
            } else {
                target["dockerfile"] = .string(build.build["dockerfile"]?.string ?? "Dockerfile")
            }
            let parsed = build.arguments(options)
            let lines = parsed.values(of: BuildOptions.argument)
            if !lines.isEmpty { target["args"] = CreateBody.object(lines) }
            target["tags"] = .strings(parsed.values(of: BuildOptions.tag))
            if let stage = parsed.value(of: BuildOptions.target) { target["target"] = .string(stage) }
            let platforms = parsed.values(of: BuildOptions.platform)
            if !platforms.isEmpty { target["platforms"] = .strings(platforms) }
            target["output"] = [.string(options.pushes ? "type=registry" : "type=docker")]
            targets[build.service] = .object(target)
        }
        return [
            "group": ["default": ["targets": .strings(builds.map(\.service))]], "target": .object(targets),
        ]
    }
}

/// Builds images, each after those it begins with, and shows how it goes.
struct ComposeBuilding: Sendable {
    let session: ComposeSession
    let options: ComposeBuild.Options
    let proxies: [String]

    func run(_ builds: [ComposeBuild]) async throws -> ExitCode {
        if session.isDryRun {
            for build in builds { session.output.print("Would build \(build.image) for \(build.service)") }
            return .success
        }
        let daemon = try await session.daemon()
        guard builds.count > 1 || !session.progress.style.isTerminal, !isQuiet else {
            return try await one(builds[0], daemon)
        }
        let edges = builds.map { ($0.service, Set($0.dependencies)) }
        let order = ComposeOrder(dependencies: Dictionary(edges) { first, _ in first })
        let work = ComposeWork(session: session, order: order, operation: "build", direction: .dependenciesFirst)
        let (options, proxies, output) = (options, proxies, session.output)
        return try await work.run(builds) { build, step in
            let display = BuildDisplay(telling: { event in await Self.tell(event, step) }, output: output)
            let result = try await build.run(options, daemon, display, output, proxies: proxies)
            Self.warn(result, output)
        }
    }

    private var isQuiet: Bool { session.arguments.value(of: ComposeOptions.progress) == "quiet" }

    /// Shows each step of a build that is the only one.
    private func one(_ build: ComposeBuild, _ daemon: DaemonClient) async throws -> ExitCode {
        let display = BuildDisplay(.auto, output: session.progress)
        let result = try await Interruption.shared.guarding {
            [progress = session.progress] in
            if progress.style.isTerminal { progress.write(ProgressPainter.showCursor) }
        } _: {
            try await display.showing {
                try await build.run(options, daemon, display, session.output, proxies: proxies)
            }
        }
        Self.warn(result, session.output)
        return .success
    }

    private static func warn(_ result: JSONValue, _ output: Output) {
        output.show((result["warnings"]?.arrayValue ?? []).compactMap { Diagnostic(json: $0) })
    }

    /// One of several builds says which step it is at.
    private static func tell(_ event: BuildEvent, _ step: ComposeStep) async {
        guard case .step(let begun) = event, case .started = begun.phase, !begun.name.hasPrefix("[internal]") else {
            return
        }
        await step.say(begun.name)
    }
}
