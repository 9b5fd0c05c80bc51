import Builder
import Compose
import Diagnostics
import JSONText
import Linux

/// The build of one service's image, in the words of `stackctl build`.
struct ComposeBuild: ComposeItem {
    /// What the command line says beside the file.
    struct Options: Sendable {
        /// `NAME=VALUE`, or a name whose value is the caller's.
        var arguments: [String] = []
        var hasCache = true
        var pulls = false
        var pushes = false
        /// Of `--ssh`: `default`, `NAME=SOCKET`.
        var agents: [String] = []
        var memory: String?
        var provenance: String?
        var inventory: String?
        var isChecked = false
    }

    let service: String
    /// The name of the image.
    let image: String
    /// `build` of the service, in its canonical form.
    let build: ComposeNode
    let project: ComposeProject

    var name: String { service }

    /// The build of a service; nil where it has none.
    init?(_ service: String, in project: ComposeProject) {
        guard let node = project.services[service], let build = node["build"], !build.isNull else { return nil }
        self.service = service
        self.build = build
        self.project = project
        image = Self.image(of: service, in: project)
    }

    /// The name that the image of a service has: its own, or the project's and its.
    static func image(of service: String, in project: ComposeProject) -> String {
        project.services[service]?["image"]?.string ?? "\(project.name)-\(service)"
    }

    /// The services whose images it begins with (`additional_contexts: service:base`).
    var dependencies: [String] {
        contexts.compactMap { $0.value.hasPrefix("service:") ? String($0.value.dropFirst("service:".count)) : nil }
    }

    private var contexts: [(key: String, value: String)] { pairs("additional_contexts") }

    /// Whether the file names the image, and so says where it would be pushed to.
    var hasName: Bool { project.services[service]?["image"]?.string.map { !$0.isEmpty } ?? false }

    /// Where its files are: a directory, or an address.
    var context: String { build["context"]?.string ?? "." }

    // MARK: As options

    /// What `stackctl build` would be given.
    func arguments(_ options: Options) -> ParsedArguments {
        var parsed = ParsedArguments()
        parsed.set(BuildOptions.tag, to: image)
        for tag in texts("tags") { parsed.set(BuildOptions.tag, to: tag) }
        for line in buildArguments + options.arguments { parsed.set(BuildOptions.argument, to: line) }
        addFiles(&parsed)
        addCache(&parsed, options)
        addRights(&parsed, options)
        for (key, value) in pairs("labels") { parsed.set(BuildOptions.label, to: "\(key)=\(value)") }
        for platform in texts("platforms") { parsed.set(BuildOptions.platform, to: platform) }
        if let platform = project.services[service]?["platform"]?.string, texts("platforms").isEmpty {
            parsed.set(BuildOptions.platform, to: platform)
        }
        if options.pushes, hasName { parsed.set(BuildOptions.push, isOn: true) }
        if let memory = options.memory { parsed.set(BuildOptions.memory, to: memory) }
        if let text = options.provenance ?? text("provenance") { parsed.set(BuildOptions.provenance, to: text) }
        if let text = options.inventory ?? text("sbom") { parsed.set(BuildOptions.inventory, to: text) }
        return parsed
    }

    private var buildArguments: [String] {
        (build["args"]?.map?.entries ?? []).compactMap { entry in
            if let value = Self.plain(entry.value) { return "\(entry.key)=\(value)" }
            return project.environment[entry.key].map { "\(entry.key)=\($0)" }
        }
    }

    private func addFiles(_ parsed: inout ParsedArguments) {
        if let target = build["target"]?.string { parsed.set(BuildOptions.target, to: target) }
        for (name, place) in contexts {
            guard place.hasPrefix("service:") else {
                parsed.set(BuildOptions.context, to: "\(name)=\(place)")
                continue
            }
            let image = Self.image(of: String(place.dropFirst("service:".count)), in: project)
            parsed.set(BuildOptions.context, to: "\(name)=docker-image://\(image)")
        }
    }

    private func addCache(_ parsed: inout ParsedArguments, _ options: Options) {
        for place in texts("cache_from") { parsed.set(BuildOptions.cacheFrom, to: place) }
        for place in texts("cache_to") { parsed.set(BuildOptions.cacheTo, to: place) }
        if !options.hasCache || build["no_cache"]?.bool ?? false { parsed.set(BuildOptions.noCache, isOn: true) }
        if options.pulls || build["pull"]?.bool ?? false { parsed.set(BuildOptions.pull, isOn: true) }
    }

    private func addRights(_ parsed: inout ParsedArguments, _ options: Options) {
        for secret in build["secrets"]?.list ?? [] {
            guard let source = secret["source"]?.string, let origin = project.secrets[source] else { continue }
            let id = secret["target"]?.string ?? source
            if let file = origin["file"]?.string {
                parsed.set(BuildOptions.secret, to: "id=\(id),src=\(file)")
            } else if let variable = origin["environment"]?.string {
                parsed.set(BuildOptions.secret, to: "id=\(id),env=\(variable)")
            }
        }
        for agent in texts("ssh") + options.agents { parsed.set(BuildOptions.ssh, to: agent) }
        if let network = build["network"]?.string { parsed.set(BuildOptions.network, to: network) }
        for host in texts("extra_hosts") { parsed.set(BuildOptions.hosts, to: host) }
        if let size = text("shm_size") { parsed.set(BuildOptions.sharedMemory, to: size) }
        for (name, limit) in build["ulimits"]?.map?.entries.map({ ($0.key, $0.value) }) ?? [] {
            let soft = limit.int ?? limit["soft"]?.int
            let hard = limit.int ?? limit["hard"]?.int
            if let soft { parsed.set(BuildOptions.ulimit, to: "\(name)=\(soft):\(hard ?? soft)") }
        }
        var allowed = texts("entitlements")
        if build["privileged"]?.bool ?? false { allowed.append("security.insecure") }
        for right in allowed { parsed.set(BuildOptions.allow, to: right) }
    }

    // MARK: Reading

    private func texts(_ key: String) -> [String] { (build[key]?.list ?? []).compactMap(Self.plain) }

    private func text(_ key: String) -> String? { build[key].flatMap(Self.plain) }

    private func pairs(_ key: String) -> [(key: String, value: String)] {
        (build[key]?.map?.entries ?? []).map { ($0.key, Self.plain($0.value) ?? "") }
    }

    private static func plain(_ node: ComposeNode) -> String? {
        switch node.value {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .null, .list, .map: nil
        }
    }

    // MARK: Doing it

    /// The request, and where the files are; blocking.
    func prepared(_ options: Options, proxies: [String]) throws(Diagnostic) -> (BuildContext, BuildBody) {
        let body = try BuildBody(
            arguments(options),
            environment: { [environment = project.environment] in environment[$0] ?? Environment.get($0) },
            directory: project.directory, proxies: proxies)
        if let text = build["dockerfile_inline"]?.string {
            return (
                try BuildContext(context, instructions: Array(text.utf8), name: "\(service): dockerfile_inline"), body
            )
        }
        let file = build["dockerfile"]?.string ?? "Dockerfile"
        let path = BuildContext.isRemote(context) || file.hasPrefix("/") ? file : "\(context)/\(file)"
        return (try BuildContext(context, file: path), body)
    }

    /// Builds it.
    ///
    /// - Returns: the result as the daemon tells it.
    func run(
        _ options: Options, _ daemon: DaemonClient, _ display: BuildDisplay, _ output: Output, proxies: [String]
    ) async throws -> JSONValue {
        let (context, body, secrets, agents) = try await BlockingExecutor.shared.run {
            () throws(Diagnostic) -> (BuildContext, BuildBody, JSONObject, [String: String]) in
            let (context, body) = try prepared(options, proxies: proxies)
            return (context, body, try BuildCommand.secrets(body), try BuildCommand.agents(body))
        }
        return try await BuildSession(daemon: daemon, display: display, output: output)
            .run(context, body, secrets, agents: agents)
    }
}
