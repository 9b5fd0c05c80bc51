import Compose
import Diagnostics
import JSONText
import Linux
import Synchronization

/// What a verb of `stackctl compose` is about: a project of which nothing but the name may be known.
struct ComposeTarget: Sendable {
    /// The project's name.
    let name: String
    /// The project, where there is a file that says what it is.
    let project: ComposeProject?

    /// That a service is neither of the file nor of the containers.
    func unknown(_ service: String, known: [String]) -> Diagnostic {
        let near = nearest(service, among: known)
        let list = "stackctl compose -p \(name) ps --services"
        return Diagnostic(
            code: "SC0221", summary: "no such service: \(service)",
            hint: near.map { "did you mean `\($0)`?" }
                ?? "`\(project == nil ? list : "stackctl compose config --services")` lists them")
    }
}

/// One run of a verb of `stackctl compose`: the options before the verb, the project, the daemon.
struct ComposeSession: Sendable {
    /// Which containers of `run` are meant.
    enum OneOff: Sendable {
        case excluded, included, only
    }

    /// The invocation, with an output as `--ansi` and `--progress` ask for, and a daemon that `--dry-run` keeps from changes.
    let invocation: Invocation
    /// Where what goes on is shown: standard error, as Docker's client does.
    private(set) var progress: Output
    /// Requests at once.
    let limit: Int
    /// Whether what goes on is shown as lines of JSON.
    let showsJSON: Bool
    private let found = FoundDaemon()

    /// Reads the options before the verb.
    ///
    /// - Throws: `Diagnostic` for values that cannot be.
    init(_ given: Invocation) throws(Diagnostic) {
        let arguments = given.arguments
        if arguments.isSet(ComposeOptions.compatibility) {
            throw Diagnostic(
                code: "SC0222", summary: "--compatibility is not supported: containers are named PROJECT-SERVICE-N",
                hint: "leave it out; `container_name:` names a container otherwise")
        }
        if let text = arguments.value(of: ComposeOptions.timeout), Int(text) == nil {
            throw FlagProblem.invalid(ComposeOptions.timeout, text, "a whole number of seconds is expected")
        }
        limit = try Self.limit(arguments)
        let ansi = arguments.value(of: ComposeOptions.ansi) ?? Environment.given("COMPOSE_ANSI") ?? "auto"
        let mode = arguments.value(of: ComposeOptions.progress) ?? Environment.given("COMPOSE_PROGRESS") ?? "auto"
        let output = given.output.restyled(ansi: ansi)
        var invocation = Invocation(arguments: arguments, output: output, location: given.location)
        invocation.isDryRun = arguments.isSet(ComposeOptions.dryRun)
        self.invocation = invocation
        showsJSON = mode == "json"
        let shown = output.onStandardError
        switch mode {
        case "quiet": progress = shown.silenced
        case "plain", "json": progress = shown.restyled(ansi: "never")
        default: progress = shown
        }
    }

    private static func limit(_ arguments: ParsedArguments) throws(Diagnostic) -> Int {
        let text = arguments.value(of: ComposeOptions.parallel) ?? Environment.given("COMPOSE_PARALLEL_LIMIT")
        guard let text else { return 64 }
        guard let number = Int(text), number >= -1, number != 0 else {
            throw FlagProblem.invalid(
                ComposeOptions.parallel, text, "a number above zero is expected, or -1 for no limit")
        }
        return number == -1 ? 1024 : number
    }

    var arguments: ParsedArguments { invocation.arguments }
    /// Seconds until SIGKILL of `--timeout`; nil is what each container says.
    var stopTimeout: Int? { arguments.value(of: ComposeOptions.timeout).flatMap { Int($0) } }
    var output: Output { invocation.output }
    /// Whether nothing may be changed.
    var isDryRun: Bool { invocation.isDryRun }
    /// The same without what goes on being shown.
    var quiet: ComposeSession {
        var copy = self
        copy.progress = progress.silenced
        return copy
    }
    /// The same with what is shown going where progress goes.
    var progressInvocation: Invocation {
        var arguments = arguments
        if showsJSON { arguments.set(SharedOptions.json, isOn: true) }
        var copy = Invocation(arguments: arguments, output: progress, location: invocation.location)
        copy.isDryRun = isDryRun
        return copy
    }

    /// A connection to the daemon; under `--dry-run` one that only looks and plans.
    func daemon() async throws -> DaemonClient {
        if let daemon = found.value.withLock({ $0 }) { return daemon }
        let daemon = try await invocation.daemon()
        found.value.withLock { $0 = daemon }
        return daemon
    }

    // MARK: The project

    /// The project as the files say; what deserves attention is shown.
    ///
    /// - Parameter adjust: changes how the files are read.
    /// - Throws: `DiagnosticList` with all that is wrong with the files.
    func project(_ adjust: (inout ComposeRequest) -> Void = { _ in }) async throws -> ComposeProject {
        var request = try source().request
        request.keepsUnusedResources = arguments.isSet(ComposeOptions.allResources)
        adjust(&request)
        let project = try await ComposeSource(request).load()
        output.show(project.diagnostics)
        return project
    }

    /// The project with its file, or else its name alone.
    ///
    /// As Docker: a name without a file is enough for verbs that act on what is there; no file is looked for then.
    ///
    /// - Parameter keepingUnused: whether the project keeps the networks and volumes that no active service uses.
    func target(keepingUnused: Bool = false) async throws -> ComposeTarget {
        let name = arguments.value(of: ComposeOptions.projectName)
        if let name, arguments.values(of: ComposeOptions.file).isEmpty {
            return ComposeTarget(name: try Self.checked(name), project: nil)
        }
        do {
            let project = try await project { request in
                if keepingUnused { request.keepsUnusedResources = true }
            }
            return ComposeTarget(name: project.name, project: project)
        } catch {
            guard arguments.values(of: ComposeOptions.file).isEmpty,
                let name = Environment.given("COMPOSE_PROJECT_NAME")
            else { throw error }
            return ComposeTarget(name: try Self.checked(name), project: nil)
        }
    }

    /// Docker's rule for names of projects.
    private static func checked(_ name: String) throws(Diagnostic) -> String {
        guard ProjectName.isValid(name) else {
            throw Diagnostic(
                code: "SC0223",
                summary: "invalid project name \(FlagProblem.quoted(name)): "
                    + "must consist only of lowercase alphanumeric characters, hyphens, and underscores "
                    + "as well as start with a letter or number",
                hint: "write it as `-p \(ProjectName.normalized(name))`")
        }
        return name
    }

    /// The files that the options name.
    func source() throws -> ComposeSource {
        try ComposeSource(
            files: arguments.values(of: ComposeOptions.file),
            projectName: arguments.value(of: ComposeOptions.projectName),
            profiles: arguments.values(of: ComposeOptions.profile),
            environmentFiles: arguments.values(of: ComposeOptions.environmentFile),
            projectDirectory: arguments.value(of: ComposeOptions.projectDirectory))
    }

    // MARK: Containers

    /// The project's containers, by service and then by number.
    ///
    /// - Parameters:
    ///   - services: only these; empty is all.
    ///   - all: whether those that do not run are among them.
    /// - Throws: `Diagnostic` (SC0221) for a service that neither the file nor a container has.
    func containers(
        of target: ComposeTarget, services: [String] = [], all: Bool = true, oneOff: OneOff = .excluded
    ) async throws -> [ComposeContainer] {
        let request = Target("containers", "json").with("all", true)
            .with(filters: [("label", "\(ComposeLabels.project)=\(target.name)")])
        let found = (try await daemon().get(request.text).arrayValue ?? []).compactMap { ComposeContainer(json: $0) }
        let known =
            (target.project?.services.keys ?? []) + (target.project?.disabledServices.keys ?? [])
            + found.map(\.service)
        for service in services where !known.contains(service) { throw target.unknown(service, known: known) }
        return found.filter { container in
            guard services.isEmpty || services.contains(container.service), all || container.isRunning else {
                return false
            }
            switch oneOff {
            case .excluded: return !container.isOneOff
            case .included: return true
            case .only: return container.isOneOff
            }
        }.sorted { ($0.service, $0.number, $0.name) < ($1.service, $1.number, $1.name) }
    }

    /// The containers that a verb without services means: of a project with a file only those of its services.
    func meant(
        _ target: ComposeTarget, services: [String], all: Bool = true
    ) async throws -> [ComposeContainer] {
        let found = try await containers(of: target, services: services, all: all)
        guard services.isEmpty, let project = target.project else { return found }
        return found.filter { !project.isOrphan($0) }
    }

    /// One container of a service: the one of `--index`, or else the first that runs.
    ///
    /// - Throws: `Diagnostic` (SC0224) where it has none.
    func container(
        of target: ComposeTarget, service: String, index: Int? = nil, running: Bool = true
    ) async throws -> ComposeContainer {
        let found = try await containers(of: target, services: [service], all: !running)
        if let index {
            if let container = found.first(where: { $0.number == index }) { return container }
            throw Diagnostic(
                code: "SC0224", summary: "service \"\(service)\" is not running container #\(index)",
                hint: "stackctl compose ps \(service)")
        }
        guard let container = found.first else {
            throw Diagnostic(
                code: "SC0224", summary: "service \"\(service)\" is not running",
                hint: "start it: stackctl compose up -d \(service)")
        }
        return container
    }
}

extension Environment {
    /// A variable that is set and not empty.
    static func given(_ name: String) -> String? { get(name).flatMap { $0.isEmpty ? nil : $0 } }
}

/// The daemon of a session, once it has answered.
private final class FoundDaemon: Sendable {
    let value = Mutex<DaemonClient?>(nil)
}
