import Apply
import Compose
import Diagnostics
import JSONText
import Linux
import StackModel

/// Makes the host what a project says, or some of its services: a plan, and what comes before and after it.
struct ComposeDeployment: Sendable {
    /// What is asked for beside the file.
    struct Request: Sendable, Equatable {
        /// `--scale`.
        var scale: [String: Int] = [:]
        /// `--pull`; nil is what each service says.
        var pullPolicy: String?
        var pullsQuietly = false
        /// Whether images are built (`--no-build`).
        var builds = true
        var forcesRecreation = false
        var recreatesDependencies = false
        var keepsExisting = false
        /// Whether what the services depend on is left alone.
        var ignoresDependencies = false
        /// Whether containers are started (`--no-start`).
        var starts = true
        var removesOrphans = false
        /// Whether anonymous volumes begin empty (`-V`).
        var renewsVolumes = false
    }

    let session: ComposeSession
    /// The project with all its active services, and those that were named.
    let project: ComposeProject
    /// The services that are meant; all where none was named.
    let services: [String]
    /// Those and what they depend on.
    let reached: [String]
    let request: Request
    /// Whether services were named.
    private let isPart: Bool

    /// - Parameter named: the services that the user named; empty is all.
    /// - Throws: an unknown service with the nearest name.
    init(
        _ session: ComposeSession, _ project: ComposeProject, named: [String], _ request: Request
    ) throws(DiagnosticList) {
        self.session = session
        self.request = request
        let selected = try project.selecting(named, withDependencies: !request.ignoresDependencies)
        let whole = try named.isEmpty ? project : project.selecting(project.services.keys + named)
        self.project = whole
        services = named.isEmpty ? selected.services.keys : named
        reached = selected.services.keys
        isPart = !named.isEmpty
        for service in request.scale.keys.sorted() where whole.services[service] == nil {
            throw DiagnosticList(target.unknown(service, known: whole.services.keys))
        }
    }

    /// The project as verbs know it.
    var target: ComposeTarget { ComposeTarget(name: project.name, project: project) }

    var stack: ComposeStack { ComposeStack(session, target) }

    // MARK: The document

    /// What the document of the project depends on beside the files.
    private var lowering: LoweringOptions {
        var options = LoweringOptions()
        options.scale = request.scale
        options.starts = request.starts
        options.pullPolicy = request.pullPolicy
        options.builds = request.builds
        options.ignoresDependencies = request.ignoresDependencies
        return options
    }

    func document() async throws -> StackDocument {
        let source = ComposeSource(ComposeRequest(workingDirectory: project.directory))
        var document = try await source.document(of: project, lowering, daemon: try await session.daemon())
        // The session has shown what the files are like, and the plan does not have to.
        session.output.show(document.diagnostics.filter { !project.diagnostics.contains($0) })
        document.diagnostics = []
        if request.renewsVolumes {
            for index in document.resources.indices { document.resources[index].attributes["anonymousVolumes"] = nil }
        }
        return document
    }

    // MARK: The scope

    /// How far the plan may go: the containers of the services and all that they refer to.
    ///
    /// Of a whole project every network and volume, too. What the file no longer has is only taken away where that is
    /// asked for.
    ///
    /// - Parameter orphans: containers that are to go.
    func scope(_ document: StackDocument, orphans: [ComposeContainer]) -> PlanScope {
        var scope = PlanScope()
        scope.keepsExisting = request.keepsExisting
        scope.targets = targets(document).union(orphans.compactMap(\.address))
        if request.forcesRecreation { scope.replaced.formUnion(containers(of: services, document)) }
        if request.recreatesDependencies {
            scope.replaced.formUnion(containers(of: reached.filter { !services.contains($0) }, document))
        }
        return scope
    }

    private func targets(_ document: StackDocument) -> Set<ResourceAddress> {
        let containers = containers(of: reached, document)
        return isPart ? closure(containers, document) : containers.union(document.resources.map(\.address))
    }

    /// Containers, and the images, networks and volumes that they refer to.
    func closure(_ containers: Set<ResourceAddress>, _ document: StackDocument) -> Set<ResourceAddress> {
        var targets = containers
        // A replica that is one too many has no resource, but its service's address covers it.
        var open = document.resources.filter { targets.contains(Self.unnumbered($0.address)) }
        while let resource = open.popLast() {
            let referred = StackReference.references(in: .object(resource.attributes)).map(\.address)
            for address in referred + resource.dependencies.map(\.address) where address.kind != .container {
                guard targets.insert(address).inserted, let next = document.resource(address) else { continue }
                open.append(next)
            }
        }
        return targets
    }

    /// The addresses of services' containers, and of those that run before them, without numbers.
    func containers(of services: [String], _ document: StackDocument) -> Set<ResourceAddress> {
        let names = Set(services)
        let before = document.resources.map(\.address).filter { address in
            address.kind == .container && address.serviceBefore.map(names.contains) ?? false
        }
        return Set(services.map { ResourceAddress(kind: .container, name: $0) } + before.map(Self.unnumbered))
    }

    private static func unnumbered(_ address: ResourceAddress) -> ResourceAddress {
        ResourceAddress(kind: address.kind, name: address.name)
    }

    // MARK: Doing it

    /// Pulls what is to be pulled whatever is here.
    func pullDue() async throws -> ExitCode {
        let pulling = ComposePulling(session: session, isQuiet: request.pullsQuietly)
        let images = reached.compactMap { name in
            project.services[name].flatMap { ComposePulling.Item(name, $0) }
        }
        return try await pulling.pull(try await pulling.due(images, policy: request.pullPolicy))
    }

    /// Pulls what is due, plans, shows the plan and applies it.
    ///
    /// Under `--dry-run` it ends once the plan is shown.
    func run(isShort: Bool) async throws -> ExitCode {
        let pulled = try await pullDue()
        guard pulled == .success else { return pulled }
        let document = try await document()
        try await stack.checkIsProject()
        let orphans = try await orphans()
        let scope = scope(document, orphans: request.removesOrphans ? orphans : [])
        if !request.removesOrphans { warn(of: orphans) }
        let code = try await carryOut(document, scope, isShort: isShort)
        let foreign = request.removesOrphans ? orphans.filter { $0.address == nil } : []
        guard code == .success, !foreign.isEmpty, !session.isDryRun else { return code }
        let stopped = try await ComposeStopCommand.stop(foreign.filter(\.isRunning), session, target)
        guard stopped == .success else { return stopped }
        return try await ComposeRemoval(session, target).remove(foreign, volumes: false)
    }

    /// Plans, shows the plan and applies it.
    private func carryOut(
        _ document: StackDocument, _ scope: PlanScope, isShort: Bool
    ) async throws -> ExitCode {
        try await ComposeStack.whileStale {
            let planned = try await stack.plan(document, scope)
            stack.show(planned.plan, isShort: isShort)
            if session.isDryRun { return .success }
            try await stack.agree(to: planned.plan)
            let code = try await stack.apply(planned)
            return code == .success ? try await restartDependents(of: planned.plan) : code
        }
    }

    /// Restarts what says `restart: true` of a service that was made anew, where it was not changed itself.
    private func restartDependents(of plan: Plan) async throws -> ExitCode {
        let changed = plan.changes.filter { $0.address.kind == .container && $0.action != .noChange }.map(\.address)
        guard request.starts else { return .success }
        let containers = plan.changes.filter { $0.address.kind == .container }
        let anew = Set(containers.filter { [.recreate, .restart].contains($0.action) }.map(\.address.name))
        let hasDependents = project.services.entries.contains { entry in
            ComposeContainer.Dependency.all(of: entry.value).contains { $0.restarts && anew.contains($0.service) }
        }
        guard hasDependents else { return .success }
        let running = try await session.containers(of: target, all: false)
        let restarted = ComposeRestartCommand.withRestarted(anew, target, running)
        let dependents = running.filter { container in
            restarted.contains(container.service) && container.address.map { !changed.contains($0) } ?? false
        }
        return try await ComposeRestartCommand.restart(dependents, session, target)
    }

    /// Containers of services that the file does not have.
    func orphans() async throws -> [ComposeContainer] {
        try await session.containers(of: ComposeTarget(name: project.name, project: nil)).filter(project.isOrphan)
    }

    /// In Docker's words.
    private func warn(of orphans: [ComposeContainer]) {
        guard !orphans.isEmpty,
            Environment.given("COMPOSE_IGNORE_ORPHANS").map({ !["1", "true"].contains($0) }) ?? true
        else { return }
        session.output.show([
            Diagnostic(
                severity: .warning, code: "SC0231",
                summary: "Found orphan containers ([\(orphans.map(\.name).joined(separator: " "))]) for this project",
                hint: "If you removed or renamed this service in your compose file, you can run this command with the "
                    + "--remove-orphans flag to clean it up")
        ])
    }
}
