import Diagnostics
import JSONText
import StackModel

/// Files beside the context that a Dockerfile takes by a name: `COPY --from=name`, `FROM name`.
public struct BuildContext: Sendable, ExpressibleByStringLiteral {
    let json: JSONValue
    let edge: Edge?

    /// A directory, relative to the stack's folder unless it starts with "/".
    public init(stringLiteral value: String) { self = .path(value) }

    /// A directory, relative to the stack's folder unless it starts with "/".
    public static func path(_ path: String) -> BuildContext { BuildContext(json: .string(path), edge: nil) }

    /// An image of the stack, which is made first, or one by its reference as a literal.
    public static func image(_ image: Image) -> BuildContext {
        guard let node = image.node else {
            return BuildContext(json: .string("docker-image://\(image.literal)"), edge: nil)
        }
        let id = Reference(node: node, attribute: "id")
        return BuildContext(json: id.json, edge: id.edge)
    }

    private init(json: JSONValue, edge: Edge?) {
        self.json = json
        self.edge = edge
    }
}

/// How an image of a Dockerfile is built, beyond what it is built of.
public struct BuildOptions: Sendable {
    var attributes = JSONObject()
    var edges: [Edge] = []
    var problems: [Diagnostic] = []

    /// Options; what is left out is as the builder has it.
    ///
    /// - Parameters:
    ///   - contexts: further contexts by their names.
    ///   - network: of steps that run commands: "default", "none", "host" or the name of a network.
    ///   - extraHosts: names that steps know, as "name:address".
    ///   - shmSize: the size of /dev/shm of steps.
    ///   - ulimits: limits of the processes of steps.
    ///   - cacheFrom: caches that are used, as buildx writes them: "type=registry,ref=…", or a reference.
    ///   - cacheTo: caches that are written.
    ///   - noCache: whether nothing that is cached is used.
    ///   - noCacheStages: stages of which that is so.
    ///   - pull: whether base images are asked for at their registries though they are here.
    ///   - platforms: what it is built for, such as "linux/amd64".
    ///   - ssh: agents that steps may use: "default" or "id=path".
    ///   - entitlements: what steps may ask for, such as "network.host".
    ///   - labels: of the image.
    ///   - secretValues: secrets by their ids that the daemon sealed; only that daemon can read them.
    public init(
        contexts: [String: BuildContext] = [:], network: String? = nil, extraHosts: [String] = [],
        shmSize: ByteCount? = nil, ulimits: [Ulimit] = [], cacheFrom: [String] = [], cacheTo: [String] = [],
        noCache: Bool? = nil, noCacheStages: [String] = [], pull: Bool? = nil, platforms: [String] = [],
        ssh: [String] = [], entitlements: [String] = [], labels: [String: String] = [:],
        secretValues: [String: String] = [:]
    ) {
        let named = contexts.sorted { $0.key < $1.key }
        if !named.isEmpty { attributes["contexts"] = .object(JSONObject(named.map { ($0.key, $0.value.json) })) }
        edges = named.compactMap(\.value.edge)
        if let network { attributes["network"] = .string(network) }
        if let shmSize { attributes["shmSize"] = .int(shmSize.bytes) }
        var limits = JSONObject()
        for limit in ulimits {
            for case .insert(_, let name, let value) in limit.element.changes { limits[name] = value }
            problems += limit.element.problems
        }
        if !limits.isEmpty { attributes["ulimits"] = .object(limits) }
        let lists = [
            ("extraHosts", extraHosts), ("cacheFrom", cacheFrom), ("cacheTo", cacheTo),
            ("noCacheStages", noCacheStages), ("platforms", platforms), ("ssh", ssh), ("entitlements", entitlements),
        ]
        for (key, words) in lists where !words.isEmpty {
            attributes[key] = .array(words.map { .string($0) })
            if words.contains("") { problem("SC1119", "\(key): has an empty word") }
        }
        if let noCache { attributes["noCache"] = .bool(noCache) }
        if let pull { attributes["pull"] = .bool(pull) }
        if !labels.isEmpty { attributes["labels"] = .object(sorted(labels)) }
        if !secretValues.isEmpty { attributes["secretValues"] = .object(sorted(secretValues)) }
        for name in contexts.keys.sorted() where name.isEmpty || name.hasPrefix("$") {
            problem("SC1109", "\"\(name)\" is no name of a context")
        }
        for platform in platforms where !isPlatform(platform) {
            problem("SC1109", "\"\(platform)\" is no platform", hint: "write \"linux/amd64\" or \"linux/arm64\"")
        }
        for key in labels.keys.sorted() {
            if let reason = labelProblem(key) { problem("SC1120", reason) }
        }
    }

    private mutating func problem(_ code: String, _ summary: String, hint: String? = nil) {
        problems.append(Diagnostic(code: code, summary: summary, hint: hint))
    }
}
