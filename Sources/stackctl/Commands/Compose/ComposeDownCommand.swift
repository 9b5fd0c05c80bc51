import Apply
import Compose
import Diagnostics
import JSONText
import OCI
import Providers
import StackModel

/// `stackctl compose down`.
enum ComposeDownCommand {
    private static let volumes = OptionDeclaration.flag(
        "volumes", "v", "Also remove the volumes of the file and anonymous ones, with the data in them")
    private static let images = OptionDeclaration.value(
        "rmi", nil, .choice(["local", "all"]), "Also remove images: those without image: in the file, or all")

    static let declaration = CommandDeclaration(
        "down", summary: "Stop and remove containers and networks of a project",
        discussion: """
            Volumes and images stay unless -v and --rmi say otherwise; what is external always stays.
            With -p NAME no file is needed, whoever made the project.
            """,
        operands: [ComposeOptions.services],
        options: [volumes, images, ComposeOptions.removeOrphans, ComposeOptions.timeout, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target(keepingUnused: true)
        var request = Request()
        request.services = session.arguments.operands
        request.removesVolumes = session.arguments.isSet(volumes)
        request.images = session.arguments.value(of: images)
        request.removesOrphans = ComposeDeployOptions.removesOrphans(session.arguments)
        return try await down(session, target, request)
    }

    /// What is asked for.
    struct Request: Sendable {
        /// Only these; empty is all.
        var services: [String] = []
        var removesVolumes = false
        /// `local` or `all`.
        var images: String?
        var removesOrphans = false
    }

    /// Takes a project down.
    static func down(
        _ session: ComposeSession, _ target: ComposeTarget, _ request: Request
    ) async throws -> ExitCode {
        let work = ComposeTakedown(session: session, target: target, request: request)
        return try await work.run()
    }
}

/// What `down` does, one after the other.
struct ComposeTakedown: Sendable {
    let session: ComposeSession
    let target: ComposeTarget
    let request: ComposeDownCommand.Request

    /// Whether a container is meant: of the named services, of the file's, or of all where nothing says which there are.
    private func isMeant(_ container: ComposeContainer) -> Bool {
        if !request.services.isEmpty { return request.services.contains(container.service) }
        guard let project = target.project, !request.removesOrphans else { return true }
        return !project.isOrphan(container)
    }

    func run() async throws -> ExitCode {
        let all = try await session.containers(of: target, oneOff: .included)
        if !request.services.isEmpty { _ = try await session.containers(of: target, services: request.services) }
        let meant = all.filter(isMeant)
        let images = try await doomedImages(meant)
        let foreign = meant.filter { $0.address == nil }
        var code = try await stop(foreign)
        if code == .success, !foreign.isEmpty {
            code = try await ComposeRemoval(session, target).remove(foreign, volumes: request.removesVolumes)
        }
        guard code == .success else { return code }
        try await stack.checkIsProject()
        let plan: Plan?
        (code, plan) = try await destroy(all)
        guard code == .success else { return code }
        let foreignRest = try await request.services.isEmpty ? rest() : []
        code = try await remove(foreignRest)
        if all.isEmpty, plan?.isEmpty ?? true, foreignRest.isEmpty {
            session.progress.print("Nothing to remove for project \"\(target.name)\".")
        }
        if code == .success, !images.isEmpty { code = try await remove(images: images) }
        return code
    }

    private func stop(_ containers: [ComposeContainer]) async throws -> ExitCode {
        try await ComposeStopCommand.stop(containers.filter(\.isRunning), session, target)
    }

    // MARK: The stack

    private var stack: ComposeStack { ComposeStack(session, target) }

    /// Takes away what is recorded, and gives what was planned last.
    private func destroy(_ all: [ComposeContainer]) async throws -> (ExitCode, Plan?) {
        let scope = try await scope(all)
        return try await ComposeStack.whileStale {
            let plan = try await stack.planDestroy(scope)
            guard let plan, !plan.isEmpty else { return (.success, plan) }
            if session.isDryRun {
                stack.show(plan, isShort: true)
                return (.success, plan)
            }
            return (try await stack.destroy(plan, scope), plan)
        }
    }

    /// Whether every image of the stack is among those that `--rmi` names.
    private var removesRecordedImages: Bool {
        guard let mode = request.images, let project = target.project else { return false }
        let services = project.services.entries + project.disabledServices.entries
        return mode == "all" || services.allSatisfy { $0.value["build"]?.isNull ?? true || $0.value["image"] == nil }
    }

    /// Of what is recorded: the containers that are meant, and what the file declares as its own.
    private func scope(_ all: [ComposeContainer]) async throws -> PlanScope {
        var scope = PlanScope()
        if !request.removesVolumes { scope.keptKinds.insert(.volume) }
        if !removesRecordedImages { scope.keptKinds.insert(.image) }
        let meant = Set(all.filter(isMeant).compactMap(\.address))
        if !request.services.isEmpty {
            scope.targets = meant
            return scope
        }
        let recorded = try await stack.planDestroy(scope)?.changes.map(\.address) ?? []
        let orphans = all.filter { !isMeant($0) }
        let inUse = Set(orphans.flatMap(Self.networks)).union(try await networksInUse(by: all))
        let mounted = Set(orphans.flatMap(Self.volumes))
        scope.targets = meant.union(
            recorded.filter { address in
                switch address.kind {
                case .container: isMeant(address)
                case .network: isOwn(address, target.project?.networks) && !inUse.contains(hostName(address))
                case .volume: isOwn(address, target.project?.volumes) && !mounted.contains(hostName(address))
                case .image: true
                }
            })
        return scope
    }

    /// Whether a recorded container is meant, which may be gone from the host.
    private func isMeant(_ address: ResourceAddress) -> Bool {
        guard let project = target.project, !request.removesOrphans else { return true }
        return [address.name, address.serviceBefore].contains { name in
            name.map { project.services[$0] != nil || project.disabledServices[$0] != nil } ?? false
        }
    }

    /// Whether the file declares a network or a volume as the project's own.
    ///
    /// Without a file all that is recorded is. What the file no longer has stays, since it may hold data.
    private func isOwn(_ address: ResourceAddress, _ declared: ComposeMap?) -> Bool {
        guard let declared else { return true }
        guard let entry = declared[address.name] else {
            return address.kind == .network && (request.removesOrphans || address.name == "default")
        }
        return !entry.isExternal
    }

    private func hostName(_ address: ResourceAddress) -> String {
        hostName(address.name, in: address.kind == .network ? target.project?.networks : target.project?.volumes)
    }

    private func hostName(_ key: String, in declared: ComposeMap?) -> String {
        declared?[key]?["name"]?.string ?? "\(target.name)_\(key)"
    }

    /// The networks of the project that running containers of others are in: they stay, as with Docker.
    private func networksInUse(by own: [ComposeContainer]) async throws -> [String] {
        let daemon = try await session.daemon()
        let filters = [("label", "\(ComposeLabels.project)=\(target.name)")]
        let ids = Set(own.map(\.id))
        var names: [String] = []
        for network in try await daemon.get(Target("networks").with(filters: filters).text).arrayValue ?? [] {
            guard let name = network["Name"]?.stringValue else { continue }
            let inspected = try await daemon.get(Target("networks", name).text)
            let others = inspected["Containers"]?.objectValue?.filter { !ids.contains($0.key) } ?? []
            guard let other = others.first else { continue }
            names.append(name)
            let user = other.value["Name"]?.stringValue ?? String(other.key.prefix(12))
            warnOfUse(name, "the container \(user) is in it")
        }
        return names
    }

    private static func volumes(_ container: ComposeContainer) -> [String] {
        (container.json["Mounts"]?.arrayValue ?? []).compactMap { $0["Name"]?.stringValue }
    }

    private static func networks(_ container: ComposeContainer) -> [String] {
        container.json["NetworkSettings"]?["Networks"]?.objectValue?.map(\.0) ?? []
    }

    // MARK: What another client made

    /// Something that is removed by the API.
    private struct Object: ComposeItem {
        var kind: String
        var name: String
        var service: String { name }
    }

    /// Networks and, where asked for, volumes with the project's labels that no stack has.
    private func rest() async throws -> [Object] {
        let daemon = try await session.daemon()
        let filters = [("label", "\(ComposeLabels.project)=\(target.name)")]
        func names(_ found: JSONValue?, _ declared: ComposeMap?, besides more: [String] = []) -> [String] {
            let own = declared.map { declared in
                Set(declared.entries.filter { !$0.value.isExternal }.map { hostName($0.key, in: declared) } + more)
            }
            return (found?.arrayValue ?? []).filter(isForeign).compactMap { $0["Name"]?.stringValue }
                .filter { own?.contains($0) ?? true }
        }
        let networks = names(
            try await daemon.get(Target("networks").with(filters: filters).text), target.project?.networks,
            besides: [hostName("default", in: nil)])
        var objects = networks.map { Object(kind: "networks", name: $0) }
        guard request.removesVolumes else { return objects }
        let volumes = names(
            try await daemon.get(Target("volumes").with(filters: filters).text)["Volumes"], target.project?.volumes)
        objects += volumes.map { Object(kind: "volumes", name: $0) }
        return objects
    }

    private func remove(_ objects: [Object]) async throws -> ExitCode {
        let daemon = try await session.daemon()
        let work = ComposeWork(session: session, order: ComposeOrder(dependencies: [:]), operation: "remove")
        return try await work.run(objects) { object, _ in try await remove(object, daemon) }
    }

    private func isForeign(_ object: JSONValue) -> Bool {
        let labels = object["Labels"]?.objectValue?.strings ?? [:]
        return labels[HostNames.stackLabel] != target.name
    }

    private func remove(_ object: Object, _ daemon: DaemonClient) async throws {
        do {
            _ = try await daemon.delete(Target(object.kind, object.name).text)
        } catch let failure as StatusFailure where failure.status == 404 {
        } catch let failure as StatusFailure where failure.status == 403 || failure.status == 409 {
            // Containers of others use it, or of a service that the file no longer has: it stays for them, as with Docker.
            warnOfUse(object.name, failure.diagnostics.first?.summary)
        }
    }

    private func warnOfUse(_ name: String, _ detail: String?) {
        session.output.show([
            Diagnostic(
                severity: .warning, code: "SC0232", summary: "\(name): resource is still in use", detail: detail,
                hint: "containers of services that the file no longer has go with --remove-orphans")
        ])
    }

    // MARK: Images

    /// The images that `--rmi` names.
    private func doomedImages(_ containers: [ComposeContainer]) async throws -> [String] {
        guard let mode = request.images else { return [] }
        var names = Set(mode == "all" ? containers.map(\.image) : [])
        for entry in target.project?.services.entries ?? [] {
            if !request.services.isEmpty, !request.services.contains(entry.key) { continue }
            let given = entry.value["image"]?.string
            if given == nil, entry.value["build"]?.isNull == false { names.insert("\(target.name)-\(entry.key)") }
            if mode == "all", let given { names.insert(given) }
        }
        return Set(names.map { (try? ImageReference($0))?.withDefaultTag.familiar ?? $0 }).sorted()
    }

    private func remove(images: [String]) async throws -> ExitCode {
        try await remove(images.map { Object(kind: "images", name: $0) })
    }
}
