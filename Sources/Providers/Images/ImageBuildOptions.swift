import Builder
import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI

/// How an image of a Dockerfile is built: what of `from` does not say what it is built of.
struct ImageBuildOptions: Sendable {
    static let names = [
        "dockerfileText", "contexts", "network", "extraHosts", "shmSize", "ulimits", "cacheFrom", "cacheTo", "noCache",
        "noCacheStages", "pull", "platforms", "ssh", "entitlements", "labels", "secretValues",
    ]

    /// Those that another value of makes no other image.
    private static let ofTheBuild = [
        "network", "extraHosts", "shmSize", "ulimits", "cacheFrom", "cacheTo", "noCache", "noCacheStages", "pull",
        "ssh", "entitlements",
    ]

    /// Whether a path is one of these, or a part of one.
    static func isOfTheBuild(_ path: String) -> Bool {
        let parts = path.split(separator: ".").map(String.init)
        return parts.count > 1 && parts[0] == "from" && ofTheBuild.contains(parts[1].prefix { $0 != "[" }.description)
    }

    private let origin: JSONObject

    /// - Parameter origin: the attribute `from` in its normal form.
    init(_ origin: JSONObject) { self.origin = origin }

    // MARK: Reading

    /// Reads them into their normal form.
    static func read(_ reader: inout AttributeReader) {
        reader.text("dockerfileText", { $0.isEmpty ? nil : $0 }, expected: "the text of a Dockerfile")
        reader.dictionary("contexts")
        for (name, value) in reader["contexts"]?.objectValue ?? JSONObject() {
            guard let text = value.stringValue, !isContext(text) else { continue }
            reader.report("contexts.\(name)", "an absolute path or docker-image:// with an image's name", value)
        }
        reader.text("network", { $0.hasPrefix("container:") ? nil : $0 }, expected: "default, none, host or a network")
        reader.texts("extraHosts", expected: "entries such as db:10.0.0.5") { $0.contains(":") ? $0 : nil }
        reader.integer("shmSize", in: 1...Int64.max)
        reader.members("ulimits") { name, limit in
            for key in ["soft", "hard"] { limit.integer(key, in: -1...Int64.max) }
        }
        for key in ["cacheFrom", "cacheTo"] {
            reader.texts(key, expected: "texts such as type=registry,ref=name") { location($0) == nil ? nil : $0 }
        }
        for key in ["noCache", "pull"] { reader.flag(key) }
        reader.texts("noCacheStages", isSet: true, expected: "the name of a stage") { $0.isEmpty ? nil : $0 }
        reader.texts("platforms", expected: "platforms such as linux/amd64") { Platform($0)?.normalized.description }
        readAgents(&reader)
        reader.texts("entitlements", isSet: true, expected: "network.host or security.insecure") { text in
            ["network.host", "security.insecure"].contains(text) ? text : nil
        }
        for key in ["labels", "secretValues"] { reader.dictionary(key) }
    }

    private static func isContext(_ text: String) -> Bool {
        text.hasPrefix("/") || text.hasPrefix("sha256:")
            || text.hasPrefix(RecipeContext.imagePrefix)
                && (try? ImageReference(String(text.dropFirst(RecipeContext.imagePrefix.count)))) != nil
    }

    /// The daemon builds, and the caller's agent is not its own.
    private static func readAgents(_ reader: inout AttributeReader) {
        reader.texts("ssh")
        for text in reader["ssh"]?.arrayValue?.compactMap(\.stringValue) ?? [] where agent(text) == nil {
            reader.refuse(
                "ssh: \(text) is nothing the daemon can reach: it builds images of a stack without the caller",
                hint: "name the socket of an agent: ssh: [default=/run/user/1000/ssh-agent.socket], "
                    + "or build it with: stackctl build --ssh \(text)")
        }
    }

    /// `id=/path` of an agent's socket.
    private static func agent(_ text: String) -> (id: String, path: String)? {
        let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard sides.count == 2, sides[1].hasPrefix("/"), let status = try? Files.status(sides[1]),
            status.kind == .socket
        else { return nil }
        return (sides[0], sides[1])
    }

    /// `type=registry,ref=name`, or a name alone.
    private static func location(_ text: String) -> BuildRequest.CacheLocation? {
        guard text.contains("=") else {
            return text.isEmpty ? nil : BuildRequest.CacheLocation(type: "registry", parameters: ["ref": text])
        }
        var fields: [String: String] = [:]
        for field in text.split(separator: ",") {
            let sides = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, !sides[0].isEmpty else { return nil }
            fields[sides[0]] = sides[1]
        }
        let type = fields.removeValue(forKey: "type") ?? "registry"
        return BuildRequest.CacheLocation(type: type, parameters: fields)
    }

    // MARK: Asking

    /// The secrets that the daemon sealed, by their ids.
    var sealedSecrets: [String: String] { origin.strings("secretValues") }

    /// Asks for a build as they say.
    func apply(to request: inout BuildRequest) {
        switch origin["network"]?.stringValue ?? "" {
        case "", "default", "bridge": break
        case "none": request.network = .none
        case "host":
            request.network = .host
            request.entitlements.insert("network.host")
        case let name: request.networkName = name
        }
        request.entitlements.formUnion(origin.list("entitlements") ?? [])
        request.limits.extraHosts = origin.list("extraHosts") ?? []
        if let bytes = origin["shmSize"]?.intValue { request.limits.sharedMemoryBytes = bytes }
        for (name, value) in origin["ulimits"]?.objectValue ?? JSONObject() {
            request.limits.ulimits.append(
                StepLimits.Ulimit(
                    name: name, soft: value["soft"]?.intValue ?? -1, hard: value["hard"]?.intValue ?? -1))
        }
        request.cacheSources = (origin.list("cacheFrom") ?? []).compactMap(Self.location)
        request.cacheTargets = (origin.list("cacheTo") ?? []).compactMap(Self.location)
        request.ignoresCache = origin["noCache"]?.boolValue ?? false
        request.uncachedStages = Set(origin.list("noCacheStages") ?? [])
        request.pulls = origin["pull"]?.boolValue ?? false
        request.platforms = (origin.list("platforms") ?? []).compactMap { Platform($0)?.normalized }
        request.labels = origin.strings("labels")
        for text in origin.list("ssh") ?? [] {
            guard let (id, path) = Self.agent(text) else { continue }
            request.agents[id] = LocalAgent(path: path)
        }
    }
}

/// An ssh agent on this host.
private struct LocalAgent: AgentConnector {
    let path: String

    func connect() async throws -> AsyncSocket { try await AsyncSocket.connect(unix: path) }
}
