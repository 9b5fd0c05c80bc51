import Builder
import Dockerfile
import Engine
import HTTP
import ImageStore
import JSONText
import Linux
import OCI
import Registry

/// The body of `POST /builds`: all that a build can be asked for.
///
/// Contexts and agents are named by the ids they got when they were sent; `docs/api.md` lists the members.
struct OwnBuildBody: Sendable {
    /// Where the files of a context are.
    enum Source: Sendable {
        /// Sent before; with what is left out where the context does not say it itself.
        case sent(String, ignored: [String])
        /// A repository or an archive that is fetched.
        case remote(String)
    }

    /// What the caller fetches afterwards.
    enum Archive: String, Sendable { case docker, oci, tar }

    private(set) var request = BuildRequest()
    private(set) var context: Source?
    private(set) var namedContexts: [String: Source] = [:]
    /// Ids of agents, by the names that `RUN --mount=type=ssh` has for them.
    private(set) var agents: [String: String] = [:]
    private(set) var archives: [Archive] = []

    init(_ json: JSONValue, access: RegistryAccess) throws(EngineError) {
        let body = try FieldReader(json)
        request.access = access
        try takeInstructions(body)
        try takeContexts(body)
        request.target = try body.string("target").flatMap { $0.isEmpty ? nil : $0 }
        request.arguments = try body.dictionary("arguments")
        for text in try body.strings("platforms") ?? [] { request.platforms.append(try BuildQuery.platform(text)) }
        request.tags = try BuildQuery.tags(try body.strings("tags") ?? [])
        request.labels = try body.dictionary("labels")
        request.annotations = try body.dictionary("annotations")
        request.pulls = try body.flag("pull")
        request.ignoresCache = try body.flag("noCache")
        request.uncachedStages = Set(try body.strings("noCacheStages") ?? [])
        request.cacheSources = try Self.locations(body, "cacheFrom")
        request.cacheTargets = try Self.locations(body, "cacheTo")
        request.entitlements = Set(try body.strings("allow") ?? [])
        request.pushes = try body.flag("push")
        request.hasInventory = try body.flag("inventory")
        request.checksOnly = try body.flag("check")
        if let text = try body.string("provenance") {
            guard let provenance = BuildRequest.Provenance(rawValue: text) else {
                throw EngineError(.invalid, "provenance must be min or max, not \(text)")
            }
            request.provenance = provenance
        }
        if let seconds = try body.integer("sourceDateEpoch", in: 0...253_402_300_799) {
            request.sourceDateEpoch = Timestamp(seconds: seconds)
        }
        try takeNetwork(try body.text("network"))
        try takeSecrets(body)
        agents = try body.dictionary("agents")
        request.limits = try Self.limits(try body.reader("limits"))
        try takeOutputs(body)
        request.compression = try Self.compression(body.reader("compression"))
    }

    private static func compression(_ reader: FieldReader?) throws(EngineError) -> LayerCompression? {
        guard let reader else { return nil }
        let name = try reader.text("method")
        guard let method = LayerCompression.Method(rawValue: name) else {
            throw EngineError(.invalid, "compression.method: uncompressed, gzip or zstd is expected, not \(name)")
        }
        let levels = method.levels.map { Int64($0.lowerBound)...Int64($0.upperBound) }
        let level = try levels.map { levels throws(EngineError) in try reader.integer("level", in: levels) } ?? nil
        return LayerCompression(method, level: level.map { Int($0) }, isForced: try reader.flag("force"))
    }

    private mutating func takeInstructions(_ body: FieldReader) throws(EngineError) {
        guard let file = try body.reader("dockerfile") else { return }
        if let text = try file.string("text") {
            guard let bytes = Base64.decode(text) else {
                throw EngineError(.invalid, "dockerfile.text must be in base64")
            }
            request.instructions = .text(bytes, name: try file.string("name") ?? "Dockerfile")
        } else {
            request.instructions = .inContext(try file.string("path") ?? "Dockerfile")
        }
    }

    private static func source(_ reader: FieldReader) throws(EngineError) -> Source? {
        if let id = try reader.string("id") { return .sent(id, ignored: try reader.strings("ignored") ?? []) }
        return try reader.string("remote").map { .remote($0) }
    }

    private mutating func takeContexts(_ body: FieldReader) throws(EngineError) {
        if let reader = try body.reader("context") { context = try Self.source(reader) }
        guard let named = try body.reader("namedContexts") else { return }
        for name in named.keys {
            guard let reader = try named.reader(name) else { continue }
            if let source = try Self.source(reader) {
                namedContexts[name] = source
            } else if let image = try reader.string("image") {
                request.namedContexts[name] = .image(image)
            } else {
                throw EngineError(.invalid, "namedContexts.\(name) must have id, remote or image")
            }
        }
    }

    private mutating func takeNetwork(_ mode: String) throws(EngineError) {
        switch mode {
        case "", "default": break
        case "none": request.network = .none
        case "host": request.network = .host
        default: request.networkName = mode
        }
    }

    private mutating func takeSecrets(_ body: FieldReader) throws(EngineError) {
        for (id, text) in try body.dictionary("secrets") {
            guard let bytes = Base64.decode(text) else {
                throw EngineError(.invalid, "secrets.\(id) must be in base64")
            }
            request.secrets[id] = bytes
        }
    }

    private mutating func takeOutputs(_ body: FieldReader) throws(EngineError) {
        guard body.value("outputs") != nil else { return }
        request.outputs = []
        for text in try body.strings("outputs") ?? [] {
            if text == "store" {
                request.outputs.append(.store)
            } else if let archive = Archive(rawValue: text) {
                archives.append(archive)
            } else {
                throw EngineError(.invalid, "outputs: store, docker, oci or tar is expected, not \(text)")
            }
        }
    }

    private static func locations(
        _ body: FieldReader, _ key: String
    ) throws(EngineError) -> [BuildRequest.CacheLocation] {
        var locations: [BuildRequest.CacheLocation] = []
        for reader in try body.objects(key) {
            let type = try reader.text("type")
            guard !type.isEmpty else { throw EngineError(.invalid, "\(key) needs a type") }
            locations.append(
                BuildRequest.CacheLocation(type: type, parameters: try reader.dictionary("parameters")))
        }
        return locations
    }

    private static func limits(_ reader: FieldReader?) throws(EngineError) -> StepLimits {
        var limits = StepLimits()
        guard let reader else { return limits }
        let whole: ClosedRange<Int64> = 0...Int64.max
        limits.cgroup.memoryBytes = try reader.integer("memory", in: whole)
        limits.cgroup.memorySwapBytes = try reader.integer("memorySwap", in: -1...Int64.max)
        limits.cgroup.cpuShares = try reader.integer("cpuShares", in: whole)
        limits.cgroup.cpuPeriod = try reader.integer("cpuPeriod", in: whole)
        limits.cgroup.cpuQuota = try reader.integer("cpuQuota", in: -1...Int64.max)
        limits.cgroup.cpuSet = try reader.text("cpuSet")
        limits.cgroup.memoryNodes = try reader.text("memoryNodes")
        if let bytes = try reader.integer("sharedMemory", in: whole) { limits.sharedMemoryBytes = bytes }
        limits.cgroupParent = try reader.text("cgroupParent")
        limits.extraHosts = try reader.strings("extraHosts") ?? []
        for value in try reader.array("ulimits") { limits.ulimits.append(try BuildLimits.ulimit(value)) }
        return limits
    }

    /// Adds a context that was found.
    mutating func set(_ tree: FileTree) { request.context = tree }

    /// Adds a named context that was found.
    mutating func set(_ tree: FileTree, named name: String) { request.namedContexts[name] = .tree(tree) }

    /// Adds an agent that was found.
    mutating func set(_ agent: any AgentConnector, named name: String) { request.agents[name] = agent }

    /// Adds an archive.
    mutating func add(_ archive: Archive, to file: SharedDescriptor) {
        switch archive {
        case .docker: request.outputs.append(.dockerArchive(file))
        case .oci: request.outputs.append(.ociArchive(file))
        case .tar: request.outputs.append(.tar(file))
        }
    }
}
