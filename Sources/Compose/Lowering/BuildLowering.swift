import Diagnostics
import JSONText
import StackModel

/// The `build` of a service as an image of the stack.
struct BuildLowering {
    let context: LoweringContext
    let service: String
    let build: MemberReader
    let address: ResourceAddress
    private var draft = ResourceDraft()

    init(_ context: LoweringContext, service: String, _ build: MemberReader, _ address: ResourceAddress) {
        self.context = context
        self.service = service
        self.build = build
        self.address = address
    }

    mutating func resource() -> StackResource {
        lowerSource()
        lowerContexts()
        lowerSecrets()
        lowerEnvironment()
        lowerCache()
        lowerLabels()
        refuseAndWarn()
        set("tags", build.texts("tags").flatMap { $0.isEmpty ? nil : .strings($0) }, "tags", beside: true)
        build.finish()
        return StackResource(
            address: address, attributes: draft.attributes, location: build.location, locations: draft.locations)
    }

    private mutating func set(_ attribute: String, _ value: JSONValue?, _ key: String, beside: Bool = false) {
        draft.set(beside ? attribute : "from.\(attribute)", value, at: build.location(key))
    }

    private mutating func lowerSource() {
        let directory = build.given("context") ?? context.project.directory
        if Self.isRemote(directory) {
            build.refuse(
                "context", "SC2419", "is \(directory): only directories of this host are built",
                hint: "clone it first, and name the directory")
        }
        set("context", .string(directory), "context")
        let inline = build.given("dockerfile_inline")
        let file = build.given("dockerfile")
        if let inline {
            set("dockerfileText", .string(inline), "dockerfile_inline")
        } else {
            let file = file ?? "Dockerfile"
            set("dockerfile", .string(Self.joined(directory, file)), file == "Dockerfile" ? "context" : "dockerfile")
        }
        set("target", build.given("target").map { .string($0) }, "target")
        let arguments = build.textMap("args")
        if !arguments.isEmpty {
            set("arguments", .object(JSONObject(arguments.map { ($0.key, .string($0.value)) })), "args")
        }
    }

    private mutating func lowerContexts() {
        var contexts = JSONObject()
        for named in build.textMap("additional_contexts") {
            if let other = named.value.prefixed("service:") {
                guard let node = context.project.services[other], node["build"]?.map != nil else {
                    build.refuse(
                        "additional_contexts", "SC2423", "names the service \(other), which the project does not build")
                    continue
                }
                contexts[named.key] = context.image(LoweringContext.imageName(context.project, other, node))
            } else if Self.isRemote(named.value), !named.value.hasPrefix("docker-image://") {
                build.refuse(
                    "additional_contexts", "SC2419",
                    "has \(named.key) from \(named.value): only directories of this host and images can be had")
            } else {
                contexts[named.key] = .string(named.value)
            }
        }
        if !contexts.isEmpty { set("contexts", .object(contexts), "additional_contexts") }
    }

    private mutating func lowerSecrets() {
        var (paths, sealed) = (JSONObject(), JSONObject())
        for use in build.readers("secrets") {
            let source = use.given("source") ?? ""
            let id = use.given("target") ?? source
            // A build has one user.
            use.skip("uid", "gid", "mode")
            use.finish()
            guard let element = context.project.secrets[source] else {
                use.refuse("source", "SC2423", "names the secret \(source), which the project does not have")
                continue
            }
            guard let content = FileContent(element, kind: "secret", name: source, context, use) else { continue }
            switch content.attribute {
            case "source": paths[id] = .string(content.text)
            case "sealed": sealed[id] = .string(content.text)
            default: use.refuse("source", "SC2419", "names the secret \(source), whose content stands in the file")
            }
        }
        if !paths.isEmpty { set("secrets", .object(paths), "secrets") }
        if !sealed.isEmpty { set("secretValues", .object(sealed), "secrets") }
        let agents = (build.texts("ssh") ?? []).map { agent in
            // The daemon builds: it needs to be told where the caller's agent listens.
            agent == "default" ? context.project.environment["SSH_AUTH_SOCK"].map { "default=\($0)" } ?? agent : agent
        }
        if !agents.isEmpty { set("ssh", .strings(agents), "ssh") }
    }

    private mutating func lowerEnvironment() {
        let network = build.given("network")
        set("network", network.map { .string($0) }, "network")
        if let hosts = build.texts("extra_hosts"), !hosts.isEmpty {
            set("extraHosts", .strings(hosts.map(ServiceLowering.hostLine)), "extra_hosts")
        }
        set("shmSize", build.size("shm_size").flatMap { $0 > 0 ? .int($0) : nil }, "shm_size")
        let limits = build.reader("ulimits")?.ulimits() ?? []
        if !limits.isEmpty { set("ulimits", .object(JSONObject(limits.map { ($0.name, $0.value) })), "ulimits") }
        var entitlements = build.texts("entitlements") ?? []
        // As Docker Compose asks for them on its own.
        if build.flag("privileged") == true { entitlements.append("security.insecure") }
        if network == "host" { entitlements.append("network.host") }
        let sorted = Set(entitlements).sorted()
        if !sorted.isEmpty { set("entitlements", .strings(sorted), "entitlements") }
        let own = context.project.services[service]?["platform"]?.string.map { [$0] } ?? []
        let platforms = build.texts("platforms") ?? own
        if !platforms.isEmpty { set("platforms", .strings(platforms), "platforms") }
    }

    private mutating func lowerCache() {
        set("cacheFrom", build.texts("cache_from").flatMap { $0.isEmpty ? nil : .strings($0) }, "cache_from")
        set("cacheTo", build.texts("cache_to").flatMap { $0.isEmpty ? nil : .strings($0) }, "cache_to")
        if build.flag("no_cache") == true { set("noCache", true, "no_cache") }
        let stages = build.texts("no_cache_filter") ?? []
        if !stages.isEmpty { set("noCacheStages", .strings(stages), "no_cache_filter") }
        if build.flag("pull") == true { set("pull", true, "pull") }
    }

    private mutating func lowerLabels() {
        var labels = JSONObject(build.textMap("labels").map { ($0.key, JSONValue.string($0.value)) })
        labels[ComposeLabels.project] = .string(context.project.name)
        labels[ComposeLabels.service] = .string(service)
        labels[ComposeLabels.version] = .string(ComposeLabels.releaseFollowed)
        set("labels", .object(labels), "labels")
    }

    private func refuseAndWarn() {
        if let isolation = build.given("isolation"), isolation != "default" {
            build.refuse("isolation", "SC2412", "is \(isolation), which only Windows has")
        }
        for key in ["provenance", "sbom"] {
            guard let text = build.given(key), text != "false" else { continue }
            build.warn(
                key, "SC2452", "build.\(key)", "is not honoured: images of a stack have no attestations",
                hint: "build with it: stackctl build --\(key)")
        }
    }

    /// Whether a context is anything but a directory of this host.
    private static func isRemote(_ text: String) -> Bool { text.contains("://") || text.hasPrefix("git@") }

    /// A path seen from a directory, without `.` and `..`.
    static func joined(_ directory: String, _ path: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : "\(directory)/\(path)").split(separator: "/") where part != "." {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

extension String {
    /// What follows a prefix; nil where it does not begin with it.
    func prefixed(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
